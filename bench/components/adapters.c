/* Times calls from guest to guest, and what they cannot do without: a direct call, memcpy, a scalar loop over characters or records. */
#define _POSIX_C_SOURCE 200809L
#include HEADER
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint8_t *source, *units, *destination;
static volatile uint32_t sink;

__attribute__((noinline)) static uint32_t direct(uint32_t a, uint32_t b) {
  __asm__ volatile("");
  return a + b;
}

enum { UTF8, UTF16, LATIN1 };

/* The next character; exits on what is none. */
static inline __attribute__((always_inline)) uint32_t get(int encoding, const uint8_t **at, const uint8_t *end) {
  const uint8_t *p = *at;
  if (encoding == LATIN1) return *(*at)++;
  if (encoding == UTF16) {
    uint32_t u = (uint32_t)(p[0] | p[1] << 8);
    *at += 2;
    if (u - 0xd800u >= 0x800) return u;
    if (u >= 0xdc00 || end - p < 4) exit(9);
    uint32_t low = (uint32_t)(p[2] | p[3] << 8) - 0xdc00u;
    if (low >= 0x400) exit(9);
    *at += 2;
    return ((u - 0xd800) << 10) + low + 0x10000;
  }
  uint32_t c = p[0];
  if (c < 0x80) return (*at)++, c;
  int more = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
  if (c < 0xc2 || c > 0xf4 || end - p <= more) exit(9);
  c &= 0x3fu >> more;
  for (int k = 1; k <= more; k++) {
    if ((p[k] & 0xc0) != 0x80) exit(9);
    c = c << 6 | (p[k] & 0x3f);
  }
  if ((more == 2 && (c < 0x800 || c - 0xd800u < 0x800)) || (more == 3 && c - 0x10000u >= 0x100000)) exit(9);
  *at += more + 1;
  return c;
}

static inline __attribute__((always_inline)) uint8_t *put(int encoding, uint8_t *to, uint32_t c) {
  if (encoding == LATIN1) {
    if (c > 0xff) exit(9);
    *to++ = (uint8_t)c;
  } else if (encoding == UTF16) {
    if (c >= 0x10000) {
      uint16_t high = (uint16_t)(0xd800 + ((c - 0x10000) >> 10));
      memcpy(to, &high, 2);
      to += 2;
      c = 0xdc00 + ((c - 0x10000) & 0x3ff);
    }
    uint16_t unit = (uint16_t)c;
    memcpy(to, &unit, 2);
    to += 2;
  } else if (c < 0x80) *to++ = (uint8_t)c;
  else if (c < 0x800) {
    *to++ = (uint8_t)(0xc0 | c >> 6);
    *to++ = (uint8_t)(0x80 | (c & 0x3f));
  } else exit(9);
  return to;
}

static inline __attribute__((always_inline)) void convert(int from, int to, size_t bytes) {
  const uint8_t *at = from == UTF16 ? units : source;
  const uint8_t *end = at + bytes;
  uint8_t *into = destination;
  while (at != end) into = put(to, into, get(from, &at, end));
  sink = (uint32_t)(into - destination);
}

__attribute__((noinline)) static void records(size_t bytes) {
  struct record { uint32_t a; uint8_t b; double c; uint8_t d; };
  const struct record *from = (const void *)source;
  struct record *to = (void *)destination;
  for (size_t i = 0; i < bytes / sizeof *from; i++) {
    to[i].a = from[i].a;
    to[i].b = from[i].b != 0;
    to[i].c = from[i].c;
    to[i].d = from[i].d;
    __asm__ volatile("" ::: "memory");
  }
}

#define TIME(result, n, code)                              \
  do {                                                     \
    for (int round = 0; round < 5; round++) {              \
      double start = now();                                \
      for (uint32_t k = (n); k != 0; k--) {                \
        code;                                              \
        __asm__ volatile("" ::: "memory");                 \
      }                                                    \
      double t = (now() - start) / (n);                    \
      if (t < (result)) (result) = t;                      \
    }                                                      \
  } while (0)

/* What a case is compared with. */
#define PEER_CALL(bytes, n, count) TIME(call, n, for (int j = 0; j < (count); j++) sum = direct(sum, k))
#define PEER_COPY(bytes, n) (void)0
#define PEER_TEXT(bytes, n, from, to) TIME(loop, n, convert(from, to, bytes))
#define PEER_RECORDS(bytes, n) TIME(loop, n, records(bytes))

#define CASE(function, bytes, n, kind, ...)                                            \
  do {                                                                                 \
    double ours = 1e30, call = 1e30, copy = 1e30, loop = 1e30;                         \
    uint32_t sum = 0;                                                                  \
    (void)sum;                                                                         \
    for (int round = 0; round < 5; round++) {                                          \
      windlass_val_raw_t v[1] = {{0}};                                                 \
      v[0].i32 = n;                                                                    \
      double start = now();                                                            \
      if (function(guests, v, 1) != 0) {                                               \
        fprintf(stderr, #function ": %s\n", guests_last_trap(guests));                 \
        return 2;                                                                      \
      }                                                                                \
      double t = (now() - start) / (n);                                                \
      if (t < ours) ours = t;                                                          \
    }                                                                                  \
    PEER_##kind(bytes, n __VA_OPT__(,) __VA_ARGS__);                                    \
    if ((bytes) > 0) TIME(copy, n, memcpy(destination, source, (bytes)));              \
    sink = sum;                                                                        \
    printf("%.3f %.3f %.3f %.3f\n", ours, call < 1e30 ? call : 0, copy < 1e30 ? copy : 0, loop < 1e30 ? loop : 0); \
  } while (0);

int main(void) {
  source = aligned_alloc(64, 1 << 20);
  units = aligned_alloc(64, 1 << 20);
  destination = aligned_alloc(64, 1 << 22);
  if (source == NULL || units == NULL || destination == NULL) return 1;
  memset(destination, 1, 1 << 22);
  for (int i = 0; i < 1 << 20; i++) {
    source[i] = (uint8_t)(32 + (i & 63));
    units[i] = i & 1 ? 0 : (uint8_t)(32 + (i >> 1 & 63));
  }
  guests_t *guests = NULL;
  if (guests_new(NULL, NULL, &guests) != 0) return 1;
#include CASES
  guests_delete(guests);
  return 0;
}
