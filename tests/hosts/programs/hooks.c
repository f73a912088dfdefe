/* Results of calls in memory of the host's: all of it comes back, dropped or not; none left is a trap. */
#include "greeter.h"

#include "check.h"

struct heap {
  size_t blocks, bytes, most;
  int empty;
};

static void *allocate(void *data, size_t size) {
  struct heap *heap = (struct heap *)data;
  void *block;
  if (heap->empty) return NULL;
  block = malloc(size);
  CHECK(block != NULL);
  memset(block, 0xa5, size);
  heap->blocks++;
  heap->bytes += size;
  if (heap->bytes > heap->most) heap->most = heap->bytes;
  return block;
}
static void release(void *data, void *block, size_t size) {
  struct heap *heap = (struct heap *)data;
  CHECK(heap->blocks > 0 && heap->bytes >= size);
  heap->blocks--;
  heap->bytes -= size;
  free(block);
}

int main(void) {
  struct heap heap = {0, 0, 0, 0};
  windlass_options_t options = WINDLASS_OPTIONS;
  greeter_t *greeter = NULL;
  greeter_string_t name = {"Ada", 3}, out;
  int i;
  options.allocate = allocate;
  EQUAL(greeter_new(NULL, &options, &greeter), WINDLASS_INVALID_ARGUMENT);
  options.release = release;
  options.hook_data = &heap;
  EQUAL(greeter_new(NULL, &options, &greeter), WINDLASS_OK);
  for (i = 0; i < 50; i++) {
    EQUAL(greeter_greet(greeter, name, 0, &out), WINDLASS_OK);
    CHECK(out.len == 11 && memcmp(out.ptr, "Hello, Ada!", 11) == 0);
    EQUAL(heap.blocks, (size_t)(i / 2) + 1);
    if (i % 2 == 0) EQUAL(greeter_string_drop(greeter, &out), WINDLASS_OK);
    if (i % 2 == 0) EQUAL(heap.blocks, (size_t)(i / 2));
  }
  CHECK(heap.most > 0);
  heap.empty = 1;
  CHECK(greeter_greet(greeter, name, 0, &out) != WINDLASS_OK);
  greeter_delete(greeter);
  EQUAL(heap.blocks, 0);
  EQUAL(heap.bytes, 0);
  puts("ok");
  return 0;
}
