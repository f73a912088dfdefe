/* Each import is called through its own slot, each export under its own name. FLAT: host ABI `flat`. */
#include "check.h"
#include "names.h"

#ifdef FLAT
static uint32_t number(void *vmctx, void *data) {
  (void)vmctx;
  return (uint32_t)(size_t)data;
}
static float three(void *vmctx, void *data, double x, float y, uint64_t z) {
  (void)vmctx, (void)data;
  return (float)(x + y + (double)z);
}
#else
static windlass_status_t number(void *vmctx, void *data, const windlass_memory_t *memory, windlass_realloc_t *realloc,
                                int32_t string_encoding, windlass_val_raw_t *v, size_t count) {
  (void)vmctx, (void)memory, (void)realloc, (void)string_encoding;
  EQUAL(count, 1);
  v[0].i32 = (uint32_t)(size_t)data;
  return 0;
}
static windlass_status_t three(void *vmctx, void *data, const windlass_memory_t *memory, windlass_realloc_t *realloc,
                               int32_t string_encoding, windlass_val_raw_t *v, size_t count) {
  (void)vmctx, (void)data, (void)memory, (void)realloc, (void)string_encoding;
  EQUAL(count, 3);
  v[0].f32 = (float)(v[0].f64 + v[1].f32 + (double)v[2].i64);
  return 0;
}
#endif

int main(void) {
  names_imports_t imports;
  names_t *names = NULL;
  windlass_val_raw_t v[3];
#define SET(member, value) imports.member.callee = number, imports.member.data = (void *)(size_t)(value)
  memset(&imports, 0, sizeof imports);
  SET(test_names_one_int, 1);
  SET(two_int, 10);
  SET(other_names_one_int, 100);
  SET(other_names_one_1_2_3_int, 1000);
  SET(new_2, 10000);
  SET(class_2, 100000);
  SET(static_2, 1000000);
  SET(one_int, 10000000);
  SET(one_a_b, 100000000);
  imports.void_2.callee = three;
  EQUAL(names_new(&imports, NULL, &names), 0);
#define CALL(function, expected)                                               \
  do {                                                                         \
    EQUAL(function(names, v, 3), 0);                                           \
    EQUAL(v[0].i32, expected);                                                 \
  } while (0)
  CALL(names_sum, 111111111);
  CALL(names_test_names_api_sum, 111111111);
  CALL(names_other_names_api_sum, 111111111);
  CALL(names_test_names_api_new, 1);
  CALL(names_other_names_api_new, 1);
  CALL(names_new_2, 1);
  CALL(names_delete_2, 1);
  CALL(names_last_trap_2, 1);
  CALL(names_fail_2, 1);
  CALL(names_t_2, 1);
  CALL(names_imports_t_2, 1);
  v[0].f64 = 0.5, v[1].f32 = 0.25f, v[2].i64 = 4;
  EQUAL(names_int(names, v, 3), 0);
  CHECK(v[0].f32 == 4.75f);
  names_delete(names);
  printf("ok\n");
  return 0;
}
