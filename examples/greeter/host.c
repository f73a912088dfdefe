/* A host of the greeter: it provides `log.write`, makes two instances, and calls `greet` of each. */
#include "greeter.h"

#include <stdio.h>
#include <string.h>

/* `write: func(text: string)`. The text is a view of the guest's memory, checked to be UTF-8; it does not end in a NUL. */
static windlass_status_t write_log(void *data, windlass_call_t *call, greeter_string_t text) {
  (void)call;
  printf("[%s] %.*s\n", (const char *)data, (int)text.len, text.ptr);
  return WINDLASS_OK;
}

static greeter_t *make(const char *name) {
  greeter_imports_t imports;
  greeter_t *greeter = NULL;
  windlass_status_t status;
  memset(&imports, 0, sizeof imports);
  imports.data = (void *)name;
  imports.log.write = write_log;
  status = greeter_new(&imports, NULL, &greeter);
  if (status != WINDLASS_OK) fprintf(stderr, "no instance: %s\n", windlass_status_text(status));
  return greeter;
}

/* `greet: func(name: string, times: u32) -> string`. */
static windlass_status_t greet(greeter_t *greeter, const char *name, uint32_t times) {
  greeter_string_t text, greeting;
  windlass_status_t status;
  text.ptr = name;
  text.len = strlen(name);
  status = greeter_greet(greeter, text, times, &greeting);
  if (status != WINDLASS_OK) return status;
  printf("the greeting: %.*s\n", (int)greeting.len, greeting.ptr);
  return greeter_string_drop(greeter, &greeting);
}

int main(void) {
  greeter_t *first = make("first");
  greeter_t *second = make("second");
  uint32_t quotient;
  if (first == NULL || second == NULL) return 1;

  if (greet(first, "Ada", 2) != WINDLASS_OK) return 1;
  if (greet(second, "Grace", 1) != WINDLASS_OK) return 1;

  /* A trap ends the instance, not the program. */
  printf("1 / 0: %s\n", windlass_status_text(greeter_divide(first, 1, 0, &quotient)));
  printf("%s", greeter_last_trap(first));
  printf("once more: %s\n", windlass_status_text(greet(first, "Ada", 1)));
  greeter_delete(first);

  first = make("third");
  if (first == NULL || greet(first, "Barbara", 1) != WINDLASS_OK) return 1;
  greeter_delete(first);
  greeter_delete(second);
  return 0;
}
