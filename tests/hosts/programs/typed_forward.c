/* Values of all kinds to an import and back through an export: the host is at both ends and sees what it sent. */
#include "check.h"
#include "forward.h"

#include <stdbool.h>

static forward_string_t text(const char *s) {
  forward_string_t string = {s, strlen(s)};
  return string;
}
static bool same_text(forward_string_t a, forward_string_t b) { return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0; }

static const forward_tuple2_u8_u32_t points[3] = {{1, 10}, {2, 20}, {255, 0xffffffffu}};
static forward_string_t names[2];
static forward_host_shape_t shapes[4];
static forward_host_every_t sent;
static int calls, answer_with;

static void check_every(const forward_host_every_t *v) {
  size_t i;
  CHECK(same_text(v->label, sent.label) && v->pair.f0 == sent.pair.f0 && v->pair.f1 == sent.pair.f1);
  CHECK(v->maybe.is_some == sent.maybe.is_some && (!v->maybe.is_some || v->maybe.val == sent.maybe.val));
  EQUAL(v->shapes.len, 4);
  for (i = 0; i < 4; i++) EQUAL(v->shapes.ptr[i].tag, i);
  CHECK(v->shapes.ptr[0].val.circle == 2.5 && same_text(v->shapes.ptr[1].val.name, text("na\xc3\xafve")));
  EQUAL(v->shapes.ptr[2].val.points.len, 3);
  for (i = 0; i < 3; i++) {
    EQUAL(v->shapes.ptr[2].val.points.ptr[i].f0, points[i].f0);
    EQUAL(v->shapes.ptr[2].val.points.ptr[i].f1, points[i].f1);
  }
  EQUAL(v->color, FORWARD_HOST_COLOR_BLUE);
  EQUAL(v->access, FORWARD_HOST_ACCESS_READ | FORWARD_HOST_ACCESS_EXECUTE);
  EQUAL(v->done.is_err, sent.done.is_err);
  if (v->done.is_err) EQUAL(v->done.val.err, 200);
  else {
    EQUAL(v->done.val.ok.len, 2);
    for (i = 0; i < 2; i++) CHECK(same_text(v->done.val.ok.ptr[i], names[i]));
  }
  CHECK(v->letter == 0x1f30d && v->yes && v->int_ == -2 && v->extra == UINT64_MAX - 3);
}

static windlass_status_t all(void *data, windlass_call_t *call, const forward_host_every_t *v, forward_host_every_t *out) {
  forward_host_shape_t *copy = (forward_host_shape_t *)windlass_call_alloc(call, v->shapes.len * sizeof *copy);
  (void)data;
  calls++;
  check_every(v);
  *out = *v;
  CHECK(copy != NULL && ((size_t)copy & 15) == 0);
  memcpy(copy, v->shapes.ptr, v->shapes.len * sizeof *copy);
  out->shapes.ptr = copy;
  if (answer_with == 1) copy[3].tag = 4;
  if (answer_with == 2) out->letter = 0xdfff;
  if (answer_with == 3) out->label = text("\xff");
  if (answer_with == 4) out->shapes.ptr = NULL;
  if (answer_with == 5) out->shapes.len = (size_t)-1;
  return WINDLASS_OK;
}

static windlass_status_t mixed(void *data, windlass_call_t *call, const forward_host_blend_t *v, forward_host_blend_t *out) {
  (void)data, (void)call;
  *out = *v;
  return WINDLASS_OK;
}

static windlass_status_t many(void *data, windlass_call_t *call, uint8_t a, float b, forward_string_t c, int64_t d,
                              forward_list_u16_t e, bool f, double g, int8_t h, uint64_t *out) {
  (void)data, (void)call;
  CHECK(a == 250 && b == 1.5f && same_text(c, text("see")) && d == -5 && e.len == 2 && e.ptr[0] == 7 && e.ptr[1] == 65535);
  CHECK(f && g == -0.25 && h == -128);
  *out = UINT64_C(0x123456789abcdef0);
  return WINDLASS_OK;
}

static forward_t *make(void) {
  forward_imports_t imports;
  forward_t *forward = NULL;
  memset(&imports, 0, sizeof imports);
  imports.host.all = all;
  imports.host.mixed = mixed;
  imports.host.many = many;
  EQUAL(forward_new(&imports, NULL, &forward), WINDLASS_OK);
  return forward;
}

