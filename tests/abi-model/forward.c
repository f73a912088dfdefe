/*
 * The echo program with a component that forwards each call through two others, which log it. The logger counts, and checks what it is
 * given.
 */
#include "check.h"
#include "echo.h"

static int logged;

static windlass_status_t log_it(void *vmctx, void *data, const windlass_memory_t *memory, windlass_realloc_t *realloc,
                                int32_t string_encoding, windlass_val_raw_t *v, size_t count) {
  (void)vmctx;
  (void)realloc;
  CHECK(data == &logged);
  CHECK(string_encoding == 0 && count == 3 && v[0].i32 < 5);
  CHECK(memory != NULL && (size_t)v[1].i32 + v[2].i32 <= memory->length && v[2].i32 > 0);
  logged++;
  return 0;
}

static windlass_status_t echo_new_logged(echo_t **out) {
  echo_imports_t imports = {{log_it, &logged}};
  return echo_new(&imports, NULL, out);
}

static int echo_main(void);
#define echo_new(imports, options, out) echo_new_logged(out)
#define main echo_main
#include "echo.c"
#undef main

int main(void) {
  int status = echo_main();
  CHECK(logged > 20);
  printf("%s\n", logged % 2 == 0 ? "each call was logged twice" : "a call was logged once");
  return status;
}
