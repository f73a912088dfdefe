/* Hosts that do not keep to the rules: instances that are gone, pointers and lengths that lead nowhere. A status each, and nothing is harmed. */
#define _GNU_SOURCE
#include <stdbool.h>
#include <sys/mman.h>
#include "check.h"
#include "forward.h"
#include "handles.h"

enum { PAGE = 4096, ROUNDS = 200 };

/* The end of a page that nothing readable follows. */
static char *edge;
static int answers;

static forward_string_t text(const char *s) {
  forward_string_t string = {s, strlen(s)};
  return string;
}

static windlass_status_t mixed(void *data, windlass_call_t *call, const forward_host_blend_t *v, forward_host_blend_t *out) {
  (void)data, (void)call;
  answers++;
  *out = *v;
  out->val.text = v->val.text.len == 3 ? (forward_string_t){edge - 2, 3} : text("fine");
  return WINDLASS_OK;
}

static windlass_status_t many(void *data, windlass_call_t *call, uint8_t a, float b, forward_string_t c, int64_t d,
                              forward_list_u16_t e, bool f, double g, int8_t h, uint64_t *out) {
  (void)data, (void)call, (void)a, (void)b, (void)d, (void)f, (void)g, (void)h;
  *out = c.len + e.len;
  return WINDLASS_OK;
}

static windlass_status_t all(void *data, windlass_call_t *call, const forward_host_every_t *v, forward_host_every_t *out) {
  (void)data, (void)call;
  *out = *v;
  return WINDLASS_OK;
}

static forward_t *make(void) {
  forward_imports_t imports;
  forward_t *f = NULL;
  memset(&imports, 0, sizeof imports);
  imports.host.all = all;
  imports.host.mixed = mixed;
  imports.host.many = many;
  EQUAL(forward_new(&imports, NULL, &f), WINDLASS_OK);
  return f;
}

static windlass_status_t call_many(forward_t *f, forward_string_t c, const uint16_t *list, size_t len) {
  forward_list_u16_t e = {list, len};
  uint64_t out = 0;
  windlass_status_t status = forward_many(f, 1, 2.0f, c, 3, e, true, 4.0, 5, &out);
  EQUAL(out, status == WINDLASS_OK ? c.len + len : 0);
  return status;
}

static void lengths(void) {
  static const uint16_t few[3] = {1, 2, 3};
  uint16_t *last = (uint16_t *)(void *)(edge - 4);
  forward_t *f = make();
  forward_host_every_t every, out;
  forward_host_shape_t shapes[2];
  forward_host_blend_t blend, answer;
  EQUAL(call_many(f, text("abc"), few, 3), WINDLASS_OK);
  EQUAL(call_many(f, text(""), last, 2), WINDLASS_OK);
  EQUAL(call_many(f, text(""), last, 3), WINDLASS_UNREADABLE_ARGUMENT);
  EQUAL(call_many(f, text(""), last, 1000), WINDLASS_UNREADABLE_ARGUMENT);
  EQUAL(call_many(f, text(""), (uint16_t *)(void *)edge, 1), WINDLASS_UNREADABLE_ARGUMENT);
  EQUAL(call_many(f, text(""), NULL, 1), WINDLASS_NULL_POINTER);
  EQUAL(call_many(f, text(""), NULL, 0), WINDLASS_OK);
  EQUAL(call_many(f, text(""), few, SIZE_MAX), WINDLASS_LIST_TOO_LONG);
  EQUAL(call_many(f, text(""), few, SIZE_MAX / 2 + 1), WINDLASS_LIST_TOO_LONG);
  /* The end would be at address 0. */
  EQUAL(call_many(f, text(""), (uint16_t *)(UINTPTR_MAX - 1), 1), WINDLASS_UNREADABLE_ARGUMENT);
  EQUAL(call_many(f, (forward_string_t){edge - 1, 2}, few, 1), WINDLASS_UNREADABLE_ARGUMENT);
  EQUAL(call_many(f, (forward_string_t){edge - 100, 200}, few, 1), WINDLASS_UNREADABLE_ARGUMENT);
  EQUAL(call_many(f, (forward_string_t){"x", SIZE_MAX}, few, 1), WINDLASS_STRING_TOO_LONG);
  EQUAL(call_many(f, (forward_string_t){NULL, 1}, few, 1), WINDLASS_NULL_POINTER);
  /* A guard page has no more to say than any other. */
  EQUAL(call_many(f, (forward_string_t){(const char *)16, 2}, few, 1), WINDLASS_UNREADABLE_ARGUMENT);

  memset(&every, 0, sizeof every);
  memset(shapes, 0, sizeof shapes);
  every.letter = 'x';
  every.shapes.ptr = shapes;
  every.shapes.len = 2;
  EQUAL(forward_all(f, &every, &out), WINDLASS_OK);
  EQUAL(out.shapes.len, 2);
  EQUAL(forward_host_every_drop(f, &out), WINDLASS_OK);
  EQUAL(forward_all(f, (forward_host_every_t *)(void *)(edge - 8), &out), WINDLASS_UNREADABLE_ARGUMENT);
  EQUAL(forward_all(f, NULL, &out), WINDLASS_NULL_POINTER);
  EQUAL(forward_all(f, &every, NULL), WINDLASS_NULL_POINTER);
  shapes[1].tag = 2;
  shapes[1].val.points.ptr = (void *)(edge - 4);
  shapes[1].val.points.len = 2;
  EQUAL(forward_all(f, &every, &out), WINDLASS_UNREADABLE_ARGUMENT);
  CHECK(out.shapes.ptr == NULL);
  shapes[1].tag = 4;
  EQUAL(forward_all(f, &every, &out), WINDLASS_INVALID_DISCRIMINANT);
  every.shapes.len = 1;
  every.color = 3;
  EQUAL(forward_all(f, &every, &out), WINDLASS_INVALID_DISCRIMINANT);
  every.color = 0;
  EQUAL(forward_all(f, &every, &out), WINDLASS_OK);

  /* The answer of a host function. */
  memset(&blend, 0, sizeof blend);
  blend.tag = 2;
  blend.val.text = text("ok");
  EQUAL(forward_mixed(f, &blend, &answer), WINDLASS_OK);
  CHECK(answer.val.text.len == 4 && memcmp(answer.val.text.ptr, "fine", 4) == 0);
  blend.val.text = text("bad");
  EQUAL(forward_mixed(f, &blend, &answer), WINDLASS_TRAP_UNREADABLE_ANSWER);
  EQUAL(answers, 2);
  printf("%s", forward_last_trap(f));
  EQUAL(call_many(f, text("abc"), few, 3), WINDLASS_INSTANCE_TRAPPED);
  printf("%s\n", windlass_status_text(WINDLASS_INSTANCE_TRAPPED));
  forward_delete(f);
}

