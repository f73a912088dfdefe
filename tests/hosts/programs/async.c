/* Functions that are `async` are called like all others, if they never wait; the first lines of the traps of those that do. */
#include <stdlib.h>
#include "check.h"
#include "async.h"

static async_string_t text(const char *s) {
  async_string_t out = {s, strlen(s)};
  return out;
}

static windlass_status_t ask(void *data, windlass_call_t *call, uint32_t a, async_string_t b, uint64_t c,
                             async_string_t *out) {
  char *answer = windlass_call_alloc(call, 100);
  CHECK(data == NULL && answer != NULL);
  out->ptr = answer;
  out->len = (size_t)snprintf(answer, 100, "%u %.*s %u", (unsigned)a, (int)b.len, b.ptr, (unsigned)c);
  return 0;
}

static uint32_t told;
static windlass_status_t tell(void *data, windlass_call_t *call, uint32_t a, uint32_t b, uint32_t c, uint32_t d,
                              uint32_t e) {
  (void)data;
  (void)call;
  told = 10000 * a + 1000 * b + 100 * c + 10 * d + e;
  return told == 0;
}

static async_t *make(void) {
  async_imports_t imports;
  async_t *instance;
  memset(&imports, 0, sizeof imports);
  imports.ask = ask;
  imports.tell = tell;
  EQUAL(async_new(&imports, NULL, &instance), 0);
  return instance;
}

typedef windlass_status_t echoing(async_t *, async_string_t, async_string_t *);

static void echo(async_t *instance, echoing *function, const char *expected) {
  async_string_t out;
  EQUAL(function(instance, text("any text"), &out), 0);
  CHECK(out.len == strlen(expected) && memcmp(out.ptr, expected, out.len) == 0);
  EQUAL(async_string_drop(instance, &out), 0);
}

static void says(async_t *instance, windlass_status_t status) {
  const char *said = async_last_trap(instance);
  CHECK(status != 0 && said != NULL);
  printf("%.*s\n", (int)strcspn(said, "\n"), said);
  async_delete(instance);
}

static void trap(windlass_status_t (*function)(async_t *)) {
  async_t *instance = make();
  says(instance, function(instance));
}

static void code(uint32_t value) {
  async_t *instance = make();
  says(instance, async_code(instance, value));
}

int main(void) {
  async_t *instance = make();
  async_many_values_t many;
  uint32_t number;
  int i;
  for (i = 0; i < 3; i++) {
    echo(instance, async_echo, "any text");
    echo(instance, async_echo_callback, "any text");
    echo(instance, async_forward, "7 any text 9");
    echo(instance, async_forward_async, "8 any text 10");
    EQUAL(async_tell(instance, &number), 0);
    CHECK(number == 2 && told == 12345);
    EQUAL(async_many(instance, text("behind"), &many), 0);
    CHECK(many.f0 == 1 && many.f1 == 2 && many.f2 == 3 && many.f3 == 4 && many.f4 == 5 && many.f14 == 15);
    CHECK(many.f15.len == 6 && memcmp(many.f15.ptr, "behind", 6) == 0);
    EQUAL(async_many_values_drop(instance, &many), 0);
    EQUAL(async_code(instance, 0), 0);
  }
  async_delete(instance);

  trap(async_no_result);
  trap(async_twice);
  trap(async_wrong_type);
  trap(async_wrong_options);
  trap(async_not_cancelled);
  trap(async_not_async);
  trap(async_yields);
  trap(async_waits);
  trap(async_waits_for_nothing);
  trap(async_waits_synchronously);
  code(1);
  code(2);
  code(3);
  code(0x7f2);
  trap(async_code_of_set);
  trap(async_blocks);
  instance = make();
  EQUAL(async_press(instance), 0);
  says(instance, async_tell(instance, &number));
  return 0;
}