int main(void) {
  static const uint16_t two[2] = {7, 65535};
  forward_host_color_t colors[3] = {2, 0, 1};
  forward_list_u16_t list = {two, 2};
  forward_host_every_t out;
  forward_host_blend_t blend, back;
  forward_t *f = make();
  uint64_t n = 0;
  int i;
  names[0] = text("first");
  names[1] = text("");
  shapes[0].tag = 0, shapes[0].val.circle = 2.5;
  shapes[1].tag = 1, shapes[1].val.name = text("na\xc3\xafve");
  shapes[2].tag = 2, shapes[2].val.points.ptr = points, shapes[2].val.points.len = 3;
  shapes[3].tag = 3;
  sent.label = text("all of them");
  sent.pair.f0 = 0.5f, sent.pair.f1 = UINT64_MAX;
  sent.shapes.ptr = shapes, sent.shapes.len = 4;
  sent.color = 2, sent.access = 5, sent.letter = 0x1f30d, sent.yes = true, sent.int_ = -2, sent.extra = UINT64_MAX - 3;
  for (i = 0; i < 1000; i++) {
    sent.maybe.is_some = i % 2 == 0, sent.maybe.val = i;
    sent.done.is_err = i % 3 == 0;
    if (sent.done.is_err) sent.done.val.err = 200;
    else sent.done.val.ok.ptr = names, sent.done.val.ok.len = 2;
    EQUAL(forward_all(f, &sent, &out), WINDLASS_OK);
    check_every(&out);
    EQUAL(forward_host_every_drop(f, &out), WINDLASS_OK);
  }
  EQUAL(calls, 1000);

  memset(&blend, 0, sizeof blend);
  blend.tag = FORWARD_HOST_BLEND_WIDE, blend.val.wide = UINT64_MAX - 1;
  EQUAL(forward_mixed(f, &blend, &back), WINDLASS_OK);
  CHECK(back.tag == blend.tag && back.val.wide == blend.val.wide);
  blend.tag = FORWARD_HOST_BLEND_FLOAT, blend.val.float_ = -1.25f;
  EQUAL(forward_mixed(f, &blend, &back), WINDLASS_OK);
  CHECK(back.tag == blend.tag && back.val.float_ == -1.25f);
  blend.tag = FORWARD_HOST_BLEND_TEXT, blend.val.text = text("some text");
  EQUAL(forward_mixed(f, &blend, &back), WINDLASS_OK);
  CHECK(back.tag == blend.tag && same_text(back.val.text, blend.val.text));
  EQUAL(forward_host_blend_drop(f, &back), WINDLASS_OK);
  blend.tag = FORWARD_HOST_BLEND_COLORS, blend.val.colors.ptr = colors, blend.val.colors.len = 3;
  EQUAL(forward_mixed(f, &blend, &back), WINDLASS_OK);
  CHECK(back.val.colors.len == 3 && memcmp(back.val.colors.ptr, colors, sizeof colors) == 0);
  EQUAL(forward_host_blend_drop(f, &back), WINDLASS_OK);
  colors[1] = 3;
  EQUAL(forward_mixed(f, &blend, &back), WINDLASS_INVALID_DISCRIMINANT);

  EQUAL(forward_many(f, 250, 1.5f, text("see"), -5, list, true, -0.25, -128, &n), WINDLASS_OK);
  CHECK(n == UINT64_C(0x123456789abcdef0));
  forward_delete(f);

  /* What a host function answers wrongly traps the guest. */
  for (answer_with = 1; answer_with <= 5; answer_with++) {
    static const windlass_status_t traps[] = {WINDLASS_TRAP_INVALID_DISCRIMINANT, WINDLASS_TRAP_INVALID_CHAR,
                                              WINDLASS_TRAP_INVALID_UTF8, WINDLASS_TRAP_INVALID_POINTER,
                                              WINDLASS_TRAP_LIST_TOO_LONG};
    f = make();
    EQUAL(forward_all(f, &sent, &out), traps[answer_with - 1]);
    CHECK(out.label.ptr == NULL);
    forward_delete(f);
  }
  puts("ok");
  return 0;
}
