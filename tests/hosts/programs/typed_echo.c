/* Everything that `echo` gives back is what went in: C values, all kinds of types. -DCOMPOUND: also the interfaces beyond the primitives. */
#include "check.h"
#include "echo.h"

#include <stdlib.h>

#define SAME(function, type, value)                                    \
  do {                                                                 \
    type in = (value);                                                 \
    type out;                                                          \
    memset(&out, 0xa5, sizeof out);                                    \
    EQUAL(echo_echo_primitives_echo_##function(echo, in, &out), WINDLASS_OK); \
    CHECK(memcmp(&in, &out, sizeof in) == 0);                          \
  } while (0)

static echo_string_t text(const char *s) {
  echo_string_t string = {s, strlen(s)};
  return string;
}

static void check_string(echo_t *echo, const char *s, size_t len) {
  echo_string_t in = {s, len}, out, copy;
  EQUAL(echo_echo_primitives_echo_string(echo, in, &out), WINDLASS_OK);
  CHECK(out.len == len && (len == 0 || (out.ptr != s && memcmp(out.ptr, s, len) == 0)));
  CHECK((out.ptr == NULL) == (len == 0));
  copy = out;
  EQUAL(echo_string_drop(echo, &out), WINDLASS_OK);
  CHECK(out.ptr == NULL && out.len == 0);
  EQUAL(echo_string_drop(echo, &out), WINDLASS_OK);
  if (len != 0) CHECK(echo_string_drop(echo, &copy) == WINDLASS_INVALID_ARGUMENT);
}

static void primitives(echo_t *echo) {
  size_t i;
  char *big = (char *)malloc(300000);
  SAME(bool, bool, true);
  SAME(bool, bool, false);
  SAME(u8, uint8_t, 0xff);
  SAME(s8, int8_t, -128);
  SAME(u16, uint16_t, 0xffff);
  SAME(s16, int16_t, -32768);
  SAME(u32, uint32_t, 0xffffffff);
  SAME(s32, int32_t, -0x7fffffff);
  SAME(u64, uint64_t, 0xfedcba9876543210);
  SAME(s64, int64_t, -0x7fffffffffffffff);
  SAME(f32, float, -1.5f);
  SAME(f64, double, 1e300);
  SAME(char, uint32_t, 0x10ffff);
  SAME(char, uint32_t, 'w');
  check_string(echo, "", 0);
  check_string(echo, NULL, 0);
  check_string(echo, "w\303\266rld \360\237\214\215", 11);
  CHECK(big != NULL);
  for (i = 0; i < 300000; i++) big[i] = (char)('a' + i % 26);
  for (i = 1; i < 20000; i = i * 3 / 2 + 1) check_string(echo, big, i);
  free(big);
}

static void misuse(echo_t *echo) {
  uint32_t c = 7;
  echo_string_t s = {"\xff", 1}, out;
  CHECK(echo_echo_primitives_echo_char(echo, 0xd800, &c) == WINDLASS_INVALID_CHAR);
  CHECK(echo_echo_primitives_echo_char(echo, 0x110000, &c) == WINDLASS_INVALID_CHAR);
  CHECK(echo_echo_primitives_echo_char(echo, 'a', NULL) == WINDLASS_NULL_POINTER);
  CHECK(c == 7);
  CHECK(echo_echo_primitives_echo_string(echo, s, &out) == WINDLASS_INVALID_UTF8);
  s.ptr = "\xe2\x82";
  s.len = 2;
  CHECK(echo_echo_primitives_echo_string(echo, s, &out) == WINDLASS_INVALID_UTF8);
  s.ptr = NULL;
  CHECK(echo_echo_primitives_echo_string(echo, s, &out) == WINDLASS_NULL_POINTER);
  s.ptr = "x";
  s.len = (size_t)1 << 28;
  CHECK(echo_echo_primitives_echo_string(echo, s, &out) == WINDLASS_STRING_TOO_LONG);
  s.len = (size_t)-1;
  CHECK(echo_echo_primitives_echo_string(echo, s, &out) == WINDLASS_STRING_TOO_LONG);
  CHECK(strcmp(windlass_status_text(WINDLASS_STRING_TOO_LONG), "a string argument is too long") == 0);
  CHECK(echo_echo_primitives_echo_char(NULL, 'a', &c) == WINDLASS_NOT_AN_INSTANCE);
  /* It is as it was. */
  check_string(echo, "still here", 10);
}

#ifdef COMPOUND
static int is_text(echo_string_t s, const char *t) {
  return s.len == strlen(t) && (s.len == 0 || memcmp(s.ptr, t, s.len) == 0);
}

static void compound(echo_t *echo) {
  {
    echo_tuple2_u32_string_t in = {7, text("seven")}, out;
    EQUAL(echo_echo_compound_echo_tuple2(echo, &in, &out), WINDLASS_OK);
    CHECK(out.f0 == 7 && is_text(out.f1, "seven"));
    EQUAL(echo_tuple2_u32_string_drop(echo, &out), WINDLASS_OK);
  }
  {
    echo_tuple3_f32_f32_f32_t in = {1.5f, -2.5f, 3.5f}, out;
    EQUAL(echo_echo_compound_echo_tuple3(echo, &in, &out), WINDLASS_OK);
    CHECK(out.f0 == 1.5f && out.f1 == -2.5f && out.f2 == 3.5f);
  }
  {
    echo_echo_compound_labeled_point_t in = {text("peak"), {1.25, -8}, {true, 1830.5}}, out;
    EQUAL(echo_echo_compound_echo_nested_record(echo, &in, &out), WINDLASS_OK);
    CHECK(is_text(out.label, "peak") && out.coords.x == 1.25 && out.coords.y == -8);
    CHECK(out.elevation.is_some && out.elevation.val == 1830.5);
    EQUAL(echo_echo_compound_labeled_point_drop(echo, &out), WINDLASS_OK);
    in.elevation.is_some = false;
    in.label = text("");
    EQUAL(echo_echo_compound_echo_nested_record(echo, &in, &out), WINDLASS_OK);
    CHECK(!out.elevation.is_some && out.label.len == 0);
    EQUAL(echo_echo_compound_labeled_point_drop(echo, &out), WINDLASS_OK);
  }
  {
    uint8_t bytes[4096];
    size_t i;
    echo_list_u8_t in = {bytes, sizeof bytes}, out;
    for (i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7);
    EQUAL(echo_echo_compound_echo_list_u8(echo, in, &out), WINDLASS_OK);
    CHECK(out.len == sizeof bytes && memcmp(out.ptr, bytes, sizeof bytes) == 0);
    EQUAL(echo_list_u8_drop(echo, &out), WINDLASS_OK);
    in.len = (size_t)1 << 28;
    CHECK(echo_echo_compound_echo_list_u8(echo, in, &out) == WINDLASS_LIST_TOO_LONG);
  }
  {
    echo_string_t strings[300];
    size_t i;
    echo_list_string_t in = {strings, 300}, out;
    for (i = 0; i < 300; i++) strings[i] = text(i % 3 == 0 ? "" : i % 3 == 1 ? "one" : "a longer text, to fill more than a block");
    EQUAL(echo_echo_compound_echo_list_string(echo, in, &out), WINDLASS_OK);
    CHECK(out.len == 300);
    for (i = 0; i < 300; i++) CHECK(is_text(out.ptr[i], strings[i].ptr));
    EQUAL(echo_list_string_drop(echo, &out), WINDLASS_OK);
    strings[250].ptr = "\xff";
    strings[250].len = 1;
    CHECK(echo_echo_compound_echo_list_string(echo, in, &out) == WINDLASS_INVALID_UTF8);
    in.len = 0;
    EQUAL(echo_echo_compound_echo_list_string(echo, in, &out), WINDLASS_OK);
    CHECK(out.len == 0 && out.ptr == NULL);
    EQUAL(echo_list_string_drop(echo, &out), WINDLASS_OK);
  }
  {
    echo_echo_compound_point_t points[3] = {{1, 2}, {3, 4}, {5, 6}};
    echo_list_echo_compound_point_t in = {points, 3}, out;
    EQUAL(echo_echo_compound_echo_list_record(echo, in, &out), WINDLASS_OK);
    CHECK(out.len == 3 && memcmp(out.ptr, points, sizeof points) == 0);
    EQUAL(echo_list_echo_compound_point_drop(echo, &out), WINDLASS_OK);
  }
  {
    echo_option_string_t in = {true, text("there")}, none = {false, {NULL, 5}}, out;
    EQUAL(echo_echo_compound_echo_option_string(echo, &in, &out), WINDLASS_OK);
    CHECK(out.is_some && is_text(out.val, "there"));
    EQUAL(echo_option_string_drop(echo, &out), WINDLASS_OK);
    EQUAL(echo_echo_compound_echo_option_string(echo, &none, &out), WINDLASS_OK);
    CHECK(!out.is_some);
    EQUAL(echo_option_string_drop(echo, &out), WINDLASS_OK);
  }
  {
    echo_result_string_string_t in, out;
    in.is_err = true;
    in.val.err = text("wrong");
    EQUAL(echo_echo_compound_echo_result_ok(echo, &in, &out), WINDLASS_OK);
    CHECK(out.is_err && is_text(out.val.err, "wrong"));
    EQUAL(echo_result_string_string_drop(echo, &out), WINDLASS_OK);
  }
}

static void algebraic(echo_t *echo) {
  echo_echo_algebraic_color_t color;
  echo_echo_algebraic_permissions_t permissions;
  echo_echo_algebraic_shape_t shape, out;
  EQUAL(echo_echo_algebraic_echo_enum(echo, ECHO_ECHO_ALGEBRAIC_COLOR_YELLOW, &color), WINDLASS_OK);
  CHECK(color == ECHO_ECHO_ALGEBRAIC_COLOR_YELLOW);
  CHECK(echo_echo_algebraic_echo_enum(echo, 4, &color) == WINDLASS_INVALID_DISCRIMINANT);
  EQUAL(echo_echo_algebraic_echo_flags(echo, 0xfd, &permissions), WINDLASS_OK);
  CHECK(permissions == (ECHO_ECHO_ALGEBRAIC_PERMISSIONS_READ | ECHO_ECHO_ALGEBRAIC_PERMISSIONS_EXECUTE));
  shape.tag = ECHO_ECHO_ALGEBRAIC_SHAPE_RECTANGLE;
  shape.val.rectangle.f0 = 2.5;
  shape.val.rectangle.f1 = -4;
  EQUAL(echo_echo_algebraic_echo_variant(echo, &shape, &out), WINDLASS_OK);
  CHECK(out.tag == shape.tag && out.val.rectangle.f0 == 2.5 && out.val.rectangle.f1 == -4);
  EQUAL(echo_echo_algebraic_shape_drop(echo, &out), WINDLASS_OK);
  shape.tag = ECHO_ECHO_ALGEBRAIC_SHAPE_NAMED_POLYGON;
  shape.val.named_polygon = text("gon");
  EQUAL(echo_echo_algebraic_echo_variant(echo, &shape, &out), WINDLASS_OK);
  CHECK(out.tag == shape.tag && is_text(out.val.named_polygon, "gon"));
  EQUAL(echo_echo_algebraic_shape_drop(echo, &out), WINDLASS_OK);
  shape.tag = 4;
  CHECK(echo_echo_algebraic_echo_variant(echo, &shape, &out) == WINDLASS_INVALID_DISCRIMINANT);
}
#endif

int main(void) {
  echo_t *echo = NULL;
  echo_string_t left;
  EQUAL(echo_new(NULL, NULL, &echo), WINDLASS_OK);
  primitives(echo);
  misuse(echo);
#ifdef COMPOUND
  compound(echo);
  algebraic(echo);
#endif
  /* Results that are not dropped go with the instance. */
  EQUAL(echo_echo_primitives_echo_string(echo, text("left behind"), &left), WINDLASS_OK);
  echo_delete(echo);
  puts("ok");
  return 0;
}
