/* A host of a core module: functions both ways, memories, tables, globals, references, misuse. */
#include "math.h"

#include "check.h"

#include <string.h>

static windlass_status_t on_log(void *data, math_t *instance, uint32_t a, uint64_t b, float c, double d, uint32_t *result) {
  CHECK(instance != NULL && a == 0xffffffffu && b == 0x123456789abcdef0u && c == 1.5f && d == -2.25);
  *result = *(uint32_t *)data;
  return WINDLASS_OK;
}

static windlass_status_t on_many(void *data, math_t *instance, uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t a4,
                                 uint32_t a5, uint32_t a6, const windlass_v128_t *a7, float a8, uint32_t *r0, uint64_t *r1,
                                 float *r2, double *r3, windlass_v128_t *r4) {
  (void)data, (void)instance;
  CHECK(a0 == 1 && a1 == 2 && a2 == 3 && a3 == 4 && a4 == 5 && a5 == 6 && a6 == 7 && a8 == 1.5f);
  *r0 = a0 + a6;
  *r1 = UINT64_C(1) << 40;
  *r2 = a8 * 2;
  *r3 = 0.125;
  r4->u64[0] = a7->u64[1];
  r4->u64[1] = a7->u64[0];
  return WINDLASS_OK;
}

static void *seen;
static windlass_funcref_t answer;
static windlass_status_t on_double(void *data, math_t *instance, windlass_funcref_t f, void *x, windlass_funcref_t *result) {
  (void)data, (void)instance, (void)f;
  seen = x;
  *result = answer.bits == 0 ? f : answer;
  return WINDLASS_OK;
}

static windlass_status_t on_again(void *data, math_t *instance, uint32_t depth) {
  uint32_t sum = 0;
  (void)data;
  CHECK(math_add(instance, depth, 1, &sum) == WINDLASS_OK && sum == depth + 101);
  return math_nest(instance, depth);
}

static const char *text(const windlass_memory_t *memory, size_t at) { return (const char *)memory->base + at; }

static void values(math_t *m) {
  uint32_t r = 0;
  uint64_t sum = 0;
  windlass_v128_t v, out;
  uint64_t r1;
  float r2;
  double r3;
  CHECK(math_add(m, 1, 2, &r) == WINDLASS_OK && r == 103);
  CHECK(math_log(m, &r) == WINDLASS_OK && r == 77);
  v.u64[0] = 11, v.u64[1] = 22;
  CHECK(math_call_many(m, 7, &v, &r, &r1, &r2, &r3, &out) == WINDLASS_OK);
  CHECK(r == 8 && r1 == UINT64_C(1) << 40 && r2 == 3.0f && r3 == 0.125 && out.u64[0] == 22 && out.u64[1] == 11);
  CHECK(math_wide(m, &out) == WINDLASS_OK && out.u8[0] == 9 && out.u8[15] == 8);
  CHECK(math_sum(m, &sum) == WINDLASS_OK && sum == 41 && math_env_sum_get(m) == 41);
  CHECK(math_env_sum_set(m, 1000) == WINDLASS_OK);
  CHECK(math_sum(m, &sum) == WINDLASS_OK && sum == 1001);
  CHECK(math_env_base_get(m) == 100 && math_pi_get(m) == 3.25 && math_counter_get(m) == 5);
  CHECK(math_counter_set(m, 6) == WINDLASS_OK && math_count(m, &r) == WINDLASS_OK && r == 6);
  CHECK(math_lanes_get(m, &out) == WINDLASS_OK && out.u32[0] == 1 && out.u32[3] == 4);
  out.f32[2] = 0.5f;
  CHECK(math_lanes_set(m, &out) == WINDLASS_OK && math_lanes_get(m, &v) == WINDLASS_OK && v.f32[2] == 0.5f);
  CHECK(math_lanes_set(m, NULL) == WINDLASS_INVALID_ARGUMENT && math_lanes_get(NULL, &v) == WINDLASS_NOT_AN_INSTANCE);
  CHECK(math_nest(m, 3) == WINDLASS_OK && math_counter_get(m) == 10);
}

static void names(math_t *m) {
  uint32_t r = 0;
  CHECK(math_new_2(m, &r) == WINDLASS_OK && r == 1);
  CHECK(math_a_b(m, &r) == WINDLASS_OK && r == 1);
  CHECK(math_a_b_2(m, &r) == WINDLASS_OK && r == 2);
  CHECK(math_a_b_u202e(m, &r) == WINDLASS_OK && r == 3);
  CHECK(math_unnamed(m, &r) == WINDLASS_OK && r == 4);
  CHECK(math_cafue9(m, &r) == WINDLASS_OK && r == 5);
}

static void memories(math_t *m) {
  const windlass_memory_t *shared = math_other_u3c0_mem(m), *own = math_memory(m);
  uint8_t *before = shared->base;
  uint32_t r = 0;
  CHECK(memcmp(text(shared, 8), "shared", 6) == 0 && memcmp(text(own, 0), "own", 3) == 0);
  CHECK(shared->length == 65536 && math_other_u3c0_mem_grow(m, 2) == 1 && shared->length == 3 * 65536);
  CHECK(shared->base == before && math_size(m, &r) == WINDLASS_OK && r == 3);
  shared->base[2 * 65536] = 42;
  CHECK(math_peek(m, 2 * 65536, &r) == WINDLASS_OK && r == 42);
  CHECK(math_grow(m, 1, &r) == WINDLASS_OK && r == 3 && shared->length == 4 * 65536);
  CHECK(math_other_u3c0_mem_grow(m, 1) == UINT64_MAX && math_memory_grow(m, UINT64_MAX) == UINT64_MAX);
  CHECK(math_memory_grow(NULL, 1) == UINT64_MAX && math_memory(NULL) == NULL);
}

