/* Resources with C values: handles of the component's counters, files of the host's as pointers; and every misuse of a handle. */
#include "check.h"
#include "handles.h"

struct file { uint32_t size; int open; };
static struct file files[3] = {{100, 1}, {20, 1}, {3, 1}};
static handles_t *calling;
static handles_counters_counter_t lent_now, owned_now;
static handles_t *deleting;
static int tried, closed, dropped, dropped_before;

static windlass_status_t open_file(void *data, windlass_call_t *call, handles_string_t name, handles_files_file_t *out) {
  (void)call;
  CHECK(data == (void *)files && name.len == 1 && name.ptr[0] >= '0' && name.ptr[0] <= '2');
  *out = &files[name.ptr[0] - '0'];
  return WINDLASS_OK;
}

static windlass_status_t file_size(void *data, windlass_call_t *call, handles_files_file_t self, uint32_t *out) {
  uint32_t result;
  (void)data, (void)call;
  *out = ((struct file *)self)->size;
  /* From inside a call nothing of the component can be called, whoever owns it. */
  EQUAL(handles_counters_counter_drop(calling, owned_now), WINDLASS_INSTANCE_BUSY);
  EQUAL(handles_counters_method_counter_add(calling, owned_now, 1, &result), WINDLASS_INSTANCE_BUSY);
  /* Nor can its memory go. */
  EQUAL(handles_delete(calling), WINDLASS_INSTANCE_BUSY);
  tried++;
  return WINDLASS_OK;
}

static windlass_status_t close_all(void *data, windlass_call_t *call, handles_list_files_file_t list) {
  size_t i;
  (void)data, (void)call;
  for (i = 0; i < list.len; i++) {
    struct file *file = (struct file *)list.ptr[i];
    CHECK(file->open);
    file->open = 0;
    closed++;
  }
  return WINDLASS_OK;
}

static void drop_file(void *data, void *rep) {
  CHECK(data == (void *)files && ((struct file *)rep)->open);
  dropped++;
  if (deleting == NULL) return;
  /* Of a deleted instance: it can't be come back to, and the youngest handle goes first. */
  CHECK(rep == (dropped == dropped_before + 1 ? &files[2] : &files[1]));
  EQUAL(handles_delete(deleting), WINDLASS_NOT_AN_INSTANCE);
  CHECK(handles_user(deleting) == NULL);
}

static handles_t *make(void) {
  handles_imports_t imports;
  handles_t *h = NULL;
  memset(&imports, 0, sizeof imports);
  imports.data = files;
  imports.files.open = open_file;
  imports.files.method_file_size = file_size;
  imports.files.close_all = close_all;
  imports.files.file_drop = drop_file;
  EQUAL(handles_new(&imports, NULL, &h), WINDLASS_OK);
  return h;
}

static uint32_t destroyed(handles_t *h) {
  uint32_t n = 0;
  EQUAL(handles_counters_destroyed(h, &n), WINDLASS_OK);
  return n;
}

static handles_counters_counter_t counter(handles_t *h, uint32_t start) {
  handles_counters_counter_t c = {0};
  EQUAL(handles_counters_constructor_counter(h, start, &c), WINDLASS_OK);
  CHECK(c.handle != 0);
  return c;
}

