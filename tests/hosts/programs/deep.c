/* A guest that comes back through its host without end; one whose memory and table grow without end, where there is little. */
#include "deep.h"

#include "check.h"

static uint32_t calls;
/* What the innermost call came back with. */
static windlass_status_t first;

static windlass_status_t again_small(void *data, deep_t *deep, uint32_t depth, uint32_t *result) {
  const windlass_status_t status = (calls++, (void)data, deep_go(deep, depth + 1, result));
  if (first == WINDLASS_OK) first = status;
  return status;
}

/* A host with so much to keep that its frame may reach from above the guest's limit to far below it. */
static windlass_status_t again_large(void *data, deep_t *deep, uint32_t depth, uint32_t *result) {
  volatile char kept[24 * 1024];
  windlass_status_t status;
  (void)data;
  calls++;
  kept[0] = kept[sizeof kept - 1] = (char)depth;
  status = deep_go(deep, depth + 1, result);
  if (first == WINDLASS_OK) first = status;
  CHECK(kept[0] == (char)depth && kept[sizeof kept - 1] == (char)depth);
  return status;
}

static deep_t *make(int is_large, size_t budget) {
  deep_imports_t imports = {0};
  windlass_options_t options = WINDLASS_OPTIONS;
  deep_t *deep = NULL;
  imports.env.again = is_large ? again_large : again_small;
  options.stack_budget = budget;
  EQUAL(deep_new(&imports, &options, &deep), WINDLASS_OK);
  return deep;
}

static void recursion(void) {
  static const size_t budgets[] = {64 * 1024, 100 * 1000, 512 * 1024, 1024 * 1024};
  size_t i;
  for (i = 0; i < 8; i++) {
    const size_t budget = budgets[i / 2], frame = i % 2 == 1 ? 24 * 1024 : 64;
    deep_t *deep = make(i % 2 == 1, budget);
    uint32_t result = 0;
    calls = 0, first = WINDLASS_OK;
    /* What ends it is in the message; what the outermost call ends with is that its host function failed. */
    EQUAL(deep_go(deep, 0, &result), WINDLASS_TRAP_HOST_FUNCTION_FAILED);
    EQUAL(first, WINDLASS_TRAP_STACK_EXHAUSTED);
    CHECK(strstr(deep_last_trap(deep), "call stack exhausted") != NULL);
    /* It had its budget, and no more. */
    CHECK(calls > 0 && calls <= 1 + budget / frame);
    EQUAL(deep_depth_get(deep), calls);
    EQUAL(deep_go(deep, 0, &result), WINDLASS_INSTANCE_TRAPPED);
    deep_delete(deep);
  }
}

/* How far memory and table grow: "-" where there is no instance. What there is works. */
static void growth(void) {
  deep_imports_t imports = {0};
  deep_t *deep = NULL;
  uint32_t pages = 0, elements = 0;
  const windlass_status_t status = deep_new(&imports, NULL, &deep);
  if (status != WINDLASS_OK) {
    EQUAL(status, WINDLASS_OUT_OF_MEMORY);
    CHECK(deep == NULL);
    puts("-");
    return;
  }
  EQUAL(deep_grow_table(deep, 999, &elements), WINDLASS_OK);
  EQUAL(deep_grow_memory(deep, 16, &pages), WINDLASS_OK);
  printf("%u pages, %u elements\n", pages, elements);
  deep_delete(deep);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  if (strcmp(argv[1], "growth") == 0) return growth(), 0;
  if (strcmp(argv[1], "recursion") == 0) recursion();
  puts("ok");
  return 0;
}
