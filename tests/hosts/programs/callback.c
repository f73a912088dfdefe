/* An import that fails, at the first call or at a later one, or that is missing. FLAT: host ABI `flat`. */
#include "check.h"
#include "callback.h"

static int calls, fails_at;
static int32_t with_status = 1;

#ifdef FLAT
static uint32_t call_me(void *vmctx, void *data) {
  CHECK(data == (void *)&calls);
  if (++calls == fails_at) {
    callback_fail((callback_t *)vmctx, with_status);
    return 0;
  }
  return 0x80000000u + (uint32_t)calls;
}
#else
static windlass_status_t call_me(void *vmctx, void *data, const windlass_memory_t *memory, windlass_realloc_t *realloc,
                                 int32_t string_encoding, windlass_val_raw_t *v, size_t count) {
  (void)vmctx, (void)string_encoding;
  CHECK(data == (void *)&calls && memory == NULL && realloc == NULL);
  EQUAL(count, 1);
  if (++calls == fails_at) return with_status;
  v[0].i32 = 0x80000000u + (uint32_t)calls;
  return 0;
}
#endif

static callback_t *make(int with_host) {
  callback_imports_t imports;
  callback_t *callback = NULL;
  memset(&imports, 0, sizeof imports);
  imports.host_call_me.callee = with_host ? call_me : NULL;
  imports.host_call_me.data = &calls;
  EQUAL(callback_new(&imports, NULL, &callback), 0);
  return callback;
}

int main(void) {
  int32_t statuses[] = {1, -1, 16, 0x7fffffff, -0x7fffffff - 1, 256};
  windlass_val_raw_t v[1];
  size_t i;
  for (i = 0; i < sizeof statuses / sizeof *statuses; i++) {
    callback_t *a = make(1), *b;
    callback_fail(a, 1); /* Outside of any call: without effect. */
    calls = 0;
    fails_at = 2;
    with_status = statuses[i];
    EQUAL(callback_caller_call_host(a, v, 1), 0);
    EQUAL(v[0].i32, 0x80000001u);
    EQUAL(callback_caller_call_host(a, v, 1), WINDLASS_TRAP_HOST_FUNCTION_FAILED);
    if (i == 0) printf("%s", callback_last_trap(a));
    EQUAL(callback_caller_do_ok(a, v, 1), WINDLASS_INSTANCE_TRAPPED);
    EQUAL(calls, 2);
    b = make(1);
    EQUAL(callback_caller_call_host(b, v, 1), 0);
    EQUAL(v[0].i32, 0x80000003u);
    callback_delete(a);
    EQUAL(callback_caller_do_ok(b, v, 1), 0);
    EQUAL(v[0].i32, 42);
    callback_delete(b);
  }
  for (i = 0; i < 2; i++) {
    callback_t *a = NULL;
    if (i == 0) a = make(0);
    else EQUAL(callback_new(NULL, NULL, &a), 0);
    EQUAL(callback_caller_do_ok(a, v, 1), 0);
    EQUAL(callback_caller_call_host(a, v, 1), WINDLASS_TRAP_HOST_FUNCTION_MISSING);
    if (i == 0) printf("%s", callback_last_trap(a));
    callback_delete(a);
  }
  return 0;
}
