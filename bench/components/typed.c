/*
 * Calls with C values, and the same work by C functions through pointers. Prints a line for each: name, ns, ns of the peer.
 *
 * The same work means: what the meaning of the call asks for is done on both sides. Text is known to be UTF-8 when the callee has it, so the peer
 * checks it; a value that goes into or out of the guest is in memory of its own afterwards, so the peer takes memory and copies, from an allocator like
 * the guest's or, for what a host owns, with malloc and free. A view is only valid during the call: where a row says "kept", the host function copies it
 * as a host has to that keeps it, ours and the peer's alike; "seen" looks at the first element and is the bare price of crossing.
 * Rows "seen" move nothing: where they have no text to check, their bound is that of scalars and not that of values.
 * What only ours does is the price of the boundary and stays in the ratio: is it an instance, may it be entered, how much stack is left, the way back from
 * a trap, the guest's `realloc` and `post-return` and whether what they say is inside its memory.
 * Nothing that the peers work on is known to the compiler.
 */
#include TYPED_HEADER
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CALLS 1000u
#define ROUNDS 5000

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ASCII 16 bytes at a time, as there is nothing else here. */
static int is_utf8(const char *s, size_t n) {
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    uint64_t words[2];
    memcpy(words, s + i, 16);
    if (((words[0] | words[1]) & 0x8080808080808080u) != 0) return 0;
  }
  for (; i + 8 <= n; i += 8) {
    uint64_t word;
    memcpy(&word, s + i, 8);
    if ((word & 0x8080808080808080u) != 0) return 0;
  }
  for (; i < n; i++) if ((s[i] & 0x80) != 0) return 0;
  return 1;
}

/*
 * Everything is where the guest has it in its pages, and what is read, what is written and what is known of the instance have different places there:
 * a processor that sees a load follow a store to the same place of another page waits.
 */
static _Alignas(4096) struct { char before[1024]; char all[1 << 16]; } room, other;
static char *const sink = room.all, *const kept = other.all;
static size_t sink_at;
static char *take(size_t n) { /* what the guest's realloc does */
  char *p = sink + (sink_at = (sink_at + 15) & ~(size_t)15);
  sink_at += n;
  return p;
}

static const char *volatile name_of_host = "sixteen letters!";
static volatile size_t name_length = 16;

static windlass_status_t h_add(void *d, windlass_call_t *c, uint32_t a, uint32_t b, uint32_t *out) { (void)d, (void)c; *out = a + b; return 0; }
static windlass_status_t h_text(void *d, windlass_call_t *c, typed_string_t t, uint32_t *out) { (void)d, (void)c; *out = (uint32_t)t.len + (uint8_t)t.ptr[0]; return 0; }
static windlass_status_t h_bytes(void *d, windlass_call_t *c, typed_list_u8_t t, uint32_t *out) { (void)d, (void)c; *out = (uint32_t)t.len + t.ptr[0]; return 0; }
static windlass_status_t h_points(void *d, windlass_call_t *c, typed_list_host_point_t t, uint32_t *out) { (void)d, (void)c; *out = (uint32_t)t.len + (uint32_t)t.ptr[0].x; return 0; }
static windlass_status_t h_name(void *d, windlass_call_t *c, typed_string_t *out) { (void)d, (void)c; out->ptr = name_of_host; out->len = name_length; return 0; }
static windlass_status_t k_text(void *d, windlass_call_t *c, typed_string_t t, uint32_t *out) { (void)d, (void)c; memcpy(kept, t.ptr, t.len); *out = (uint32_t)t.len + (uint8_t)kept[0]; return 0; }
static windlass_status_t k_bytes(void *d, windlass_call_t *c, typed_list_u8_t t, uint32_t *out) { (void)d, (void)c; memcpy(kept, t.ptr, t.len); *out = (uint32_t)t.len + (uint8_t)kept[0]; return 0; }
static windlass_status_t k_points(void *d, windlass_call_t *c, typed_list_host_point_t t, uint32_t *out) { (void)d, (void)c; memcpy(kept, t.ptr, t.len * sizeof *t.ptr); *out = (uint32_t)t.len + (uint8_t)kept[0]; return 0; }

static uint32_t c_add(uint32_t a, uint32_t b) { return a + b; }
static uint32_t c_seen(const void *s, size_t n) { return (uint32_t)n + *(const uint8_t *)s; }
static uint32_t c_seen_points(const void *s, size_t n) { return (uint32_t)n + (uint32_t)((const typed_host_point_t *)s)->x; }
static uint32_t c_seen_text(const void *s, size_t n) { if (!is_utf8((const char *)s, n)) abort(); return (uint32_t)n + *(const uint8_t *)s; }
static uint32_t c_kept(const void *s, size_t n) { memcpy(kept, s, n); return (uint32_t)n + (uint8_t)kept[0]; }
static uint32_t c_kept_text(const void *s, size_t n) { if (!is_utf8((const char *)s, n)) abort(); memcpy(kept, s, n); return (uint32_t)n + (uint8_t)kept[0]; }
static uint32_t c_in_text(const void *s, size_t n) { char *p; if (!is_utf8((const char *)s, n)) abort(); p = take(n); memcpy(p, s, n); sink_at = 0; return (uint32_t)n; }
static uint32_t c_in(const void *s, size_t n) { char *p = take(n); memcpy(p, s, n); sink_at = 0; return (uint32_t)n; }
static const char *c_name(size_t *n) { *n = name_length; return name_of_host; }
static char *c_name_out(size_t *n) { const char *name = name_of_host; char *p = (char *)malloc(*n = name_length); if (p == NULL || !is_utf8(name, *n)) abort(); memcpy(p, name, *n); return p; }

