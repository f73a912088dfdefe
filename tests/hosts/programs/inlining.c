/* Calls each export with values that it can answer and with one that traps; prints results and traps. */
#include "inlining.h"
#include <stdio.h>

typedef windlass_status_t function(inlining_t *, windlass_val_raw_t *, size_t);

static void call(const char *name, function *f, uint32_t a, uint32_t b, size_t n) {
  inlining_t *i = NULL;
  windlass_val_raw_t v[2] = {{0}};
  v[0].i32 = (int32_t)a;
  v[1].i32 = (int32_t)b;
  if (inlining_new(NULL, NULL, &i) != 0) return;
  if (f(i, v, n) == 0) printf("%s(%u, %u) = %u\n", name, a, b, (uint32_t)v[0].i32);
  else printf("%s(%u, %u): %s", name, a, b, inlining_last_trap(i));
  inlining_delete(i);
}

int main(void) {
  call("ratio", inlining_ratio, 100, 20, 2);
  call("ratio", inlining_ratio, 100, 5, 2);
  call("ratio", inlining_ratio, 100, 0, 2);
  call("far", inlining_far, 8, 0, 1);
  call("far", inlining_far, 65533, 0, 1);
  call("across", inlining_across, 16, 3, 2);
  call("across", inlining_across, 65533, 3, 2);
  return 0;
}