static void use(handles_t *h, handles_t *other) {
  static const handles_string_t bad = {"\xff", 1}, name = {"n", 1};
  const handles_counters_counter_t none = {0};
  handles_counters_counter_t c = counter(h, 5), d = counter(h, 7), both[2];
  handles_list_counters_counter_t list = {both, 2};
  handles_counters_parts_t parts;
  uint32_t n = 0;
  CHECK(c.handle != d.handle);
  EQUAL(handles_counters_method_counter_add(h, c, 10, &n), WINDLASS_OK);
  EQUAL(n, 15);
  EQUAL(handles_counters_method_counter_label(h, c, name, &n), WINDLASS_OK);
  EQUAL(n, 16);
  both[0] = c;
  both[1] = d;
  EQUAL(handles_counters_sum(h, list, &n), WINDLASS_OK);
  EQUAL(n, 22);
  both[1] = c; /* Lent twice is fine. */
  EQUAL(handles_counters_sum(h, list, &n), WINDLASS_OK);
  EQUAL(n, 30);

  /* What is no handle, or another instance's. */
  EQUAL(handles_counters_method_counter_add(h, none, 1, &n), WINDLASS_INVALID_HANDLE);
  EQUAL(handles_counters_method_counter_add(other, c, 1, &n), WINDLASS_INVALID_HANDLE);
  EQUAL(handles_counters_counter_drop(other, c), WINDLASS_INVALID_HANDLE);
  both[1].handle = c.handle + 1;
  EQUAL(handles_counters_sum(h, list, &n), WINDLASS_INVALID_HANDLE);
  both[1].handle = c.handle ^ (uint64_t)1 << 40;
  EQUAL(handles_counters_sum(h, list, &n), WINDLASS_INVALID_HANDLE);
  /* A refused call lends nothing. */
  EQUAL(handles_counters_method_counter_label(h, c, bad, &n), WINDLASS_INVALID_UTF8);
  EQUAL(handles_counters_method_counter_label(h, c, name, &n), WINDLASS_OK);

  /* A refused call takes nothing. */
  EQUAL(handles_counters_split(h, c, bad, &parts), WINDLASS_INVALID_UTF8);
  EQUAL(handles_counters_merge(h, d, none, &n), WINDLASS_INVALID_HANDLE);
  EQUAL(handles_counters_merge(h, none, d, &n), WINDLASS_INVALID_HANDLE);
  EQUAL(destroyed(h), 0);
  EQUAL(handles_counters_split(h, c, name, &parts), WINDLASS_OK);
  EQUAL(destroyed(h), 15);
  EQUAL(handles_counters_counter_drop(h, c), WINDLASS_INVALID_HANDLE);
  EQUAL(handles_counters_method_counter_add(h, c, 1, &n), WINDLASS_INVALID_HANDLE);
  EQUAL(parts.rest.len, 2);
  EQUAL(handles_counters_method_counter_add(h, parts.first, 0, &n), WINDLASS_OK);
  EQUAL(n, 15);
  EQUAL(handles_counters_counter_drop(h, parts.first), WINDLASS_OK);
  EQUAL(handles_counters_counter_drop(h, parts.first), WINDLASS_INVALID_HANDLE);
  EQUAL(handles_counters_counter_drop(h, parts.rest.ptr[0]), WINDLASS_OK);
  EQUAL(destroyed(h), 31);
  EQUAL(handles_counters_merge(h, parts.rest.ptr[1], d, &n), WINDLASS_OK);
  EQUAL(n, 9);
  EQUAL(destroyed(h), 40);
  EQUAL(handles_counters_parts_drop(h, &parts), WINDLASS_OK);
  EQUAL(handles_counters_parts_drop(h, &parts), WINDLASS_OK);
}

int main(void) {
  handles_t *h = make(), *other = make();
  handles_string_t name = {"1", 1};
  uint32_t n;
  int i;
  use(h, other);
  calling = h;
  owned_now = counter(h, 1);
  lent_now = owned_now;
  EQUAL(handles_counters_size_of(h, name, &files[0], &n), WINDLASS_OK);
  EQUAL(n, 120);
  EQUAL(tried, 2);
  EQUAL(dropped, 1);
  EQUAL(handles_counters_close(h, &files[0], &files[2]), WINDLASS_OK);
  EQUAL(closed, 2);
  CHECK(!files[0].open && files[1].open && !files[2].open);
  /* Handles are used again, their numbers are not. */
  for (i = 0; i < 3000000; i += 1000) {
    handles_counters_counter_t c = counter(other, 0);
    EQUAL(handles_counters_counter_drop(other, c), WINDLASS_OK);
    CHECK(c.handle != lent_now.handle);
    lent_now = c;
  }
  /* A destructor that traps. */
  EQUAL(handles_counters_counter_drop(h, counter(h, 666)), WINDLASS_TRAP_UNREACHABLE);
  printf("%s", handles_last_trap(h));
  EQUAL(handles_counters_counter_drop(h, owned_now), WINDLASS_INSTANCE_TRAPPED);
  handles_delete(h);
  /* The guest keeps what it borrowed. */
  EQUAL(handles_counters_keep(other, &files[1]), WINDLASS_TRAP_BORROWS_REMAIN);
  handles_delete(other);
  /* The same handle twice, to be owned: it is noticed when it is too late to refuse. */
  h = make();
  owned_now = counter(h, 1);
  EQUAL(handles_counters_merge(h, owned_now, owned_now, &n), WINDLASS_TRAP_UNKNOWN_HANDLE);
  EQUAL(handles_counters_merge(h, owned_now, owned_now, &n), WINDLASS_INSTANCE_TRAPPED);
  EQUAL(handles_delete(h), WINDLASS_OK);
  EQUAL(handles_delete(NULL), WINDLASS_OK);
  /* What an instance still owns of the host's resources, because it trapped or just kept it, is dropped when it is deleted. */
  for (i = 0; i < 2; i++) {
    h = make();
    files[2].open = 1;
    EQUAL(handles_counters_hold(h, &files[1]), WINDLASS_OK);
    EQUAL(handles_counters_hold(h, &files[2]), WINDLASS_OK);
    if (i == 1) EQUAL(handles_counters_counter_drop(h, counter(h, 666)), WINDLASS_TRAP_UNREACHABLE);
    dropped_before = dropped;
    deleting = h;
    EQUAL(handles_delete(h), WINDLASS_OK);
    deleting = NULL;
    EQUAL(dropped, dropped_before + 2);
  }
  return 0;
}
