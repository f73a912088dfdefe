/* Memory of results: hooks, large results, what an instance leaves when it is deleted, and when there is none. */
#include "check.h"
#include "echo.h"

struct counts { int live, calls; size_t bytes; int refuse; };

static void *allocate(void *data, size_t size) {
  struct counts *counts = (struct counts *)data;
  void *memory = counts->refuse ? NULL : malloc(size);
  if (memory != NULL) counts->live++, counts->calls++, counts->bytes += size;
  return memory;
}

static void release(void *data, void *memory, size_t size) {
  struct counts *counts = (struct counts *)data;
  counts->live--;
  counts->bytes -= size;
  free(memory);
}

static echo_t *make(struct counts *counts) {
  windlass_options_t options = WINDLASS_OPTIONS;
  echo_t *echo = NULL;
  if (counts != NULL) {
    options.allocate = allocate;
    EQUAL(echo_new(NULL, &options, &echo), WINDLASS_INVALID_ARGUMENT);
    options.release = release;
    options.hook_data = counts;
  }
  EQUAL(echo_new(NULL, &options, &echo), WINDLASS_OK);
  return echo;
}

int main(void) {
  static char big[20000];
  static echo_string_t many[2000];
  struct counts counts = {0, 0, 0, 0};
  echo_string_t text = {big, sizeof big}, one = {"one", 3}, out, other;
  echo_t *echo;
  int i;
  memset(big, 'b', sizeof big);

  echo = make(&counts);
  EQUAL(echo_echo_primitives_echo_string(echo, text, &out), WINDLASS_OK);
  EQUAL(echo_echo_primitives_echo_string(echo, one, &other), WINDLASS_OK);
  EQUAL(counts.live, 2);
  CHECK(counts.bytes > sizeof big && out.len == sizeof big && memcmp(out.ptr, big, sizeof big) == 0);
  EQUAL(echo_string_drop(echo, &out), WINDLASS_OK);
  EQUAL(counts.live, 1);
  counts.refuse = 1;
  EQUAL(echo_echo_primitives_echo_string(echo, one, &out), WINDLASS_TRAP_HOST_MEMORY_EXHAUSTED);
  CHECK(out.ptr == NULL && out.len == 0);
  EQUAL(echo_string_drop(echo, &other), WINDLASS_OK); /* Also when it has trapped. */
  EQUAL(counts.live, 0);
  echo_delete(echo);

  /* What is not dropped is given back with the instance. */
  counts.refuse = 0;
  echo = make(&counts);
  for (i = 0; i < 5; i++) EQUAL(echo_echo_primitives_echo_string(echo, one, &out), WINDLASS_OK);
  EQUAL(counts.live, 5);
  echo_delete(echo);
  EQUAL(counts.live, 0);
  EQUAL(counts.bytes, 0);

  /* Its own: as many as one likes, in any order. */
  echo = make(NULL);
  for (i = 0; i < 2000; i++) EQUAL(echo_echo_primitives_echo_string(echo, one, &many[i]), WINDLASS_OK);
  for (i = 0; i < 2000; i++) {
    echo_string_t *s = &many[i * 7 % 2000];
    CHECK(s->len == 3 && memcmp(s->ptr, "one", 3) == 0);
    EQUAL(echo_string_drop(echo, s), WINDLASS_OK);
  }
  EQUAL(echo_string_drop(NULL, &out), WINDLASS_NOT_AN_INSTANCE);
  EQUAL(echo_string_drop(echo, NULL), WINDLASS_NULL_POINTER);
  echo_delete(echo);
  puts("ok");
  return 0;
}
