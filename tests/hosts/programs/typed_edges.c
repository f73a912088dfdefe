/* Texts of every length at the very beginning and end of readable memory: none is read outside, and what breaks one is found wherever it is. */
#define _DEFAULT_SOURCE
#include "check.h"
#include "echo.h"

#include <sys/mman.h>

#define PAGE 4096
#define LONGEST 200

int main(void) {
  char *pages = (char *)mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *page = pages + PAGE;
  echo_t *echo = NULL;
  size_t len, at;
  CHECK(pages != (char *)MAP_FAILED && mprotect(page, PAGE, PROT_READ | PROT_WRITE) == 0);
  memset(page, 'a', PAGE);
  EQUAL(echo_new(NULL, NULL, &echo), WINDLASS_OK);
  for (len = 0; len <= LONGEST; len++) {
    char *places[2];
    int end;
    places[0] = page, places[1] = page + PAGE - len;
    for (end = 0; end < 2; end++) {
      char *p = places[end];
      echo_string_t in = {p, len}, out;
      for (at = 0; at < len; at++) p[at] = (char)('a' + at % 26);
      EQUAL(echo_echo_primitives_echo_string(echo, in, &out), WINDLASS_OK);
      CHECK(out.len == len && memcmp(out.ptr, p, len) == 0);
      EQUAL(echo_string_drop(echo, &out), WINDLASS_OK);
      for (at = 0; at < len; at++) {
        char before = p[at];
        p[at] = '\xff';
        EQUAL(echo_echo_primitives_echo_string(echo, in, &out), WINDLASS_INVALID_UTF8);
        p[at] = before;
      }
    }
  }
  echo_delete(echo);
  puts("ok");
  return 0;
}
