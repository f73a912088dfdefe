/* Without guard pages nothing faults by design: the process has the signal actions that it had, and the traps come all the same. */
#define _GNU_SOURCE
#include "pool.h"

#include "check.h"

#include <signal.h>

static void actions(struct sigaction *out) {
  int number;
  for (number = 1; number < NSIG; number++) {
    memset(&out[number], 0, sizeof out[number]);
    sigaction(number, NULL, &out[number]);
  }
}

int main(void) {
  static struct sigaction before[NSIG], after[NSIG];
  pool_t *pool = NULL;
  stack_t stack;
  uint32_t r = 0;
  int round;
  actions(before);
  for (round = 0; round < 3; round++) {
    EQUAL(pool_new(NULL, NULL, &pool), WINDLASS_OK);
    EQUAL(pool_touch(pool, 64, &r), WINDLASS_OK);
    if (round == 0) EQUAL(pool_touch(pool, 2 * 65536 - 3, &r), WINDLASS_TRAP_MEMORY_OUT_OF_BOUNDS);
    if (round == 1) EQUAL(pool_deep(pool, 1000000, &r), WINDLASS_TRAP_STACK_EXHAUSTED);
    if (round == 2) EQUAL(pool_fail(pool, &r), WINDLASS_TRAP_UNREACHABLE);
    pool_delete(pool);
  }
  actions(after);
  for (round = 1; round < NSIG; round++) {
    CHECK(before[round].sa_handler == after[round].sa_handler && before[round].sa_flags == after[round].sa_flags);
  }
  EQUAL(sigaltstack(NULL, &stack), 0);
  CHECK((stack.ss_flags & SS_DISABLE) != 0);
  puts("ok");
  return 0;
}
