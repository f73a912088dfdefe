/* Two components in one program. Each traps in its own way; the other one and the program go on. */
#include "counter.h"
#include "greeter.h"

#include <stdio.h>

static uint32_t count(counter_t *counter) {
  uint32_t next;
  windlass_status_t status = counter_next(counter, 3, &next);
  if (status == WINDLASS_OK) return next;
  printf("counter: status %d\n", (int)status);
  return 0;
}

static void peek(greeter_t *greeter, uint32_t address) {
  uint32_t word;
  windlass_status_t status = greeter_peek(greeter, address, &word);
  if (status == WINDLASS_OK) printf("greeter: %08x at %#x\n", (unsigned)word, (unsigned)address);
  else printf("greeter: status %d\n", (int)status);
}

int main(void) {
  counter_t *counter = NULL, *other = NULL;
  greeter_t *greeter = NULL;
  /* The greeter's log is never called here. */
  if (counter_new(NULL, NULL, &counter) != WINDLASS_OK || counter_new(NULL, NULL, &other) != WINDLASS_OK ||
      greeter_new(NULL, NULL, &greeter) != WINDLASS_OK)
    return 1;

  while (count(counter) != 0) continue;
  printf("%s", counter_last_trap(counter));

  peek(greeter, 64);
  peek(greeter, 0xfffffff0u); /* far outside of its memory */
  printf("%s", greeter_last_trap(greeter));
  peek(greeter, 64);

  printf("the other counter: %u\n", (unsigned)count(other));
  counter_delete(counter);
  greeter_delete(greeter);
  if (greeter_new(NULL, NULL, &greeter) != WINDLASS_OK) return 1;
  peek(greeter, 64);
  greeter_delete(greeter);
  counter_delete(other);
  return 0;
}
