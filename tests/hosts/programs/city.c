/* hello-city: two instances, a logger each, a record as argument. FLAT: host ABI `flat`. FORWARDED: another component calls it. */
#include "check.h"
#include "city.h"

struct log { char text[400]; int calls; city_t *instance; };

static void append(struct log *log, void *vmctx, const windlass_memory_t *memory, uint32_t at, uint32_t length) {
  CHECK(log->instance == NULL || vmctx == (void *)log->instance);
  CHECK(memory != NULL && (size_t)at + length <= memory->length);
  CHECK(strlen(log->text) + length + 2 < sizeof log->text);
  strncat(log->text, (const char *)memory->base + at, length);
  strcat(log->text, "\n");
  log->calls++;
}

#ifdef FLAT
static void log_it(void *vmctx, void *data, uint32_t at, uint32_t length) {
  struct log *log = (struct log *)data;
  append(log, vmctx, city_memory((city_t *)vmctx), at, length);
  if (length > 100) city_fail((city_t *)vmctx, 7);
}
#else
static windlass_status_t log_it(void *vmctx, void *data, const windlass_memory_t *memory, windlass_realloc_t *realloc,
                                int32_t string_encoding, windlass_val_raw_t *v, size_t count) {
  struct log *log = (struct log *)data;
  (void)realloc;
  EQUAL(string_encoding, 0);
  EQUAL(count, 2);
#ifdef FORWARDED
  CHECK(memory != city_memory((city_t *)vmctx));
#else
  CHECK(memory == city_memory((city_t *)vmctx));
#endif
  append(log, vmctx, memory, v[0].i32, v[1].i32);
  return v[1].i32 > 100 ? 7 : 0;
}
#endif

static windlass_status_t run(city_t *city, const char *name, uint32_t heads) {
  windlass_val_raw_t v[4];
  uint32_t at = 0;
  size_t length = strlen(name);
  EQUAL(city_realloc(city, 0, 0, 1, (uint32_t)length, &at), 0);
  memcpy(city_memory(city)->base + at, name, length);
  memset(v, 0xa5, sizeof v);
  v[0].i32 = at;
  v[1].i32 = (uint32_t)length;
  v[2].i32 = heads;
  v[3].i64 = heads * 0x100000001ull;
  return city_greeter_run(city, v, 4);
}

static city_t *make(struct log *log) {
  city_imports_t imports;
  windlass_options_t options;
  city_t *city = NULL;
  memset(&imports, 0, sizeof imports);
  memset(&options, 0, sizeof options);
  memset(log, 0, sizeof *log);
  imports.logger_log.callee = log_it;
  imports.logger_log.data = log;
  options.size = sizeof options;
  options.user = log;
  EQUAL(city_new(&imports, &options, &city), 0);
  CHECK(city != NULL && city_user(city) == (void *)log);
  memset(&imports, 0xa5, sizeof imports); /* They were copied. */
  log->instance = city;
  return city;
}

int main(void) {
  static struct log first, second, third;
  static char name[200];
  city_t *a = make(&first);
  city_t *b = make(&second);
  CHECK(a != b && city_memory(a)->base != city_memory(b)->base);
  EQUAL(run(a, "Lisboa", 548703), 0);
  EQUAL(run(b, "K\xc3\xb8" "benhavn", 0xffffffffu), 0);
  EQUAL(run(a, "", 0), 0);
  EQUAL(first.calls, 2);
  EQUAL(second.calls, 1);
  printf("%s%s", first.text, second.text);
  CHECK(city_last_trap(a) == NULL);

  /* A host function that fails is a trap of that instance alone. */
  memset(name, 'x', sizeof name - 1);
  EQUAL(run(a, name, 1), WINDLASS_TRAP_HOST_FUNCTION_FAILED);
  printf("%s", city_last_trap(a));
  {
    windlass_val_raw_t v[4];
    memset(v, 0, sizeof v);
    EQUAL(city_greeter_run(a, v, 4), WINDLASS_INSTANCE_TRAPPED);
    EQUAL(city_realloc(a, 0, 0, 1, 1, &v[0].i32), WINDLASS_INSTANCE_TRAPPED);
  }
  EQUAL(run(b, "Porto", 1), 0);
  city_delete(a);
  a = make(&third);
  EQUAL(run(a, "Faro", 2), 0);
  EQUAL(run(b, "Braga", 3), 0);
  printf("%s%s", third.text, second.text);
  city_delete(b);
  city_delete(a);
  return 0;
}
