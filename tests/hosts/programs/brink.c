/* The last bytes of a memory of 4 GiB: read and written by the guest and the host, values moved to them, and one byte more. */
#include "brink.h"

#include "check.h"

#define END UINT32_C(0xfffffff0)

static uint8_t sixteen[17] = "abcdefghijklmnop";
static uint8_t answer;

static windlass_status_t bytes(void *data, windlass_call_t *call, brink_list_u8_t x, brink_list_u8_t *out) {
  (void)data, (void)call;
  answer = x.len == 0 ? 0 : x.ptr[x.len - 1];
  out->ptr = sixteen;
  out->len = 16;
  return WINDLASS_OK;
}

static brink_t *make(uint32_t at) {
  brink_imports_t imports;
  brink_t *brink = NULL;
  uint32_t r = 0;
  memset(&imports, 0, sizeof imports);
  imports.host.bytes = bytes;
  EQUAL(brink_new(&imports, NULL, &brink), WINDLASS_OK);
  EQUAL(brink_grow(brink, 65535, &r), WINDLASS_OK);
  EQUAL(r, 1);
  EQUAL(brink_grow(brink, 1, &r), WINDLASS_OK);
  EQUAL(r, UINT32_MAX);
  EQUAL(brink_grow(brink, 0, &r), WINDLASS_OK);
  EQUAL(r, 65536);
  EQUAL(brink_set(brink, at), WINDLASS_OK);
  return brink;
}

int main(void) {
  brink_list_u8_t list = {sixteen, 16}, longer = {sixteen, 17}, one = {sixteen, 1}, out;
  uint64_t words[2] = {1, UINT64_C(0x1122334455667788)}, x = 0;
  brink_list_u64_t two = {words, 2};
  brink_string_t text = {(const char *)sixteen, 16}, eight = {(const char *)sixteen, 8}, nine = {(const char *)sixteen, 9};
  uint32_t r = 0;
  int i;
  brink_t *brink = make(END);
  EQUAL(brink_store64(brink, 0xfffffff8, 5), WINDLASS_OK);
  EQUAL(brink_load64(brink, 0xfffffff8, &x), WINDLASS_OK);
  EQUAL(x, 5);
  EQUAL(brink_far(brink, 0, &x), WINDLASS_OK);
  EQUAL(x, 5);
  EQUAL(brink_fill(brink, END, 16), WINDLASS_OK);
  EQUAL(brink_load8(brink, 0xffffffff, &r), WINDLASS_OK);
  EQUAL(r, 7);
  EQUAL(brink_bytes(brink, list, &r), WINDLASS_OK);
  EQUAL(r, END);
  EQUAL(brink_load8(brink, 0xffffffff, &r), WINDLASS_OK);
  EQUAL(r, 'p');
  EQUAL(brink_copy(brink, 0xfffffff8, END, 8), WINDLASS_OK);
  EQUAL(brink_load8(brink, 0xffffffff, &r), WINDLASS_OK);
  EQUAL(r, 'h');
  EQUAL(brink_words(brink, two, &r), WINDLASS_OK);
  EQUAL(brink_load64(brink, 0xfffffff8, &x), WINDLASS_OK);
  EQUAL(x, words[1]);
  EQUAL(brink_text(brink, text, &r), WINDLASS_OK);
  EQUAL(brink_wide(brink, eight, &r), WINDLASS_OK);
  EQUAL(brink_load64(brink, 0xfffffff8, &x), WINDLASS_OK);
  EQUAL(x, UINT64_C(0x0068006700660065));
  EQUAL(brink_bytes(brink, list, &r), WINDLASS_OK);
  EQUAL(brink_span(brink, END, 16, &out), WINDLASS_OK);
  CHECK(out.len == 16 && memcmp(out.ptr, sixteen, 16) == 0);
  EQUAL(brink_list_u8_drop(brink, &out), WINDLASS_OK);
  EQUAL(brink_pass(brink, 0xffffffff, 1), WINDLASS_OK);
  EQUAL(answer, 'p');
  EQUAL(brink_set(brink, 0xffffffff), WINDLASS_OK);
  EQUAL(brink_bytes(brink, one, &r), WINDLASS_OK);
  EQUAL(brink_load8(brink, 0xffffffff, &r), WINDLASS_OK);
  EQUAL(r, 'a');
  EQUAL(brink_delete(brink), WINDLASS_OK);

  for (i = 0; i < 14; i++) {
    static const uint32_t places[14] = {END, END + 1, END + 8, END, END + 1, END, END, 0, END + 8, 0, 0, 0, 0, 0};
    windlass_status_t status = WINDLASS_OK;
    brink = make(places[i]);
    switch (i) {
      case 0: status = brink_bytes(brink, longer, &r); break;
      case 1: status = brink_bytes(brink, list, &r); break;
      case 2: status = brink_words(brink, two, &r); break;
      case 3: status = brink_wide(brink, nine, &r); break;
      case 4: status = brink_text(brink, text, &r); break;
      case 5: status = brink_span(brink, END, 17, &out); break;
      case 6: status = brink_span(brink, END + 1, 16, &out); break;
      case 7: status = brink_pass(brink, 0xffffffff, 2); break;
      case 8: status = brink_pass(brink, 0, 0); break; /* The answer. */
      case 9: status = brink_load64(brink, 0xfffffff9, &x); break;
      case 10: status = brink_far(brink, 1, &x); break;
      case 11: status = brink_fill(brink, END, 17); break;
      case 12: status = brink_copy(brink, 0, END, 17); break;
      case 13: status = brink_store64(brink, 0xffffffff, 1); break;
    }
    CHECK(strstr(brink_last_trap(brink), "out of bounds") != NULL || strstr(brink_last_trap(brink), "out-of-bounds") != NULL);
    CHECK(status != WINDLASS_OK);
    EQUAL(brink_load8(brink, 0, &r), WINDLASS_INSTANCE_TRAPPED);
    EQUAL(brink_delete(brink), WINDLASS_OK);
  }
  puts("ok");
  return 0;
}
