/* Uncaught exceptions are traps at every boundary; and ten million of them need no more memory than a few. */
#include "check.h"
#include "throws.h"
#include <sys/resource.h>

static throws_t *throws;

static windlass_status_t call(void *vmctx, void *data, const windlass_memory_t *memory, windlass_realloc_t *realloc,
                              int32_t string_encoding, windlass_val_raw_t *v, size_t count) {
  uint32_t at = 0;
  (void)vmctx, (void)data, (void)memory, (void)realloc, (void)string_encoding, (void)count;
  if (v[0].i32 == 6) return throws_realloc(throws, 0, 0, 1, 8, &at);
  v[0].i32 += 1;
  return 0;
}

static void make(void) {
  throws_imports_t imports;
  memset(&imports, 0, sizeof imports);
  imports.host_call.callee = call;
  EQUAL(throws_new(&imports, NULL, &throws), 0);
}

static windlass_status_t run(uint32_t where, uint32_t *result) {
  windlass_val_raw_t v[1];
  windlass_status_t status;
  v[0].i32 = where;
  status = throws_run(throws, v, 1);
  *result = v[0].i32;
  return status;
}

static long resident(void) {
  struct rusage usage;
  EQUAL(getrusage(RUSAGE_SELF, &usage), 0);
  return usage.ru_maxrss;
}

int main(void) {
  windlass_val_raw_t v[1];
  uint32_t result = 0, where;
  long before;
  make();
  EQUAL(run(2, &result), 0); /* The host, through a table. */
  EQUAL(result, 2);
  EQUAL(run(7, &result), 0); /* Caught. */
  EQUAL(result, 99);
  EQUAL(run(8, &result), 0); /* Another instance, without an exception. */
  EQUAL(result, 88);
  v[0].i32 = 100000;
  EQUAL(throws_churn(throws, v, 1), 0);
  before = resident();
  v[0].i32 = 10000000;
  EQUAL(throws_churn(throws, v, 1), 0);
  EQUAL(v[0].i32, 10000000);
  CHECK(resident() - before < 1024); /* KiB */
  for (where = 0; where < 10; where++) {
    if (where == 2 || where == 7 || where == 8) continue;
    EQUAL(run(where, &result), where == 6 ? WINDLASS_TRAP_HOST_FUNCTION_FAILED
                               : where == 9 ? WINDLASS_TRAP_NULL_EXCEPTION_REFERENCE
                                            : WINDLASS_TRAP_UNCAUGHT_EXCEPTION);
    printf("%u: %s", where, throws_last_trap(throws));
    EQUAL(run(8, &result), WINDLASS_INSTANCE_TRAPPED);
    throws_delete(throws);
    make();
  }
  throws_delete(throws);
  return 0;
}
