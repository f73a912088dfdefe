/* The host comes in again while frames of the guest hold exceptions: on the same stack, and on one of its own. */
#define _GNU_SOURCE
#include "check.h"
#include "nested.h"
#include <ucontext.h>

enum { churns, other_stack, deeper, throws };

static ucontext_t here, there;
static nested_t *inside;
static windlass_status_t answer;

static void on_other_stack(void) { answer = nested_churn(inside, 5000); }

static windlass_status_t again(void *data, nested_t *nested, uint32_t how) {
  uint32_t result = 0;
  (void)data;
  switch (how) {
  case churns:
    return nested_churn(nested, 5000);
  case other_stack:
    EQUAL(getcontext(&there), 0);
    there.uc_stack.ss_size = 1 << 20;
    there.uc_stack.ss_sp = malloc(there.uc_stack.ss_size);
    there.uc_link = &here;
    inside = nested;
    makecontext(&there, on_other_stack, 0);
    EQUAL(swapcontext(&here, &there), 0); /* The registers wait where no collector looks. */
    free(there.uc_stack.ss_sp);
    return answer;
  case deeper:
    EQUAL(nested_hold(nested, churns, 7, &result), 0);
    EQUAL(result, 7);
    EQUAL(nested_hold(nested, other_stack, 8, &result), 0);
    EQUAL(result, 8);
    return 0;
  default:
    EQUAL(nested_throw(nested, 1), WINDLASS_TRAP_UNCAUGHT_EXCEPTION);
    return 1;
  }
}

int main(void) {
  nested_imports_t imports;
  nested_t *nested;
  uint32_t how, result = 0;
  int round;
  memset(&imports, 0, sizeof imports);
  imports.env.again = again;
  EQUAL(nested_new(&imports, NULL, &nested), 0);
  for (round = 0; round < 20; round++) {
    for (how = churns; how <= deeper; how++) {
      EQUAL(nested_hold(nested, how, 40 + how, &result), 0);
      EQUAL(result, 40 + how);
    }
  }
  EQUAL(nested_around(nested, churns, &result), 0);
  EQUAL(result, 0);
  EQUAL(nested_around(nested, throws, &result), WINDLASS_TRAP_HOST_FUNCTION_FAILED);
  printf("%s", nested_last_trap(nested));
  nested_delete(nested);
  return 0;
}