typedef uint32_t span_fn(const void *, size_t);
static uint32_t (*volatile p_add)(uint32_t, uint32_t) = c_add;
static span_fn *volatile p_seen = c_seen, *volatile p_seen_points = c_seen_points, *volatile p_seen_text = c_seen_text, *volatile p_kept = c_kept, *volatile p_kept_text = c_kept_text;
static span_fn *volatile p_in = c_in, *volatile p_in_text = c_in_text;
static const char *(*volatile p_name)(size_t *) = c_name;
static char *(*volatile p_name_out)(size_t *) = c_name_out;

static volatile uint32_t used;

/*
 * Ours and the peer's take turns, a few microseconds each: what else the machine does, and how fast its clock is, is the same for both. A round that was
 * interrupted is not the shortest.
 */
#define ROUND(shortest, work)                                     \
  do {                                                            \
    double t_ = now();                                            \
    work;                                                         \
    t_ = (now() - t_) / (double)CALLS;                            \
    if (t_ < shortest) shortest = t_;                             \
  } while (0)
#define ROW(name, ours, theirs)                                   \
  do {                                                            \
    double a_ = 1e300, b_ = 1e300;                                \
    uint32_t i, s = 0;                                            \
    int r_;                                                       \
    (void)i;                                                      \
    for (r_ = 0; r_ < ROUNDS; r_++) {                             \
      ROUND(a_, ours);                                            \
      ROUND(b_, theirs);                                          \
    }                                                             \
    used = s;                                                     \
    printf("%s\t%.2f\t%.2f\n", name, a_, b_);                     \
  } while (0)
#define EACH for (i = 0; i < CALLS; i++)

int main(void) {
  static const char letters[] = "sixteen letters!";
  static _Alignas(4096) struct { char before[2688]; uint8_t kilobyte[1024]; } one;
  static _Alignas(4096) struct { char before[2688]; typed_host_point_t many[100]; } two;
  const uint8_t *kilobyte = one.kilobyte;
  const typed_host_point_t *many = two.many;
  typed_imports_t imports = {0};
  typed_t *t, *k;
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
  imports.host.text = k_text;
  imports.host.bytes = k_bytes;
  imports.host.points = k_points;
  if (typed_new(&imports, NULL, &k) != WINDLASS_OK) return 1;
  ROW("guest → host (u32, u32) -> u32", typed_loop_add(t, CALLS, &n), EACH s = p_add(s, i));
  ROW("guest → host string of 16, seen", typed_loop_text(t, CALLS, &n), EACH s += p_seen_text(letters, 16));
  ROW("guest → host string of 16, kept", typed_loop_text(k, CALLS, &n), EACH s += p_kept_text(letters, 16));
  ROW("guest → host list<u8> of 1 KiB, seen", typed_loop_bytes(t, CALLS, &n), EACH s += p_seen(kilobyte, 1024));
  ROW("guest → host list<u8> of 1 KiB, kept", typed_loop_bytes(k, CALLS, &n), EACH s += p_kept(kilobyte, 1024));
  ROW("guest → host 100 records, seen", typed_loop_points(t, CALLS, &n), EACH s += p_seen_points(many, 100));
  ROW("guest → host 100 records, kept", typed_loop_points(k, CALLS, &n), EACH s += p_kept(many, sizeof two.many));
  ROW("guest → host -> string of 16", typed_loop_name(t, CALLS, &n), EACH { const char *p = p_name(&length); s += p_in_text(p, length); });
  ROW("host → guest (u32, u32) -> u32", EACH { typed_add(t, s, i, &n); s = n; }, EACH s = p_add(s, i));
  ROW("host → guest string of 16", EACH { typed_text(t, text, &n); s += n; }, EACH s += p_in_text(letters, 16));
  ROW("host → guest list<u8> of 1 KiB", EACH { typed_bytes(t, bytes, &n); s += n; }, EACH s += p_in(kilobyte, 1024));
  ROW("host → guest list of 100 records", EACH { typed_points(t, points, &n); s += n; }, EACH s += p_in(many, sizeof two.many));
  ROW("host → guest -> string of 16", EACH { typed_name(t, &name); s += (uint32_t)name.len; typed_string_drop(t, &name); }, EACH { char *p = p_name_out(&length); s += (uint32_t)length; free(p); });
  typed_delete(t);
  typed_delete(k);
  return 0;
}
