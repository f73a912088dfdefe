/* What an instance takes is what it uses: it counts against what the system allows, in steps, and where that ends is a clear status. */
#include "check.h"
#include "space.h"

#include <sys/resource.h>

static windlass_status_t strings(void *data, windlass_call_t *call, space_list_string_t x, uint32_t *out) {
  char *more = (char *)windlass_call_alloc(call, 100000);
  size_t i, right = 0;
  (void)data;
  for (i = 0; i < x.len; i++) right += x.ptr[i].len == (i & 7);
  if (more != NULL) memset(more, 1, 100000);
  for (i = 0; i < x.len; i++) right -= x.ptr[i].len != (i & 7);
  *out = more == NULL ? 0 : (uint32_t)right;
  return WINDLASS_OK;
}
static windlass_status_t block(void *data, windlass_call_t *call, const space_list200000_u8_t *x, uint32_t *out) {
  size_t i;
  (void)data, (void)call;
  *out = 0;
  for (i = 0; i < sizeof *x; i++) *out += ((const uint8_t *)x)[i];
  return WINDLASS_OK;
}
static windlass_status_t huge(void *data, windlass_call_t *call, const space_list80000000_u8_t *x, uint32_t *out) {
  (void)data, (void)call, (void)x, (void)out;
  CHECK(!"larger than what there is for arguments");
  return WINDLASS_OK;
}

static windlass_status_t try_make(const windlass_options_t *options, space_t **out) {
  space_imports_t imports;
  memset(&imports, 0, sizeof imports);
  imports.host.strings = strings;
  imports.host.block = block;
  imports.host.huge = huge;
  return space_new(&imports, options, out);
}

static space_t *make(const windlass_options_t *options) {
  space_t *space = NULL;
  EQUAL(try_make(options, &space), WINDLASS_OK);
  return space;
}

/* KiB that the system counts as the process's own, touched or not. */
static size_t counted(void) {
  FILE *status = fopen("/proc/self/status", "r");
  char line[256];
  size_t found = 0;
  CHECK(status != NULL);
  while (fgets(line, sizeof line, status) != NULL) {
    if (sscanf(line, "VmData: %zu kB", &found) == 1) break;
  }
  fclose(status);
  CHECK(found > 0);
  return found;
}

static void allow(size_t kib) {
  struct rlimit limit;
  EQUAL(getrlimit(RLIMIT_DATA, &limit), 0);
  limit.rlim_cur = kib == 0 ? limit.rlim_max : kib * 1024;
  EQUAL(setrlimit(RLIMIT_DATA, &limit), 0);
}

enum { MANY = 500, RESULTS = 1000 };

/* Each within 300 KiB, its memory included, all with results, handles, exceptions, and arguments of host functions. */
static void small(void) {
  static space_t *all[MANY];
  size_t before = counted();
  int i;
  for (i = 0; i < MANY; i++) {
    space_string_t text;
    uint32_t r = 0;
    all[i] = make(NULL);
    EQUAL(space_handles(all[i], 100, &r), WINDLASS_OK);
    EQUAL(r, 100);
    EQUAL(space_exceptions(all[i], 100, &r), WINDLASS_OK);
    EQUAL(r, 100);
    EQUAL(space_text(all[i], 100, &text), WINDLASS_OK);
    EQUAL(text.len, 100);
  }
  CHECK(counted() - before < MANY * (size_t)300);
  for (i = 0; i < MANY; i++) EQUAL(space_delete(all[i]), WINDLASS_OK);
}

