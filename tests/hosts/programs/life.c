/* The life of instances: start functions that trap, no address space, a thousand of them, and a host that does not keep to the rules. */
#define _GNU_SOURCE
#include <sys/resource.h>
#include "check.h"
#include "greeter.h"
#include "segments.h"
#include "start.h"

static uint32_t how;
static start_t *seen;

static windlass_status_t tell(void *vmctx, void *data, const windlass_memory_t *memory, windlass_realloc_t *realloc,
                              int32_t string_encoding, windlass_val_raw_t *v, size_t count) {
  (void)data, (void)memory, (void)realloc, (void)string_encoding;
  EQUAL(count, 1);
  seen = (start_t *)vmctx;
  /* It is not ready yet. */
  EQUAL(start_runs(seen, v, 1), WINDLASS_INSTANCE_BUSY);
  v[0].i32 = how;
  return how == 5 ? 1 : 0;
}

static windlass_status_t quiet(void *vmctx, void *data, const windlass_memory_t *memory, windlass_realloc_t *realloc,
                               int32_t string_encoding, windlass_val_raw_t *v, size_t count) {
  (void)vmctx, (void)data, (void)memory, (void)realloc, (void)string_encoding, (void)v, (void)count;
  return 0;
}

static int mappings(void) {
  FILE *maps = fopen("/proc/self/maps", "r");
  int lines = 0, c;
  CHECK(maps != NULL);
  while ((c = getc(maps)) != EOF) lines += c == '\n';
  fclose(maps);
  return lines;
}

static windlass_status_t try_start(start_t **out) {
  start_imports_t imports;
  memset(&imports, 0, sizeof imports);
  imports.host_how.callee = tell;
  return start_new(&imports, NULL, out);
}

static greeter_t *make_greeter(void) {
  greeter_imports_t imports;
  greeter_t *greeter = NULL;
  memset(&imports, 0, sizeof imports);
  imports.log_write.callee = quiet;
  EQUAL(greeter_new(&imports, NULL, &greeter), 0);
  return greeter;
}

static void starts(void) {
  static const windlass_status_t expected[] = {0,
                                               WINDLASS_TRAP_UNREACHABLE,
                                               WINDLASS_TRAP_MEMORY_OUT_OF_BOUNDS,
                                               WINDLASS_TRAP_STACK_EXHAUSTED,
                                               WINDLASS_TRAP_UNINITIALIZED_ELEMENT,
                                               WINDLASS_TRAP_HOST_FUNCTION_FAILED};
  segments_t *segments = (segments_t *)&how;
  int before, round;
  start_t *start = NULL;
  windlass_val_raw_t v[1];
  how = 0;
  EQUAL(try_start(&start), 0);
  before = mappings();
  for (round = 0; round < 50; round++) {
    for (how = 1; how < 6; how++) {
      start_t *other = (start_t *)&how;
      EQUAL(try_start(&other), expected[how]);
      CHECK(other == NULL);
    }
    EQUAL(segments_new(NULL, NULL, &segments), WINDLASS_TRAP_MEMORY_OUT_OF_BOUNDS);
    CHECK(segments == NULL);
  }
  EQUAL(mappings(), before);
  EQUAL(start_runs(start, v, 1), 0);
  EQUAL(v[0].i32, 78);
  start_delete(start);
  /* No host function: the start function can't call it. */
  EQUAL(start_new(NULL, NULL, &start), WINDLASS_TRAP_HOST_FUNCTION_MISSING);
  CHECK(start == NULL);
}

static void cycles(int count, int with_faults) {
  int before, i;
  greeter_delete(make_greeter());
  before = mappings();
  for (i = 0; i < count; i++) {
    windlass_val_raw_t v[3];
    windlass_status_t expected;
    greeter_t *greeter = make_greeter();
    memset(v, 0, sizeof v);
    v[0].i32 = with_faults ? 65536 * (uint32_t)(i % 3) : 0;
    expected = v[0].i32 == 0 ? 0 : WINDLASS_TRAP_MEMORY_OUT_OF_BOUNDS;
    EQUAL(greeter_peek(greeter, v, 1), expected);
    greeter_delete(greeter);
  }
  EQUAL(mappings(), before);
}

/* As many as the address space of a process allows; then one less is enough for another. */
static void limits(void) {
  enum { MOST = 8 };
  greeter_t *all[MOST + 1];
  struct rlimit limit;
  int count = 0, before = mappings(), round;
  EQUAL(getrlimit(RLIMIT_AS, &limit), 0);
  limit.rlim_cur = (rlim_t)30 << 30;
  EQUAL(setrlimit(RLIMIT_AS, &limit), 0);
  for (round = 0; round < 20; round++) {
    windlass_status_t status = 0;
    for (count = 0; count <= MOST; count++) {
      all[count] = (greeter_t *)&count;
      status = greeter_new(NULL, NULL, &all[count]);
      if (status != 0) break;
    }
    CHECK(count > 2 && count < MOST);
    EQUAL(status, WINDLASS_OUT_OF_MEMORY);
    CHECK(all[count] == NULL);
    greeter_delete(all[--count]);
    EQUAL(greeter_new(NULL, NULL, &all[count]), 0);
    for (; count >= 0; count--) greeter_delete(all[count]);
  }
  CHECK(mappings() <= before + 1);
}

