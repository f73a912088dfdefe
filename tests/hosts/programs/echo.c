/* Every function of echo returns what it is given. COMPOUND: also those with compound and algebraic types. */
#include <float.h>
#include "check.h"
#include "echo.h"

static echo_t *echo;
static windlass_val_raw_t v[8];

#define ECHO(function, member, value, count)                                   \
  do {                                                                         \
    memset(v, 0xa5, sizeof v);                                                 \
    v[0].member = (value);                                                     \
    EQUAL(function(echo, v, count), 0);                                        \
  } while (0)

#define INTEGERS(type, member, ...)                                            \
  do {                                                                         \
    static const long long list[] = {__VA_ARGS__};                             \
    size_t k;                                                                  \
    for (k = 0; k < sizeof list / sizeof *list; k++) {                         \
      ECHO(echo_echo_primitives_echo_##type, member, list[k], 1);              \
      if (sizeof v->member == 4) EQUAL(v[0].member, (uint32_t)list[k]);        \
      else EQUAL(v[0].member, list[k]);                                        \
    }                                                                          \
  } while (0)

/* A value in the guest's memory. */
static uint32_t put(const void *bytes, uint32_t size, uint32_t align) {
  uint32_t at = 0;
  EQUAL(echo_realloc(echo, 0, 0, align, size, &at), 0);
  EQUAL(at % align, 0);
  CHECK((size_t)at + size <= echo_memory(echo)->length);
  if (size > 0) memcpy(echo_memory(echo)->base + at, bytes, size);
  return at;
}

static const uint8_t *at(uint32_t address, uint32_t size) {
  const windlass_memory_t *memory = echo_memory(echo);
  CHECK((size_t)address + size <= memory->length);
  return memory->base + address;
}

static uint32_t u32_at(uint32_t address) {
  uint32_t value;
  memcpy(&value, at(address, 4), 4);
  return value;
}

/* A string of the guest whose pointer and length are at `address`. */
static void string_at(uint32_t address, const char *expected, uint32_t length) {
  EQUAL(u32_at(address + 4), length);
  CHECK(memcmp(at(u32_at(address), length), expected, length) == 0);
}

static void strings(void) {
  static char big[100000];
  static const char *const list[] = {"", "a", "Gr\xc3\xbc\xc3\x9f Gott", "\xf0\x9f\x9a\xa9 \xe2\x82\xac \xed\x9f\xbf", "\n\t\x7f"};
  size_t k;
  for (k = 0; k < sizeof list / sizeof *list; k++) {
    uint32_t length = (uint32_t)strlen(list[k]);
    memset(v, 0xa5, sizeof v);
    v[0].i32 = put(list[k], length, 1);
    v[1].i32 = length;
    EQUAL(echo_echo_primitives_echo_string(echo, v, 2), 0);
    string_at(v[0].i32, list[k], length);
  }
#ifdef COMPOUND /* Its realloc grows the memory. */
  memset(big, 'x', sizeof big);
  v[0].i32 = put(big, sizeof big, 1);
  v[1].i32 = sizeof big;
  EQUAL(echo_echo_primitives_echo_string(echo, v, 2), 0);
  string_at(v[0].i32, big, sizeof big);
#else
  (void)big;
#endif
}

static void primitives(void) {
  static const uint32_t f32_bits[] = {0, 0x80000000u, 0x7f800000u, 0xff800000u, 0x7f7fffffu, 1, 0x007fffffu, 0x3f800000u,
                                      0x7fc00000u, 0xffc00000u, 0x7fc00001u, 0x7fffffffu, 0x7fa00000u, 0xff800001u};
  static const uint64_t f64_bits[] = {0, 0x8000000000000000u, 0x7ff0000000000000u, 0xfff0000000000000u, 0x7fefffffffffffffu, 1,
                                      0x000fffffffffffffu, 0x3ff0000000000000u, 0x7ff8000000000000u, 0xfff8000000000000u,
                                      0x7ff8000000000001u, 0x7fffffffffffffffu, 0x7ff4000000000000u, 0xfff0000000000001u};
  size_t k;
  INTEGERS(bool, i32, 0, 1);
  INTEGERS(u8, i32, 0, 1, 127, 128, 255);
  INTEGERS(u16, i32, 0, 1, 32767, 32768, 65535);
  INTEGERS(u32, i32, 0, 1, 0x7fffffff, 0x80000000, 0xffffffff);
  INTEGERS(u64, i64, 0, 1, 0xffffffff, 0x100000000, 0x7fffffffffffffff, -1);
  INTEGERS(s8, i32, 0, 1, -1, 127, -128);
  INTEGERS(s16, i32, 0, 1, -1, 32767, -32768);
  INTEGERS(s32, i32, 0, 1, -1, 0x7fffffff, -0x80000000ll);
  INTEGERS(s64, i64, 0, 1, -1, 0x7fffffffffffffff, -0x7fffffffffffffff - 1);
  INTEGERS(char, i32, 0, 'a', 0xd7ff, 0xe000, 0x1f6a9, 0x10ffff);
  /* By their bits: a float that is moved as a float could lose a NaN's. */
  for (k = 0; k < sizeof f32_bits / sizeof *f32_bits; k++) {
    ECHO(echo_echo_primitives_echo_f32, i32, f32_bits[k], 1);
    EQUAL(v[0].i32, f32_bits[k]);
  }
  for (k = 0; k < sizeof f64_bits / sizeof *f64_bits; k++) {
    ECHO(echo_echo_primitives_echo_f64, i64, f64_bits[k], 1);
    EQUAL(v[0].i64, f64_bits[k]);
  }
  ECHO(echo_echo_primitives_echo_f32, f32, FLT_MAX, 1);
  CHECK(v[0].f32 == FLT_MAX);
  ECHO(echo_echo_primitives_echo_f64, f64, -DBL_MIN, 1);
  CHECK(v[0].f64 == -DBL_MIN);
}

#ifdef COMPOUND
static double f64_at(uint32_t address) {
  double value;
  memcpy(&value, at(address, 8), 8);
  return value;
}

static void compound(void) {
  uint32_t k;
  memset(v, 0xa5, sizeof v);
  v[0].i32 = 0xfffffffeu;
  v[1].i32 = put("pair", 4, 1);
  v[2].i32 = 4;
  EQUAL(echo_echo_compound_echo_tuple2(echo, v, 3), 0);
  EQUAL(u32_at(v[0].i32), 0xfffffffeu);
  string_at(v[0].i32 + 4, "pair", 4);

  v[0].f32 = 1.5f, v[1].f32 = -2.25f, v[2].f32 = 1e30f;
  EQUAL(echo_echo_compound_echo_tuple3(echo, v, 3), 0);
  {
    float f[3];
    memcpy(f, at(v[0].i32, 12), 12);
    CHECK(f[0] == 1.5f && f[1] == -2.25f && f[2] == 1e30f);
  }

  v[0].f64 = 3.5, v[1].f64 = -1e300;
  EQUAL(echo_echo_compound_echo_record(echo, v, 2), 0);
  CHECK(f64_at(v[0].i32) == 3.5 && f64_at(v[0].i32 + 8) == -1e300);

  for (k = 0; k < 2; k++) { /* elevation: none, some */
    memset(v, 0, sizeof v);
    v[0].i32 = put("peak", 4, 1);
    v[1].i32 = 4;
    v[2].f64 = 1, v[3].f64 = 2;
    v[4].i32 = k;
    v[5].f64 = k == 0 ? 0 : 8848.5;
    EQUAL(echo_echo_compound_echo_nested_record(echo, v, 6), 0);
    string_at(v[0].i32, "peak", 4);
    CHECK(f64_at(v[0].i32 + 8) == 1 && f64_at(v[0].i32 + 16) == 2);
    EQUAL(*at(v[0].i32 + 24, 1), k);
    if (k == 1) CHECK(f64_at(v[0].i32 + 32) == 8848.5);
  }

  {
    uint8_t bytes[256];
    uint32_t strings[4];
    double points[6] = {0, -0.0, 1, 2, 3, 4};
    for (k = 0; k < 256; k++) bytes[k] = (uint8_t)k;
    v[0].i32 = put(bytes, 256, 1), v[1].i32 = 256;
    EQUAL(echo_echo_compound_echo_list_u8(echo, v, 2), 0);
    string_at(v[0].i32, (const char *)bytes, 256);
    v[0].i32 = put(bytes, 0, 1), v[1].i32 = 0;
    EQUAL(echo_echo_compound_echo_list_u8(echo, v, 2), 0);
    EQUAL(u32_at(v[0].i32 + 4), 0);

    strings[0] = put("first", 5, 1), strings[1] = 5;
    strings[2] = put("second", 6, 1), strings[3] = 6;
    v[0].i32 = put(strings, sizeof strings, 4), v[1].i32 = 2;
    EQUAL(echo_echo_compound_echo_list_string(echo, v, 2), 0);
    EQUAL(u32_at(v[0].i32 + 4), 2);
    string_at(u32_at(v[0].i32), "first", 5);
    string_at(u32_at(v[0].i32) + 8, "second", 6);

    v[0].i32 = put(points, sizeof points, 8), v[1].i32 = 3;
    EQUAL(echo_echo_compound_echo_list_record(echo, v, 2), 0);
    EQUAL(u32_at(v[0].i32 + 4), 3);
    CHECK(memcmp(at(u32_at(v[0].i32), sizeof points), points, sizeof points) == 0);
  }

  for (k = 0; k < 2; k++) {
    v[0].i32 = k, v[1].i32 = k * 77;
    EQUAL(echo_echo_compound_echo_option_u32(echo, v, 2), 0);
    EQUAL(*at(v[0].i32, 1), k);
    if (k == 1) EQUAL(u32_at(v[0].i32 + 4), 77);

    v[0].i32 = k, v[1].i32 = k == 0 ? 0 : put("some", 4, 1), v[2].i32 = k * 4;
    EQUAL(echo_echo_compound_echo_option_string(echo, v, 3), 0);
    EQUAL(*at(v[0].i32, 1), k);
    if (k == 1) string_at(v[0].i32 + 4, "some", 4);

    v[0].i32 = k, v[1].i32 = put(k == 0 ? "fine" : "bad!", 4, 1), v[2].i32 = 4;
    EQUAL(echo_echo_compound_echo_result_ok(echo, v, 3), 0);
    EQUAL(*at(v[0].i32, 1), k);
    string_at(v[0].i32 + 4, k == 0 ? "fine" : "bad!", 4);
  }
}

static void algebraic(void) {
  uint32_t k;
  double d = 2.5, e = -7;
  for (k = 0; k < 4; k++) {
    ECHO(echo_echo_algebraic_echo_enum, i32, k, 1);
    EQUAL(v[0].i32, k);
  }
  for (k = 0; k < 8; k++) {
    ECHO(echo_echo_algebraic_echo_flags, i32, k, 1);
    EQUAL(v[0].i32, k);
  }
  for (k = 0; k < 4; k++) { /* circle(f64), rectangle(tuple<f64, f64>), named-polygon(string), dot */
    memset(v, 0, sizeof v);
    v[0].i32 = k;
    if (k < 2) memcpy(&v[1].i64, &d, 8);
    if (k == 1) memcpy(&v[2].i64, &e, 8);
    if (k == 2) v[1].i64 = put("hexagon", 7, 1), v[2].i64 = 7;
    EQUAL(echo_echo_algebraic_echo_variant(echo, v, 3), 0);
    EQUAL(*at(v[0].i32, 1), k);
    if (k < 2) CHECK(f64_at(v[0].i32 + 8) == d);
    if (k == 1) CHECK(f64_at(v[0].i32 + 16) == e);
    if (k == 2) string_at(v[0].i32 + 8, "hexagon", 7);
  }
}
#endif

int main(void) {
  EQUAL(echo_new(NULL, NULL, &echo), 0);
  primitives();
  strings();
#ifdef COMPOUND
  compound();
  algebraic();
#endif
  echo_delete(echo);
  printf("ok\n");
  return 0;
}