static void large(void) {
  static space_string_t texts[RESULTS];
  space_t *space = make(NULL);
  uint32_t r = 0;
  int i;
  EQUAL(space_handles(space, 4095, &r), WINDLASS_OK);
  EQUAL(r, 4095);
  EQUAL(space_handles(space, 300000, &r), WINDLASS_OK);
  EQUAL(r, 300000);
  EQUAL(space_reset(space), WINDLASS_OK);
  EQUAL(space_handles(space, (1 << 20) - 1, &r), WINDLASS_OK);
  EQUAL(r, (1 << 20) - 1);
  EQUAL(space_exceptions(space, 200000, &r), WINDLASS_OK);
  EQUAL(r, 200000);
  EQUAL(space_reset(space), WINDLASS_OK);
  for (i = 0; i < 3; i++) {
    EQUAL(space_strings(space, 100000, &r), WINDLASS_OK);
    EQUAL(r, 100000);
    EQUAL(space_block(space, &r), WINDLASS_OK);
    EQUAL(r, 200000);
    EQUAL(space_strings(space, 3000, &r), WINDLASS_OK);
    EQUAL(r, 3000);
    EQUAL(space_reset(space), WINDLASS_OK);
  }
  for (i = 0; i < RESULTS; i++) {
    EQUAL(space_text(space, 10u * (uint32_t)i, &texts[i]), WINDLASS_OK);
    EQUAL(space_reset(space), WINDLASS_OK);
  }
  for (i = 0; i < RESULTS; i++) {
    EQUAL(texts[i].len, 10u * (size_t)i);
    CHECK(i == 0 || (texts[i].ptr[0] == 'a' && texts[i].ptr[10 * i - 1] == 'a'));
    EQUAL(space_string_drop(space, &texts[i]), WINDLASS_OK);
  }
  EQUAL(space_huge(space, &r), WINDLASS_TRAP_HOST_MEMORY_EXHAUSTED);
  EQUAL(space_delete(space), WINDLASS_OK);

  space = make(NULL);
  EQUAL(space_strings(space, 4500000, &r), WINDLASS_TRAP_HOST_MEMORY_EXHAUSTED); /* 72 MB of views. */
  EQUAL(space_delete(space), WINDLASS_OK);
  space = make(NULL);
  EQUAL(space_handles(space, 1 << 20, &r), WINDLASS_TRAP_HANDLES_EXHAUSTED);
  EQUAL(space_delete(space), WINDLASS_OK);
}

/* Where the system gives no more. */
static void short_of(void) {
  space_list_string_t list;
  space_t *space, *none = NULL;
  uint32_t r = 0;
  int i;
  for (i = 0; i < 4; i++) {
    space = make(NULL);
    allow(counted());
    if (i == 0) EQUAL(space_handles(space, 10000, &r), WINDLASS_TRAP_HANDLES_EXHAUSTED);
    if (i == 1) EQUAL(space_exceptions(space, 1000, &r), WINDLASS_TRAP_EXCEPTIONS_EXHAUSTED);
    if (i == 2) EQUAL(space_strings(space, 5000, &r), WINDLASS_TRAP_HOST_MEMORY_EXHAUSTED);
    if (i == 3) EQUAL(space_texts(space, 5000, &list), WINDLASS_TRAP_HOST_MEMORY_EXHAUSTED);
    EQUAL(try_make(NULL, &none), WINDLASS_OUT_OF_MEMORY);
    CHECK(none == NULL);
    EQUAL(space_delete(space), WINDLASS_OK);
    allow(0);
  }
}

/* A host's functions that fail at any one of their calls. */
struct hooks {
  int calls, fails, live;
};
static void *allocate(void *data, size_t size) {
  struct hooks *hooks = (struct hooks *)data;
  void *memory = hooks->calls++ == hooks->fails ? NULL : malloc(size);
  hooks->live += memory != NULL;
  return memory;
}
static void release(void *data, void *memory, size_t size) {
  struct hooks *hooks = (struct hooks *)data;
  (void)size;
  hooks->live--;
  free(memory);
}

static void hooked(void) {
  struct hooks hooks = {0, 0, 0};
  windlass_options_t options = WINDLASS_OPTIONS;
  windlass_status_t status;
  options.allocate = allocate;
  options.release = release;
  options.hook_data = &hooks;
  do {
    space_list_string_t list;
    space_t *space = make(&options);
    uint32_t r = 0;
    hooks.calls = 0;
    status = space_texts(space, 20000, &list);
    if (status == WINDLASS_OK) {
      size_t i;
      EQUAL(list.len, 20000);
      for (i = 0; i < list.len; i++) EQUAL(list.ptr[i].len, i & 7);
      EQUAL(space_list_string_drop(space, &list), WINDLASS_OK);
      EQUAL(hooks.live, 0);
    } else {
      EQUAL(status, WINDLASS_TRAP_HOST_MEMORY_EXHAUSTED);
      CHECK(list.ptr == NULL && list.len == 0);
      EQUAL(space_handles(space, 1, &r), WINDLASS_INSTANCE_TRAPPED);
    }
    EQUAL(space_delete(space), WINDLASS_OK);
    EQUAL(hooks.live, 0);
    hooks.fails++;
  } while (status != WINDLASS_OK);
  CHECK(hooks.fails > 2);
}

int main(void) {
  small();
  large();
  hooked();
  short_of();
  puts("ok");
  return 0;
}