/* None of this is allowed, and none of it does harm. */
static void misuse(void) {
  static _Alignas(4096) char zeros[65536];
  static char other[65536];
  greeter_t *greeter = make_greeter(), *not_one = (greeter_t *)(void *)zeros;
  windlass_val_raw_t v[3];
  windlass_options_t options;
  uint32_t at = 7;
  memset(v, 0, sizeof v);
  v[2].i32 = 0;

  EQUAL(greeter_new(NULL, NULL, NULL), WINDLASS_INVALID_ARGUMENT);
  EQUAL(greeter_greet(NULL, v, 3), WINDLASS_NOT_AN_INSTANCE);
  EQUAL(greeter_greet_post_return(NULL, v, 3), WINDLASS_NOT_AN_INSTANCE);
  EQUAL(greeter_realloc(NULL, 0, 0, 1, 1, &at), WINDLASS_NOT_AN_INSTANCE);
  EQUAL(greeter_greet(not_one, v, 3), WINDLASS_NOT_AN_INSTANCE);
  EQUAL(greeter_greet_post_return(not_one, v, 3), WINDLASS_NOT_AN_INSTANCE);
  EQUAL(greeter_realloc(not_one, 0, 0, 1, 1, &at), WINDLASS_NOT_AN_INSTANCE);
  greeter_delete(NULL);
  greeter_delete(not_one);
  CHECK(greeter_last_trap(NULL) == NULL && greeter_last_trap(not_one) == NULL);
  CHECK(greeter_user(NULL) == NULL && greeter_memory(NULL) == NULL);
  greeter_fail(NULL, 1);
  CHECK(memcmp(zeros, other, sizeof zeros) == 0);

  EQUAL(greeter_greet(greeter, v, 2), WINDLASS_INVALID_ARGUMENT);
  EQUAL(greeter_greet(greeter, v, 0), WINDLASS_INVALID_ARGUMENT);
  EQUAL(greeter_greet(greeter, NULL, 3), WINDLASS_INVALID_ARGUMENT);
  EQUAL(greeter_greet_post_return(greeter, v, 0), WINDLASS_INVALID_ARGUMENT);
  EQUAL(greeter_greet_post_return(greeter, NULL, 1), WINDLASS_INVALID_ARGUMENT);
  EQUAL(greeter_realloc(greeter, 0, 0, 1, 1, NULL), WINDLASS_INVALID_ARGUMENT);
  EQUAL(greeter_greet(greeter, v, (size_t)-1), 0); /* More than enough. */
  EQUAL(greeter_greet_post_return(greeter, v, 1), 0);

  /* A guest's realloc gets what it is given; its answer is checked. */
  EQUAL(greeter_realloc(greeter, 0, 0, 8, 16, &at), 0);
  CHECK(at % 8 == 0 && at + 16 <= greeter_memory(greeter)->length);
  EQUAL(greeter_realloc(greeter, 0, 0, 0, 16, &at), WINDLASS_INVALID_ARGUMENT);
  EQUAL(greeter_realloc(greeter, 0, 0, 3, 16, &at), WINDLASS_INVALID_ARGUMENT);
  EQUAL(greeter_realloc(greeter, 0, 0, 1, 0xfffffff0u, &at), WINDLASS_TRAP_REALLOC_FAILED);
  printf("%s", greeter_last_trap(greeter));
  greeter_delete(greeter);

  /* Options: they say their size, zeros are the defaults; a budget that can't be is a call that can't be made. */
  memset(&options, 0, sizeof options);
  EQUAL(greeter_new(NULL, &options, &greeter), WINDLASS_INVALID_ARGUMENT);
  options.size = sizeof options;
  EQUAL(greeter_new(NULL, &options, &greeter), 0);
  EQUAL(greeter_peek(greeter, v, 1), 0);
  greeter_delete(greeter);
  options.stack_budget = (size_t)-1;
  EQUAL(greeter_new(NULL, &options, &greeter), 0);
  EQUAL(greeter_peek(greeter, v, 1), 0);
  greeter_delete(greeter);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  if (strcmp(argv[1], "starts") == 0) starts();
  if (strcmp(argv[1], "cycles") == 0) cycles(1000, 1);
  if (strcmp(argv[1], "limits") == 0) limits();
  if (strcmp(argv[1], "misuse") == 0) misuse();
  if (strcmp(argv[1], "short") == 0) misuse(), cycles(10, 0);
  printf("ok\n");
  return 0;
}
