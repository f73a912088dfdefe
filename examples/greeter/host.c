/* A host of the greeter: it provides `log.write`, makes two instances, and calls `greet` of each. */
#include "greeter.h"

#include <stdio.h>
#include <string.h>

/* `write: func(text: string)`. A string is two flat values: where it is in the guest's memory, and how many bytes it has. */
static windlass_status_t write_log(void *vmctx, void *data, const windlass_memory_t *memory, windlass_realloc_t *realloc,
                                   int32_t string_encoding, windlass_val_raw_t *args_and_results, size_t count) {
  uint32_t text = args_and_results[0].i32;
  uint32_t length = args_and_results[1].i32;
  (void)vmctx, (void)realloc, (void)string_encoding, (void)count;
  /* The guest may be wrong or hostile: what it says is checked before it is used. */
  if (text > memory->length || length > memory->length - text) return 1;
  printf("[%s] %.*s\n", (const char *)data, (int)length, (const char *)memory->base + text);
  return 0;
}

static greeter_t *make(const char *name) {
  greeter_imports_t imports;
  greeter_t *greeter = NULL;
  windlass_status_t status;
  memset(&imports, 0, sizeof imports);
  imports.log_write.callee = write_log;
  imports.log_write.data = (void *)name;
  status = greeter_new(&imports, NULL, &greeter);
  if (status != WINDLASS_OK) fprintf(stderr, "no instance: status %d\n", (int)status);
  return greeter;
}

/* `greet: func(name: string, times: u32) -> string`. */
static windlass_status_t greet(greeter_t *greeter, const char *name, uint32_t times) {
  windlass_val_raw_t v[3];
  windlass_status_t status;
  uint32_t at, result[2];
  size_t length = strlen(name);

  /* The argument goes into the guest's memory: its own `realloc` says where. */
  status = greeter_realloc(greeter, 0, 0, 1, (uint32_t)length, &at);
  if (status != WINDLASS_OK) return status;
  memcpy(greeter_memory(greeter)->base + at, name, length);

  v[0].i32 = at;
  v[1].i32 = (uint32_t)length;
  v[2].i32 = times;
  status = greeter_greet(greeter, v, 3);
  if (status != WINDLASS_OK) return status;

  /* The result is the address of a string's address and length. */
  {
    const windlass_memory_t *memory = greeter_memory(greeter);
    uint32_t pair = v[0].i32;
    if (memory->length < 8 || pair > memory->length - 8) return WINDLASS_INVALID_ARGUMENT;
    memcpy(result, memory->base + pair, sizeof result);
    if (result[0] > memory->length || result[1] > memory->length - result[0]) return WINDLASS_INVALID_ARGUMENT;
    printf("the greeting: %.*s\n", (int)result[1], (const char *)memory->base + result[0]);
  }
  /* Now the guest may free it. */
  return greeter_greet_post_return(greeter, v, 1);
}

int main(void) {
  greeter_t *first = make("first");
  greeter_t *second = make("second");
  windlass_val_raw_t v[2];
  if (first == NULL || second == NULL) return 1;

  if (greet(first, "Ada", 2) != WINDLASS_OK) return 1;
  if (greet(second, "Grace", 1) != WINDLASS_OK) return 1;

  /* A trap ends the instance, not the program. */
  v[0].i32 = 1;
  v[1].i32 = 0;
  printf("1 / 0: status %d\n", (int)greeter_divide(first, v, 2));
  printf("%s", greeter_last_trap(first));
  printf("once more: status %d\n", (int)greet(first, "Ada", 1));
  greeter_delete(first);

  first = make("third");
  if (first == NULL || greet(first, "Barbara", 1) != WINDLASS_OK) return 1;
  greeter_delete(first);
  greeter_delete(second);
  return 0;
}
