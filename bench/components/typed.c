/* Calls with C values, and the same work by C functions through pointers. Prints a line for each: name, ns, ns of the peer. */
#include TYPED_HEADER
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CALLS 50000u
#define ROUNDS 200

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* A peer that takes a text checks it, as a call across the boundary must. */
static int is_utf8(const char *s, size_t n) {
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    uint64_t word;
    memcpy(&word, s + i, 8);
    if ((word & 0x8080808080808080u) != 0) return 0;
  }
  for (; i < n; i++) if ((s[i] & 0x80) != 0) return 0;
  return 1;
}

static char sink[1 << 16];
static size_t sink_at;
static char *take(size_t n) { /* what the guest's realloc does */
  char *p = sink + (sink_at = (sink_at + 15) & ~(size_t)15);
  sink_at += n;
  return p;
}

static windlass_status_t h_add(void *d, windlass_call_t *c, uint32_t a, uint32_t b, uint32_t *out) { (void)d, (void)c; *out = a + b; return 0; }
static windlass_status_t h_text(void *d, windlass_call_t *c, typed_string_t t, uint32_t *out) { (void)d, (void)c; *out = (uint32_t)t.len + (uint8_t)t.ptr[0]; return 0; }
static windlass_status_t h_bytes(void *d, windlass_call_t *c, typed_list_u8_t t, uint32_t *out) { (void)d, (void)c; *out = (uint32_t)t.len + t.ptr[0]; return 0; }
static windlass_status_t h_points(void *d, windlass_call_t *c, typed_list_host_point_t t, uint32_t *out) { (void)d, (void)c; *out = (uint32_t)t.len + (uint32_t)t.ptr[0].x; return 0; }
static windlass_status_t h_name(void *d, windlass_call_t *c, typed_string_t *out) { (void)d, (void)c; out->ptr = "sixteen letters!"; out->len = 16; return 0; }

static uint32_t c_add(uint32_t a, uint32_t b) { return a + b; }
static uint32_t c_text(const char *s, size_t n) { return (uint32_t)n + (uint8_t)s[0]; }
static uint32_t c_text_in(const char *s, size_t n) { char *p; if (!is_utf8(s, n)) abort(); p = take(n); memcpy(p, s, n); sink_at = 0; return (uint32_t)n; }
static uint32_t c_in(const void *s, size_t n) { char *p = take(n); memcpy(p, s, n); sink_at = 0; return (uint32_t)n; }
static const char *c_name(size_t *n) { *n = 16; return "sixteen letters!"; }
static char *c_name_out(size_t *n) { char *p = malloc(16); if (p == NULL || !is_utf8("sixteen letters!", 16)) abort(); memcpy(p, "sixteen letters!", 16); *n = 16; return p; }

static uint32_t (*volatile p_add)(uint32_t, uint32_t) = c_add;
static uint32_t (*volatile p_text)(const char *, size_t) = c_text;
static uint32_t (*volatile p_text_in)(const char *, size_t) = c_text_in;
static uint32_t (*volatile p_in)(const void *, size_t) = c_in;
static const char *(*volatile p_name)(size_t *) = c_name;
static char *(*volatile p_name_out)(size_t *) = c_name_out;

static volatile uint32_t used;
static double best;
#define MEASURE(calls, work)                                      \
  do {                                                            \
    int r_;                                                       \
    best = 1e300;                                                 \
    for (r_ = 0; r_ < ROUNDS; r_++) {                             \
      double t_ = now();                                          \
      work;                                                       \
      t_ = (now() - t_) / (double)(calls);                        \
      if (t_ < best) best = t_;                                   \
    }                                                             \
  } while (0)
#define ROW(name, ours, theirs)                                   \
  do {                                                            \
    double a_, b_;                                                \
    uint32_t i, s = 0;                                            \
    (void)i;                                                      \
    MEASURE(CALLS, ours);                                         \
    a_ = best;                                                    \
    MEASURE(CALLS, theirs);                                       \
    b_ = best;                                                    \
    used = s;                                                     \
    printf("%s\t%.2f\t%.2f\n", name, a_, b_);                     \
  } while (0)
#define EACH for (i = 0; i < CALLS; i++)

int main(void) {
  static const char letters[] = "sixteen letters!";
  static uint8_t kilobyte[1024];
  static typed_host_point_t many[100];
  typed_imports_t imports = {0};
  typed_t *t;
  typed_string_t text = {letters, 16}, name;
  typed_list_u8_t bytes = {kilobyte, 1024};
  typed_list_host_point_t points = {many, 100};
  uint32_t n;
  size_t length;
  imports.host.add = h_add;
  imports.host.text = h_text;
  imports.host.bytes = h_bytes;
  imports.host.points = h_points;
  imports.host.name = h_name;
  if (typed_new(&imports, NULL, &t) != WINDLASS_OK) return 1;
  ROW("guest → host (u32, u32) -> u32", typed_loop_add(t, CALLS, &n), EACH s = p_add(s, i));
  ROW("guest → host string of 16", typed_loop_text(t, CALLS, &n), EACH { if (!is_utf8(letters, 16)) abort(); s += p_text(letters, 16); });
  ROW("guest → host list<u8> of 1 KiB", typed_loop_bytes(t, CALLS, &n), EACH s += p_text((const char *)kilobyte, 1024));
  ROW("guest → host list of 100 records", typed_loop_points(t, CALLS, &n), EACH s += p_text((const char *)many, 100));
  ROW("guest → host -> string of 16", typed_loop_name(t, CALLS, &n), EACH { const char *p = p_name(&length); s += c_text_in(p, length); });
  ROW("host → guest (u32, u32) -> u32", EACH { typed_add(t, s, i, &n); s = n; }, EACH s = p_add(s, i));
  ROW("host → guest string of 16", EACH { typed_text(t, text, &n); s += n; }, EACH s += p_text_in(letters, 16));
  ROW("host → guest list<u8> of 1 KiB", EACH { typed_bytes(t, bytes, &n); s += n; }, EACH s += p_in(kilobyte, 1024));
  ROW("host → guest list of 100 records", EACH { typed_points(t, points, &n); s += n; }, EACH s += p_in(many, sizeof many));
  ROW("host → guest -> string of 16", EACH { typed_name(t, &name); s += (uint32_t)name.len; typed_string_drop(t, &name); }, EACH { char *p = p_name_out(&length); s += (uint32_t)length; free(p); });
  typed_delete(t);
  return 0;
}