static handles_t *make_handles(void) {
  handles_t *h = NULL;
  EQUAL(handles_new(NULL, NULL, &h), WINDLASS_OK);
  return h;
}

/* What is refused takes no handle. */
static void handles(void) {
  handles_t *h = make_handles();
  handles_counters_counter_t c = {0}, d = {0};
  handles_counters_parts_t parts;
  uint32_t n = 0;
  EQUAL(handles_counters_constructor_counter(h, 5, &c), WINDLASS_OK);
  EQUAL(handles_counters_split(h, c, (handles_string_t){edge - 1, 2}, &parts), WINDLASS_UNREADABLE_ARGUMENT);
  EQUAL(handles_counters_method_counter_label(h, c, (handles_string_t){edge - 1, 2}, &n), WINDLASS_UNREADABLE_ARGUMENT);
  EQUAL(handles_counters_sum(h, (handles_list_counters_counter_t){(void *)(edge - 8), 2}, &n), WINDLASS_INVALID_HANDLE);
  EQUAL(handles_counters_sum(h, (handles_list_counters_counter_t){(void *)edge, 1}, &n), WINDLASS_UNREADABLE_ARGUMENT);
  EQUAL(handles_counters_method_counter_add(h, c, 1, &n), WINDLASS_OK);
  EQUAL(n, 6);
  EQUAL(handles_counters_counter_drop(h, c), WINDLASS_OK);
  EQUAL(handles_counters_counter_drop(h, c), WINDLASS_INVALID_HANDLE);
  EQUAL(handles_counters_constructor_counter(h, 5, &d), WINDLASS_OK);
  handles_delete(h);
  EQUAL(handles_counters_counter_drop(h, d), WINDLASS_NOT_AN_INSTANCE);
  EQUAL(handles_counters_parts_drop(h, &parts), WINDLASS_NOT_AN_INSTANCE);
}

/* Another instance is not taken for the one that was deleted. */
static void deleted(void) {
  static const uint16_t few[1] = {1};
  static const forward_string_t a = {"a", 1};
  forward_t *gone[ROUNDS], *f;
  forward_host_blend_t blend;
  int i, j;
  memset(&blend, 0, sizeof blend);
  for (i = 0; i < ROUNDS; i++) {
    gone[i] = make();
    EQUAL(call_many(gone[i], a, few, 1), WINDLASS_OK);
    forward_delete(gone[i]);
    f = make();
    for (j = i; j >= 0; j -= 50) {
      EQUAL(call_many(gone[j], a, few, 1), WINDLASS_NOT_AN_INSTANCE);
      forward_delete(gone[j]);
      CHECK(forward_last_trap(gone[j]) == NULL && forward_user(gone[j]) == NULL);
      forward_fail(gone[j], 1);
      forward_interrupt(gone[j]);
      forward_interrupt_clear(gone[j]);
      EQUAL(forward_host_blend_drop(gone[j], &blend), WINDLASS_NOT_AN_INSTANCE);
    }
    EQUAL(call_many(f, a, few, 1), WINDLASS_OK);
    forward_delete(f);
  }
  printf("%s\n", windlass_status_text(WINDLASS_NOT_AN_INSTANCE));
}

int main(void) {
  char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(pages != MAP_FAILED && mprotect(pages + PAGE, PAGE, PROT_NONE) == 0);
  edge = pages + PAGE;
  lengths();
  handles();
  deleted();
  return 0;
}
