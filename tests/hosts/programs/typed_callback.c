/* An import with C values that fails, at the first call or at a later one, or that is missing. */
#include "check.h"
#include "callback.h"

static int calls, fails_at;
static int32_t with_status = 1;

static windlass_status_t call_me(void *data, windlass_call_t *call, uint32_t *out) {
  /* Scratch memory is free again behind every call. */
  char *scratch = (char *)windlass_call_alloc(call, 10000);
  CHECK(scratch != NULL);
  memset(scratch, 0xa5, 10000);
  CHECK(data == (void *)&calls);
  EQUAL(*out, 0);
  *out = 0x80000000u + (uint32_t)++calls;
  return calls == fails_at ? with_status : WINDLASS_OK;
}

static callback_t *make(int with_host) {
  callback_imports_t imports;
  callback_t *callback = NULL;
  memset(&imports, 0, sizeof imports);
  imports.data = &calls;
  imports.host.call_me = with_host ? call_me : NULL;
  EQUAL(callback_new(&imports, NULL, &callback), 0);
  return callback;
}

int main(void) {
  int32_t statuses[] = {1, -1, 16, 0x7fffffff, -0x7fffffff - 1, 256};
  uint32_t out;
  size_t i;
  for (i = 0; i < sizeof statuses / sizeof *statuses; i++) {
    callback_t *a = make(1), *b;
    calls = 0;
    fails_at = 2;
    with_status = statuses[i];
    EQUAL(callback_caller_call_host(a, &out), 0);
    EQUAL(out, 0x80000001u);
    EQUAL(callback_caller_call_host(a, &out), WINDLASS_TRAP_HOST_FUNCTION_FAILED);
    if (i == 0) printf("%s", callback_last_trap(a));
    EQUAL(callback_caller_do_ok(a, &out), WINDLASS_INSTANCE_TRAPPED);
    EQUAL(calls, 2);
    b = make(1);
    EQUAL(callback_caller_call_host(b, &out), 0);
    EQUAL(out, 0x80000003u);
    callback_delete(a);
    EQUAL(callback_caller_do_ok(b, &out), 0);
    EQUAL(out, 42);
    callback_delete(b);
    EQUAL(callback_caller_do_ok(NULL, &out), WINDLASS_NOT_AN_INSTANCE);
  }
  {
    callback_t *a = make(1);
    fails_at = 0;
    for (i = 0; i < 20000; i++) EQUAL(callback_caller_call_host(a, &out), 0);
    callback_delete(a);
  }
  for (i = 0; i < 2; i++) {
    callback_t *a = NULL;
    if (i == 0) a = make(0);
    else EQUAL(callback_new(NULL, NULL, &a), 0);
    EQUAL(callback_caller_do_ok(a, &out), 0);
    EQUAL(callback_caller_call_host(a, &out), WINDLASS_TRAP_HOST_FUNCTION_MISSING);
    if (i == 0) printf("%s", callback_last_trap(a));
    callback_delete(a);
  }
  return 0;
}
