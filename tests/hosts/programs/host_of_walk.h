/*
 * The host of components/walk.wat: its three functions, and how an instance is made. FLAT: host ABI `flat`.
 * A program defines `visited`, which `visit` calls.
 */
#ifndef HOST_OF_WALK_H
#define HOST_OF_WALK_H

#include "check.h"
#include "walk.h"

#ifdef __cplusplus
#define FROM_WASM extern "C" __attribute__((noinline))
#else
#define FROM_WASM __attribute__((noinline))
#endif

static void visited(walk_t *walk);
static int visitor;

static uint32_t check_visit(uint32_t a, double b, uint64_t c) {
  CHECK(b == (double)a - 0.5);
  EQUAL(c, 5 * (a - 1));
  return a * 2;
}

static uint64_t check_wide(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t g, float h,
                           double i, uint32_t j) {
  EQUAL(a * 1000000 + b * 100000 + c * 10000 + d * 1000 + e * 100 + f * 10 + g, 1234567);
  CHECK(h == 0.5f && i == 0.25);
  EQUAL(j, 0xffffffffu);
  return 0x100000000u;
}

static void check_text(const windlass_memory_t *memory, uint32_t at, uint32_t length) {
  EQUAL(length, 14);
  CHECK(memcmp(memory->base + at, "walked through", 14) == 0);
}

#ifdef FLAT
FROM_WASM uint32_t visit(void *vmctx, void *data, uint32_t a, double b, uint64_t c);
FROM_WASM uint32_t visit(void *vmctx, void *data, uint32_t a, double b, uint64_t c) {
  uint32_t result = check_visit(a, b, c);
  CHECK(data == (void *)&visitor);
  visited((walk_t *)vmctx);
  return result;
}
static uint64_t wide(void *vmctx, void *data, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f,
                     uint64_t g, float h, double i, uint32_t j) {
  (void)vmctx, (void)data;
  return check_wide(a, b, c, d, e, f, g, h, i, j);
}
static void text(void *vmctx, void *data, uint32_t at, uint32_t length) {
  (void)data;
  check_text(walk_memory((walk_t *)vmctx), at, length);
}
#else
#define CALLEE                                                                 \
  void *vmctx, void *data, const windlass_memory_t *memory, windlass_realloc_t *realloc, int32_t string_encoding, \
      windlass_val_raw_t *v, size_t count
#define UNUSED (void)vmctx, (void)data, (void)memory, (void)realloc, (void)string_encoding
FROM_WASM windlass_status_t visit(CALLEE);
FROM_WASM windlass_status_t visit(CALLEE) {
  uint32_t result = check_visit(v[0].i32, v[1].f64, v[2].i64);
  UNUSED;
  CHECK(data == (void *)&visitor);
  EQUAL(count, 3);
  visited((walk_t *)vmctx);
  v[0].i32 = result;
  return 0;
}
static windlass_status_t wide(CALLEE) {
  UNUSED;
  EQUAL(count, 10);
  v[0].i64 = check_wide(v[0].i64, v[1].i64, v[2].i64, v[3].i64, v[4].i64, v[5].i64, v[6].i64, v[7].f32, v[8].f64, v[9].i32);
  return 0;
}
static windlass_status_t text(CALLEE) {
  UNUSED;
  EQUAL(count, 2);
  check_text(memory, v[0].i32, v[1].i32);
  return 0;
}
#endif

static walk_t *make_walk(size_t stack_budget) {
  walk_imports_t imports;
  windlass_options_t options;
  walk_t *walk = NULL;
  memset(&imports, 0, sizeof imports);
  memset(&options, 0, sizeof options);
  options.size = sizeof options;
  options.stack_budget = stack_budget;
  imports.host_visit.callee = visit;
  imports.host_visit.data = (void *)&visitor;
  imports.host_wide.callee = wide;
  imports.host_text.callee = text;
  EQUAL(walk_new(&imports, &options, &walk), 0);
  return walk;
}

/* What `walk(n)` gives: a model of the component, in C. */
static uint32_t expected_walk(uint32_t n) {
  uint32_t inner = (n + 1) + n * 5 + (n ^ 0x5555u) + (n << 3) + (n - 9) + (n << 11 | n >> 21) + (n + 1) * 2 + n;
  uint32_t sum = inner * 2 + 0 * 3 + 1 * 3;
  uint64_t many = 1 + 3 + 2 + 4 + 3 /* fib(4) */ + 5 + 7 + 9 + 6 + 8 + (1 + 2 + 9 + 10 + 11);
  uint64_t r = many + 0x100000000u;
  /* several: leaf(n), 1.5, n, 7, 2.5, 3.5, 15 */
  return sum + 7 + n * 3 + (uint32_t)(r + n);
}

#endif
