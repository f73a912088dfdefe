/* A host of a core module: it provides a function and the value of a global, and reads the module's memory where it lies. */
#include "cells.h"

#include <stdio.h>
#include <string.h>

static windlass_status_t show_row(void *data, cells_t *cells, uint32_t at, uint32_t length) {
  const windlass_memory_t *memory = cells_memory(cells);
  /* The guest may be wrong or hostile: what it says is checked before it is used. */
  if (at > memory->length || length > memory->length - at) return 1;
  fprintf(data, "%3u %.*s\n", (unsigned)cells_generation_get(cells), (int)length, (const char *)memory->base + at);
  return WINDLASS_OK;
}

int main(void) {
  cells_imports_t imports;
  cells_t *cells;
  uint64_t living;
  memset(&imports, 0, sizeof imports);
  imports.data = stdout;
  imports.screen.row = show_row;
  imports.screen.seed = 2;
  if (cells_new(&imports, NULL, &cells) != WINDLASS_OK) return 1;
  if (cells_run(cells, 12, &living) != WINDLASS_OK) {
    fprintf(stderr, "%s", cells_last_trap(cells));
    return 1;
  }
  printf("%u generations, %u cells live\n", (unsigned)cells_generation_get(cells), (unsigned)living);
  cells_delete(cells);
  return 0;
}
