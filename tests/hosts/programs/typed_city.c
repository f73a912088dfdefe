/* hello-city with C values: two instances, a logger each, a record as argument, a text as a view. */
#include "check.h"
#include "city.h"

struct log { char text[400]; int calls; city_t *instance; };

static windlass_status_t log_it(void *data, windlass_call_t *call, city_string_t msg) {
  struct log *log = (struct log *)data;
  char *scratch = (char *)windlass_call_alloc(call, msg.len + 2);
  CHECK(call->instance == (void *)log->instance);
  CHECK(scratch != NULL && windlass_call_alloc(call, (size_t)1 << 40) == NULL);
  memcpy(scratch, msg.ptr, msg.len);
  memcpy(scratch + msg.len, "\n", 2);
  CHECK(strlen(log->text) + msg.len + 2 < sizeof log->text);
  strcat(log->text, scratch);
  log->calls++;
  return msg.len > 100 ? 7 : WINDLASS_OK;
}

static windlass_status_t run(city_t *city, const char *name, uint32_t heads) {
  city_greeter_city_info_t info = {{name, strlen(name)}, heads, heads * 0x100000001ull};
  return city_greeter_run(city, &info);
}

static city_t *make(struct log *log) {
  city_imports_t imports;
  windlass_options_t options;
  city_t *city = NULL;
  memset(&imports, 0, sizeof imports);
  memset(&options, 0, sizeof options);
  memset(log, 0, sizeof *log);
  imports.data = log;
  imports.logger.log = log_it;
  options.size = sizeof options;
  options.user = log;
  EQUAL(city_new(&imports, &options, &city), WINDLASS_OK);
  CHECK(city != NULL && city_user(city) == (void *)log);
  memset(&imports, 0xa5, sizeof imports); /* They were copied. */
  log->instance = city;
  return city;
}

int main(void) {
  static struct log first, second, third;
  static char name[200];
  city_greeter_city_info_t wrong = {{"\xc0\x80", 2}, 1, 0x100000001ull};
  city_t *a = make(&first);
  city_t *b = make(&second);
  EQUAL(run(a, "Lisboa", 548703), WINDLASS_OK);
  EQUAL(run(b, "K\xc3\xb8" "benhavn", 0xffffffffu), WINDLASS_OK);
  EQUAL(run(a, "", 0), WINDLASS_OK);
  EQUAL(first.calls, 2);
  EQUAL(second.calls, 1);
  printf("%s%s", first.text, second.text);
  CHECK(city_last_trap(a) == NULL);
  EQUAL(city_greeter_run(a, NULL), WINDLASS_NULL_POINTER);
  EQUAL(city_greeter_run(a, &wrong), WINDLASS_INVALID_UTF8);
  CHECK(city_last_trap(a) == NULL);

  /* A host function that fails is a trap of that instance alone. */
  memset(name, 'x', sizeof name - 1);
  EQUAL(run(a, name, 1), WINDLASS_TRAP_HOST_FUNCTION_FAILED);
  printf("%s", city_last_trap(a));
  EQUAL(run(a, "", 0), WINDLASS_INSTANCE_TRAPPED);
  EQUAL(run(b, "Porto", 1), WINDLASS_OK);
  city_delete(a);
  a = make(&third);
  EQUAL(run(a, "Faro", 2), WINDLASS_OK);
  EQUAL(run(b, "Braga", 3), WINDLASS_OK);
  printf("%s%s", third.text, second.text);
  city_delete(b);
  city_delete(a);
  return 0;
}
