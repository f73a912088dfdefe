/* Lists of the lengths at which copying becomes another one, at the beginning and the end of readable memory. */
#define _DEFAULT_SOURCE
#include "check.h"
#include "plain.h"

#include <sys/mman.h>

#define PAGE 4096
#define PAGES 3

int main(void) {
  static const size_t around[] = {4, 8, 16, 64, 128, 256, 384, 512, 640, 1024, 2048, 4096, 8192};
  uint8_t *first = (uint8_t *)mmap(NULL, (PAGES + 2) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + PAGE;
  uint8_t *end = first + PAGES * PAGE;
  plain_t *plain = NULL;
  size_t i, at;
  int k;
  CHECK(first != (uint8_t *)MAP_FAILED + PAGE && mprotect(first, PAGES * PAGE, PROT_READ | PROT_WRITE) == 0);
  for (at = 0; at < PAGES * PAGE; at++) first[at] = (uint8_t)(at * 73 + (at >> 8) * 5);
  EQUAL(plain_new(NULL, NULL, &plain), WINDLASS_OK);
  for (i = 0; i < sizeof around / sizeof *around; i++) {
    size_t len;
    for (len = around[i] - 2; len <= around[i] + 2; len++) {
      for (k = 0; k < 2; k++) {
        plain_list_u8_t in, out;
        in.ptr = k == 0 ? first : end - len;
        in.len = len;
        EQUAL(plain_echo(plain, in, &out), WINDLASS_OK);
        CHECK(out.len == len && memcmp(out.ptr, in.ptr, len) == 0);
        EQUAL(plain_list_u8_drop(plain, &out), WINDLASS_OK);
        /* Its last byte can't be read. */
        in.ptr = end - len + 1;
        EQUAL(plain_echo(plain, in, &out), WINDLASS_UNREADABLE_ARGUMENT);
      }
    }
  }
  plain_delete(plain);
  puts("ok");
  return 0;
}
