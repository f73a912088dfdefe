/* A kernel as an object of Windlass. */
#include "loop.h"
#include "kernel.h"
#include <stdlib.h>

static kernel_t *kernel;

static int32_t run(int32_t n) {
  windlass_val_raw_t v[1];
  v[0].i32 = n;
  if (kernel_run(kernel, v, 1) != 0) {
    fputs(kernel_last_trap(kernel), stderr);
    exit(2);
  }
  return v[0].i32;
}

int main(void) {
  if (kernel_new(NULL, NULL, &kernel) != 0) return 1;
  return serve(run);
}