static void tables(math_t *m) {
  windlass_funcref_t add, sub, forged, null = {0};
  uint32_t r = 0;
  int thing = 0;
  void *x = NULL;
  CHECK(math_table_size(m) == 4);
  CHECK(math_table_get(m, 1, &add) == WINDLASS_OK && math_table_get(m, 2, &sub) == WINDLASS_OK && add.bits != 0);
  CHECK(math_table_get(m, 4, &add) == WINDLASS_INVALID_ARGUMENT);
  CHECK(math_call_i32_i32_to_i32(m, add, 3, 4, &r) == WINDLASS_OK && r == 107);
  CHECK(math_call_i32_i32_to_i32(m, sub, 3, 4, &r) == WINDLASS_OK && r == 0xffffffffu);
  CHECK(math_call_i32_i32_to_i32(m, null, 3, 4, &r) == WINDLASS_INVALID_ARGUMENT);
  CHECK(math_call_i32(m, add, 3) == WINDLASS_INVALID_ARGUMENT);
  forged.bits = add.bits + 1;
  CHECK(math_call_i32_i32_to_i32(m, forged, 3, 4, &r) == WINDLASS_INVALID_ARGUMENT);
  CHECK(math_table_set(m, 0, forged) == WINDLASS_INVALID_ARGUMENT);
  CHECK(math_indirect(m, 1, 10, 4, &r) == WINDLASS_OK && r == 114);
  CHECK(math_table_set(m, 1, sub) == WINDLASS_OK && math_indirect(m, 1, 10, 4, &r) == WINDLASS_OK && r == 6);
  CHECK(math_table_grow(m, 6, add) == 4 && math_table_grow(m, 1, null) == UINT64_MAX && math_table_size(m) == 10);
  CHECK(math_table_grow(m, 0, forged) == UINT64_MAX);
  CHECK(math_indirect(m, 9, 1, 1, &r) == WINDLASS_OK && r == 102);
  CHECK(math_other_u3c0_slots_size(m) == 2 && math_other_u3c0_slots_set(m, 1, &thing) == WINDLASS_OK);
  CHECK(math_slot(m, 1, &x) == WINDLASS_OK && x == &thing && math_slot(m, 0, &x) == WINDLASS_OK && x == NULL);
  CHECK(math_refs(m, add, &thing, &sub) == WINDLASS_OK && sub.bits == add.bits && seen == &thing);
  CHECK(math_refs(m, forged, &thing, &sub) == WINDLASS_INVALID_ARGUMENT);
  CHECK(math_refs(m, null, NULL, &sub) == WINDLASS_OK && sub.bits == 0 && seen == NULL);
}

int main(void) {
  math_imports_t imports;
  math_t *m = NULL, *other = NULL;
  uint32_t number = 77, r = 0;
  windlass_funcref_t f;
  memset(&imports, 0, sizeof imports);
  imports.data = &number;
  imports.env.log = on_log;
  imports.env.many = on_many;
  imports.env.f_double = on_double;
  imports.env.again = on_again;
  imports.env.base = 100;
  imports.env.sum = 40;
  imports.env.wide.u8[0] = 9, imports.env.wide.u8[15] = 8;
  CHECK(math_new(&imports, NULL, &m) == WINDLASS_OK);
  values(m);
  names(m);
  memories(m);
  tables(m);

  /* Another instance is another world. */
  imports.env.base = 0;
  imports.env.log = NULL;
  CHECK(math_new(&imports, NULL, &other) == WINDLASS_OK);
  CHECK(math_add(other, 1, 2, &r) == WINDLASS_OK && r == 3 && math_counter_get(other) == 5);
  CHECK(math_add(other, 1, 2, NULL) == WINDLASS_INVALID_ARGUMENT);
  CHECK(math_add(NULL, 1, 2, &r) == WINDLASS_NOT_AN_INSTANCE);
  CHECK(math_last_trap(other) == NULL);
  CHECK(math_log(other, &r) == WINDLASS_TRAP_HOST_FUNCTION_MISSING);
  CHECK(math_log(other, &r) == WINDLASS_INSTANCE_TRAPPED);
  printf("%s", math_last_trap(other));
  math_delete(other);

  /* A host that answers with what is no reference. */
  answer.bits = 12345;
  CHECK(math_table_get(m, 2, &f) == WINDLASS_OK);
  CHECK(math_refs(m, f, NULL, &f) == WINDLASS_TRAP_HOST_FUNCTION_FAILED);
  math_delete(m);

  CHECK(math_new(NULL, NULL, &m) == WINDLASS_OK && math_env_base_get(m) == 0);
  CHECK(math_peek(m, 65536, &r) == WINDLASS_TRAP_MEMORY_OUT_OF_BOUNDS);
  printf("%s", math_last_trap(m));
  math_delete(m);
  CHECK(math_new(NULL, NULL, &m) == WINDLASS_OK);
  CHECK(math_divide(m, 1, 0, &r) == WINDLASS_TRAP_INTEGER_DIVIDE_BY_ZERO);
  math_delete(m);
  puts("ok");
  return 0;
}
