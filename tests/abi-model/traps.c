/* Traps of the Canonical ABI as a C host sees them: the first line of each text. */
#include "check.h"
#include "traps.h"

static void trap(windlass_status_t (*function)(traps_t *, windlass_val_raw_t *, size_t)) {
  windlass_val_raw_t values[1];
  traps_t *instance;
  const char *text;
  EQUAL(traps_new(NULL, NULL, &instance), 0);
  CHECK(function(instance, values, 1) != 0);
  text = traps_last_trap(instance);
  CHECK(text != NULL);
  printf("%.*s\n", (int)strcspn(text, "\n"), text);
  EQUAL(function(instance, values, 1), WINDLASS_INSTANCE_TRAPPED);
  traps_delete(instance);
}

int main(void) {
  trap(traps_unknown);
  trap(traps_wrong);
  trap(traps_lent);
  trap(traps_kept);
  trap(traps_character);
  trap(traps_leave);
  return 0;
}
