/*
 * The calls of bench/components/typed.c through Wasmtime's C API, which has values with tags: `wasmtime_calls COMPONENT`. Prints a line for each:
 * name, ns. The library is the one of the Python package, which brings no header: what is used of it is declared here.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct engine engine_t;
typedef struct store store_t;
typedef struct context context_t;
typedef struct component component_t;
typedef struct linker linker_t;
typedef struct linker_instance linker_instance_t;
typedef struct export_index export_index_t;
typedef struct error error_t;
typedef struct func_type func_type_t;
typedef struct { size_t size; char *data; } name_t;
typedef struct { uint64_t store_id; uint32_t index; } instance_t;
typedef struct { struct { uint64_t store_id; uint32_t index; } a; uint32_t b; void *c; } func_t;

enum { KIND_BOOL = 0, KIND_U8 = 2, KIND_U32 = 6, KIND_F64 = 10, KIND_STRING = 12, KIND_LIST = 13, KIND_RECORD = 14 };
typedef struct val val_t;
typedef struct { size_t size; val_t *data; } vallist_t;
typedef struct { size_t size; struct entry *data; } valrecord_t;
struct val {
  uint8_t kind;
  union {
    uint8_t u8;
    uint32_t u32;
    double f64;
    name_t string;
    vallist_t list;
    valrecord_t record;
    struct { uint64_t words[3]; } largest;
  } of;
};
struct entry { name_t name; val_t val; };
typedef error_t *callback_t(void *, context_t *, const func_type_t *, val_t *, size_t, val_t *, size_t);

engine_t *wasm_engine_new(void);
store_t *wasmtime_store_new(engine_t *, void *, void (*)(void *));
context_t *wasmtime_store_context(store_t *);
error_t *wasmtime_component_new(engine_t *, const uint8_t *, size_t, component_t **);
linker_t *wasmtime_component_linker_new(engine_t *);
linker_instance_t *wasmtime_component_linker_root(linker_t *);
error_t *wasmtime_component_linker_instance_add_instance(linker_instance_t *, const char *, size_t, linker_instance_t **);
error_t *wasmtime_component_linker_instance_add_func(linker_instance_t *, const char *, size_t, callback_t *, void *, void (*)(void *));
void wasmtime_component_linker_instance_delete(linker_instance_t *);
error_t *wasmtime_component_linker_instantiate(linker_t *, context_t *, component_t *, instance_t *);
export_index_t *wasmtime_component_instance_get_export_index(const instance_t *, context_t *, const export_index_t *, const char *, size_t);
bool wasmtime_component_instance_get_func(const instance_t *, context_t *, const export_index_t *, func_t *);
error_t *wasmtime_component_func_call(const func_t *, context_t *, const val_t *, size_t, val_t *, size_t);
void wasmtime_component_vallist_new_uninit(vallist_t *, size_t);
void wasmtime_component_valrecord_new_uninit(valrecord_t *, size_t);
void wasmtime_component_val_delete(val_t *);
void wasm_byte_vec_new(name_t *, size_t, const char *);
void wasmtime_error_message(const error_t *, name_t *);

static void check(error_t *error) {
  name_t message;
  if (error == NULL) return;
  wasmtime_error_message(error, &message);
  fprintf(stderr, "%.*s\n", (int)message.size, message.data);
  exit(1);
}

static error_t *give(val_t *results, uint32_t value) {
  results[0].kind = KIND_U32;
  results[0].of.u32 = value;
  return NULL;
}
static error_t *h_add(void *d, context_t *c, const func_type_t *t, val_t *args, size_t n, val_t *results, size_t m) {
  (void)d, (void)c, (void)t, (void)n, (void)m;
  return give(results, args[0].of.u32 + args[1].of.u32);
}
static error_t *h_text(void *d, context_t *c, const func_type_t *t, val_t *args, size_t n, val_t *results, size_t m) {
  (void)d, (void)c, (void)t, (void)n, (void)m;
  return give(results, (uint32_t)args[0].of.string.size + (uint8_t)args[0].of.string.data[0]);
}
static error_t *h_list(void *d, context_t *c, const func_type_t *t, val_t *args, size_t n, val_t *results, size_t m) {
  (void)d, (void)c, (void)t, (void)n, (void)m;
  return give(results, (uint32_t)args[0].of.list.size);
}
static error_t *h_name(void *d, context_t *c, const func_type_t *t, val_t *args, size_t n, val_t *results, size_t m) {
  (void)d, (void)c, (void)t, (void)args, (void)n, (void)m;
  results[0].kind = KIND_STRING;
  wasm_byte_vec_new(&results[0].of.string, 16, "sixteen letters!");
  return NULL;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static context_t *context;
static instance_t instance;

static func_t find(const char *name) {
  func_t func;
  export_index_t *index = wasmtime_component_instance_get_export_index(&instance, context, NULL, name, strlen(name));
  if (index == NULL || !wasmtime_component_instance_get_func(&instance, context, index, &func)) {
    fprintf(stderr, "no export %s\n", name);
    exit(1);
  }
  return func;
}

/* The best of some rounds: a call of `loop-…` makes `calls` of an import, or so many calls are made. */
static void guest_to_host(const char *row, const char *name, uint32_t calls, int rounds) {
  func_t func = find(name);
  val_t arg, result;
  double best = 1e300;
  arg.kind = KIND_U32;
  arg.of.u32 = calls;
  result.kind = KIND_BOOL; /* what is in it is dropped first */
  for (int r = 0; r < rounds; r++) {
    double t = now();
    check(wasmtime_component_func_call(&func, context, &arg, 1, &result, 1));
    t = (now() - t) / calls;
    if (t < best) best = t;
  }
  printf("%s\t%.2f\n", row, best);
}

