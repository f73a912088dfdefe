/* A function that works, and one that traps: the instance is done for, and can be deleted. */
#include "check.h"
#include "sync.h"

int main(void) {
  sync_t *sync = NULL;
  uint32_t n = 0;
  EQUAL(sync_new(NULL, NULL, &sync), WINDLASS_OK);
  EQUAL(sync_sync_do_ok(sync, &n), WINDLASS_OK);
  CHECK(n != 0);
  EQUAL(sync_sync_do_trap(sync), WINDLASS_TRAP_UNREACHABLE);
  CHECK(strstr(sync_last_trap(sync), "unreachable") != NULL);
  EQUAL(sync_sync_do_ok(sync, &n), WINDLASS_INSTANCE_TRAPPED);
  EQUAL(sync_delete(sync), WINDLASS_OK);
  return 0;
}
