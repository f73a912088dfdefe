/* Times guest → host calls through the lowered trampoline, host → guest calls through the entry, and a C call through a pointer. */
#define _POSIX_C_SOURCE 200809L
#include CALLS_HEADER
#include <stdio.h>
#include <time.h>

#define N 20000000u

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

#ifdef FLAT
static uint32_t add(void *vmctx, void *data, uint32_t a, uint32_t b) {
  (void)vmctx;
  (void)data;
  return a + b;
}
#else
static windlass_status_t add(void *vmctx, void *data, const windlass_memory_t *memory, windlass_realloc_t *realloc,
                             int32_t encoding, windlass_val_raw_t *v, size_t n) {
  (void)vmctx; (void)data; (void)memory; (void)realloc; (void)encoding; (void)n;
  v[0].i32 = v[0].i32 + v[1].i32;
  return 0;
}
#endif

static uint32_t plain(void *vmctx, void *data, uint32_t a, uint32_t b) {
  (void)vmctx;
  (void)data;
  return a + b;
}
uint32_t (*volatile pointer)(void *, void *, uint32_t, uint32_t) = plain;

int main(void) {
  calls_imports_t imports = {0};
  imports.add.callee = add;
  calls_t *c = NULL;
  if (calls_new(&imports, NULL, &c) != 0) return 1;
  windlass_val_raw_t v[2] = {{0}};
  double best[3] = {1e30, 1e30, 1e30};
  for (int round = 0; round < 5; round++) {
    double start = now();
    uint32_t sum = 0;
    uint32_t (*f)(void *, void *, uint32_t, uint32_t) = pointer;
    for (uint32_t n = N; n != 0; n--) sum = f(NULL, NULL, sum, n);
    double t = (now() - start) / N;
    if (t < best[0]) best[0] = t;
    start = now();
    v[0].i32 = N;
    if (calls_loop(c, v, 2) != 0 || v[0].i32 != sum) return 2;
    t = (now() - start) / N;
    if (t < best[1]) best[1] = t;
    start = now();
    for (uint32_t n = N / 8; n != 0; n--) {
      v[0].i32 = n;
      v[1].i32 = 1;
      if (calls_one(c, v, 2) != 0) return 3;
    }
    t = (now() - start) / (N / 8);
    if (t < best[2]) best[2] = t;
  }
  calls_delete(c);
  printf("%.3f %.3f %.3f\n", best[0], best[1], best[2]);
  return 0;
}
