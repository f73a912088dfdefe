/* The interface of a component by its description: what there is, how it is laid out, and calls that are not possible. */
#include "check.h"
#include "forward.h"

#include <stdbool.h>

static const windlass_description_t *d;

static const windlass_type_t *type(uint32_t index) {
  CHECK(index < d->type_count);
  return (const windlass_type_t *)windlass_described(d, d->types) + index;
}
static const windlass_part_t *part(uint32_t parts, uint32_t index) {
  return (const windlass_part_t *)windlass_described(d, parts) + index;
}
static const char *text(uint32_t place) { return place == WINDLASS_NONE ? "-" : (const char *)windlass_described(d, place); }

static void show(const char *title, uint32_t functions, uint32_t count) {
  const windlass_function_t *f = (const windlass_function_t *)windlass_described(d, functions);
  uint32_t i;
  for (i = 0; i < count; i++) {
    printf("%s %s %s: %s, %u parameters, the result has %u bytes\n", title, text(f[i].interface), text(f[i].name), text(f[i].wit),
           f[i].param_count, type(f[i].result)->size);
  }
}

static void show_record(void) {
  uint32_t i, k;
  for (i = 0; i < d->type_count; i++) {
    const windlass_type_t *t = type(i);
    if (t->kind != WINDLASS_TYPE_RECORD) continue;
    printf("record %s: %u bytes\n", text(t->name), t->size);
    EQUAL(t->size, sizeof(forward_host_every_t));
    for (k = 0; k < t->part_count; k++) printf("  %s at %u\n", text(part(t->parts, k)->name), part(t->parts, k)->offset);
    EQUAL(part(t->parts, 3)->offset, offsetof(forward_host_every_t, shapes));
    EQUAL(part(t->parts, t->part_count - 1)->offset, offsetof(forward_host_every_t, extra));
    t = type(part(t->parts, 3)->type);
    EQUAL(t->kind, WINDLASS_TYPE_LIST);
    EQUAL(t->stride, sizeof(forward_host_shape_t));
    t = type(part(t->parts, 0)->type);
    EQUAL(t->kind, WINDLASS_TYPE_VARIANT);
    EQUAL(t->detail, 1);
    CHECK(part(t->parts, 3)->type == WINDLASS_NONE);
    EQUAL(part(t->parts, 1)->offset, offsetof(forward_host_shape_t, val));
  }
}

static int calls;
static windlass_status_t answer(void *data, windlass_call_t *call, uint32_t function, const void *const *arguments, void *result) {
  (void)call;
  CHECK(data == (void *)&calls);
  calls++;
  if (function != 1) return 7;
  *(forward_host_blend_t *)result = *(const forward_host_blend_t *)arguments[0];
  return WINDLASS_OK;
}

int main(void) {
  windlass_dynamic_host_t host = {NULL, NULL, &calls};
  forward_host_blend_t blend, out;
  const void *arguments[1] = {&blend};
  forward_t *f = NULL;
  d = forward_dynamic_describe();
  EQUAL(d->format, 1);
  CHECK(d->size > sizeof *d);
  show("import", d->imports, d->import_count);
  show("export", d->exports, d->export_count);
  show_record();

  EQUAL(forward_dynamic_new(NULL, NULL, &f), WINDLASS_INVALID_ARGUMENT);
  EQUAL(forward_dynamic_new(&host, NULL, &f), WINDLASS_INVALID_ARGUMENT);
  host.call = answer;
  EQUAL(forward_dynamic_new(&host, NULL, &f), WINDLASS_OK);
  memset(&blend, 0, sizeof blend);
  blend.tag = FORWARD_HOST_BLEND_TEXT, blend.val.text.ptr = "to and fro", blend.val.text.len = 10;
  EQUAL(forward_dynamic_call(f, 1, arguments, &out), WINDLASS_OK);
  CHECK(out.tag == blend.tag && out.val.text.len == 10 && memcmp(out.val.text.ptr, "to and fro", 10) == 0);
  EQUAL(forward_dynamic_drop_result(f, 1, &out), WINDLASS_OK);
  CHECK(out.val.text.ptr == NULL);
  EQUAL(forward_dynamic_drop_result(f, 2, &out), WINDLASS_OK);

  /* What is refused changes nothing. */
  EQUAL(forward_dynamic_call(f, 3, arguments, &out), WINDLASS_INVALID_ARGUMENT);
  EQUAL(forward_dynamic_call(f, UINT32_MAX, arguments, &out), WINDLASS_INVALID_ARGUMENT);
  EQUAL(forward_dynamic_drop_result(f, 3, &out), WINDLASS_INVALID_ARGUMENT);
  EQUAL(forward_dynamic_drop_handle(f, 0, 1), WINDLASS_INVALID_ARGUMENT);
  EQUAL(forward_dynamic_call(f, 1, NULL, &out), WINDLASS_NULL_POINTER);
  EQUAL(forward_dynamic_call(f, 1, arguments, NULL), WINDLASS_NULL_POINTER);
  arguments[0] = NULL;
  EQUAL(forward_dynamic_call(f, 1, arguments, &out), WINDLASS_NULL_POINTER);
  EQUAL(forward_dynamic_call(NULL, 1, arguments, &out), WINDLASS_NULL_POINTER);
  arguments[0] = &blend;
  EQUAL(forward_dynamic_call(NULL, 1, arguments, &out), WINDLASS_NOT_AN_INSTANCE);
  blend.tag = 9;
  EQUAL(forward_dynamic_call(f, 1, arguments, &out), WINDLASS_INVALID_DISCRIMINANT);
  EQUAL(calls, 1);
  forward_delete(f);
  return 0;
}