static void host_to_guest(const char *row, const char *name, const val_t *args, size_t count, uint32_t calls, int rounds) {
  func_t func = find(name);
  double best = 1e300;
  for (int r = 0; r < rounds; r++) {
    double t = now();
    for (uint32_t i = 0; i < calls; i++) {
      val_t result;
      result.kind = KIND_BOOL;
      check(wasmtime_component_func_call(&func, context, args, count, &result, 1));
      wasmtime_component_val_delete(&result);
    }
    t = (now() - t) / calls;
    if (t < best) best = t;
  }
  printf("%s\t%.2f\n", row, best);
}

int main(int argc, char **argv) {
  engine_t *engine = wasm_engine_new();
  linker_t *linker = wasmtime_component_linker_new(engine);
  linker_instance_t *root = wasmtime_component_linker_root(linker), *host;
  FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
  static uint8_t bytes[1 << 20];
  component_t *component;
  val_t numbers[2], text, list, records;
  if (file == NULL) return 1;
  check(wasmtime_component_new(engine, bytes, fread(bytes, 1, sizeof bytes, file), &component));
  fclose(file);
  check(wasmtime_component_linker_instance_add_instance(root, "host", 4, &host));
  check(wasmtime_component_linker_instance_add_func(host, "add", 3, h_add, NULL, NULL));
  check(wasmtime_component_linker_instance_add_func(host, "text", 4, h_text, NULL, NULL));
  check(wasmtime_component_linker_instance_add_func(host, "bytes", 5, h_list, NULL, NULL));
  check(wasmtime_component_linker_instance_add_func(host, "points", 6, h_list, NULL, NULL));
  check(wasmtime_component_linker_instance_add_func(host, "name", 4, h_name, NULL, NULL));
  wasmtime_component_linker_instance_delete(host);
  wasmtime_component_linker_instance_delete(root);
  context = wasmtime_store_context(wasmtime_store_new(engine, NULL, NULL));
  check(wasmtime_component_linker_instantiate(linker, context, component, &instance));

  numbers[0].kind = numbers[1].kind = KIND_U32;
  numbers[0].of.u32 = 1, numbers[1].of.u32 = 2;
  text.kind = KIND_STRING;
  wasm_byte_vec_new(&text.of.string, 16, "sixteen letters!");
  list.kind = KIND_LIST;
  wasmtime_component_vallist_new_uninit(&list.of.list, 1024);
  for (size_t i = 0; i < 1024; i++) list.of.list.data[i].kind = KIND_U8, list.of.list.data[i].of.u8 = (uint8_t)i;
  records.kind = KIND_LIST;
  wasmtime_component_vallist_new_uninit(&records.of.list, 100);
  for (size_t i = 0; i < 100; i++) {
    val_t *record = &records.of.list.data[i];
    record->kind = KIND_RECORD;
    wasmtime_component_valrecord_new_uninit(&record->of.record, 2);
    for (size_t k = 0; k < 2; k++) {
      wasm_byte_vec_new(&record->of.record.data[k].name, 1, k == 0 ? "x" : "y");
      record->of.record.data[k].val.kind = KIND_F64;
      record->of.record.data[k].val.of.f64 = (double)i;
    }
  }
  guest_to_host("guest → host (u32, u32) -> u32", "loop-add", 20000, 50);
  guest_to_host("guest → host string of 16, seen", "loop-text", 10000, 50);
  guest_to_host("guest → host list<u8> of 1 KiB, seen", "loop-bytes", 200, 20);
  guest_to_host("guest → host 100 records, seen", "loop-points", 200, 20);
  guest_to_host("guest → host -> string of 16", "loop-name", 10000, 50);
  host_to_guest("host → guest (u32, u32) -> u32", "add", numbers, 2, 20000, 50);
  host_to_guest("host → guest string of 16", "text", &text, 1, 10000, 50);
  host_to_guest("host → guest list<u8> of 1 KiB", "bytes", &list, 1, 200, 20);
  host_to_guest("host → guest list of 100 records", "points", &records, 1, 200, 20);
  host_to_guest("host → guest -> string of 16", "name", NULL, 0, 10000, 50);
  return 0;
}
