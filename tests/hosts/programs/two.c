/* Two components in one program; both trap, by a check and by a fault; neither disturbs the other. */
#include "check.h"
#include "greeter.h"
#include "sync.h"

static windlass_status_t one(windlass_status_t (*entry)(greeter_t *, windlass_val_raw_t *, size_t), greeter_t *greeter,
                             uint32_t a, uint32_t b, uint32_t *result) {
  windlass_val_raw_t v[3];
  windlass_status_t status;
  memset(v, 0, sizeof v);
  v[0].i32 = a;
  v[1].i32 = b;
  status = entry(greeter, v, 3);
  if (result != NULL) *result = v[0].i32;
  return status;
}

static windlass_status_t quiet(void *vmctx, void *data, const windlass_memory_t *memory, windlass_realloc_t *realloc,
                               int32_t string_encoding, windlass_val_raw_t *v, size_t count) {
  (void)vmctx, (void)data, (void)memory, (void)realloc, (void)string_encoding, (void)v, (void)count;
  return 0;
}

static greeter_t *make_greeter(void) {
  greeter_imports_t imports;
  greeter_t *greeter = NULL;
  memset(&imports, 0, sizeof imports);
  imports.log_write.callee = quiet;
  EQUAL(greeter_new(&imports, NULL, &greeter), 0);
  return greeter;
}

static sync_t *make_sync(void) {
  sync_t *sync = NULL;
  EQUAL(sync_new(NULL, NULL, &sync), 0);
  return sync;
}

int main(void) {
  int round;
  uint32_t result;
  windlass_val_raw_t v[1];
  for (round = 0; round < 3; round++) {
    greeter_t *greeter = make_greeter();
    greeter_t *other = make_greeter();
    sync_t *sync = make_sync();
    sync_t *spare = make_sync();
    EQUAL(one(greeter_divide, greeter, 91, 7, &result), 0);
    EQUAL(result, 13);
    EQUAL(sync_sync_do_trap(sync, NULL, 0), WINDLASS_TRAP_UNREACHABLE);
    EQUAL(one(greeter_peek, greeter, 0xffffff00u, 0, NULL), WINDLASS_TRAP_MEMORY_OUT_OF_BOUNDS);
    EQUAL(one(greeter_divide, other, 1, 0, NULL), WINDLASS_TRAP_INTEGER_DIVIDE_BY_ZERO);
    if (round == 0) printf("%s%s%s", sync_last_trap(sync), greeter_last_trap(greeter), greeter_last_trap(other));
    EQUAL(sync_sync_do_ok(sync, v, 1), WINDLASS_INSTANCE_TRAPPED);
    EQUAL(one(greeter_divide, greeter, 1, 1, NULL), WINDLASS_INSTANCE_TRAPPED);
    EQUAL(one(greeter_peek, other, 0, 0, NULL), WINDLASS_INSTANCE_TRAPPED);
    EQUAL(sync_sync_do_ok(spare, v, 1), 0);
    EQUAL(v[0].i32, 42);
    sync_delete(sync);
    greeter_delete(greeter);
    sync = make_sync();
    greeter = make_greeter();
    EQUAL(sync_sync_do_ok(sync, v, 1), 0);
    EQUAL(one(greeter_divide, greeter, 6, 3, &result), 0);
    EQUAL(result, 2);
    greeter_delete(greeter);
    greeter_delete(other);
    sync_delete(sync);
    sync_delete(spare);
  }
  return 0;
}
