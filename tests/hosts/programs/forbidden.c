/*
 * Calls from inside what may not be left or entered: a host function, the guest's allocator, its `post-return`, the host's own hooks, a call that waits
 * on another stack. Each is a status, with a message where the guest trapped. TYPED, FLAT: host ABI `typed`, `flat`, else `dynamic`.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <ucontext.h>
#include "check.h"
#include "forbidden.h"

enum { STACK = 256 * 1024 };

/* What `poke` does. */
enum { come_back, wait, tell_nobody };

static forbidden_t *inside;
static int behavior, pokes;
static ucontext_t outside, low, high;

static void busy(forbidden_t *f);

static windlass_status_t poked(void) {
  pokes++;
  if (behavior == come_back) busy(inside);
  if (behavior == wait) EQUAL(swapcontext(&high, &outside), 0);
  return WINDLASS_OK;
}

#ifdef TYPED
static const forbidden_string_t hello = {"hello", 5};

static windlass_status_t arm(forbidden_t *f, bool on) { return forbidden_arm(f, on); }
static windlass_status_t call(forbidden_t *f) { return forbidden_call(f); }
static windlass_status_t take(forbidden_t *f) {
  uint32_t n = 0;
  windlass_status_t status = forbidden_take(f, hello, &n);
  EQUAL(n, status == WINDLASS_OK ? 5 : 0);
  return status;
}
static windlass_status_t take_indirect(forbidden_t *f) {
  uint32_t n = 0;
  return forbidden_take_indirect(f, hello, &n);
}
static windlass_status_t finish(forbidden_t *f, windlass_status_t status, forbidden_string_t *out) {
  CHECK(status == WINDLASS_OK ? out->len == 5 && memcmp(out->ptr, "hello", 5) == 0 : out->ptr == NULL);
  if (status == WINDLASS_OK) EQUAL(forbidden_string_drop(f, out), WINDLASS_OK);
  return status;
}
static windlass_status_t give(forbidden_t *f) {
  forbidden_string_t out = {NULL, 0};
  return finish(f, forbidden_give(f, &out), &out);
}
static windlass_status_t give_indirect(forbidden_t *f) {
  forbidden_string_t out = {NULL, 0};
  return finish(f, forbidden_give_indirect(f, &out), &out);
}
static windlass_status_t get(forbidden_t *f) {
  uint32_t n = 0;
  return forbidden_get(f, &n);
}
static windlass_status_t get_indirect(forbidden_t *f) {
  uint32_t n = 0;
  return forbidden_get_indirect(f, &n);
}

static windlass_status_t poke(void *data, windlass_call_t *c) {
  (void)data, (void)c;
  return poked();
}
static windlass_status_t ask(void *data, windlass_call_t *c, forbidden_string_t *out) {
  (void)data, (void)c;
  *out = hello;
  return WINDLASS_OK;
}
static void provide(forbidden_imports_t *imports) {
  imports->poke = poke;
  imports->ask = ask;
}
#else
typedef windlass_status_t entry(forbidden_t *, windlass_val_raw_t *, size_t);
typedef windlass_status_t allocator(forbidden_t *, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t *);

static windlass_status_t arm(forbidden_t *f, bool on) {
  windlass_val_raw_t v[1];
  v[0].i32 = on;
  return forbidden_arm(f, v, 1);
}
static windlass_status_t call(forbidden_t *f) { return forbidden_call(f, NULL, 0); }
static windlass_status_t taken(forbidden_t *f, allocator *allocate, entry *function) {
  windlass_val_raw_t v[2];
  uint32_t at = 0;
  windlass_status_t status = allocate(f, 0, 0, 1, 5, &at);
  if (status != WINDLASS_OK) return status;
  EQUAL(at, 1024);
  v[0].i32 = at, v[1].i32 = 5;
  status = function(f, v, 2);
  if (status == WINDLASS_OK) EQUAL(v[0].i32, 5);
  return status;
}
static windlass_status_t take(forbidden_t *f) { return taken(f, forbidden_realloc, forbidden_take); }
static windlass_status_t take_indirect(forbidden_t *f) { return taken(f, forbidden_realloc2, forbidden_take_indirect); }
static windlass_status_t given(forbidden_t *f, entry *function, entry *post_return) {
  windlass_val_raw_t v[1];
  windlass_status_t status = function(f, v, 1);
  return status == WINDLASS_OK ? post_return(f, v, 1) : status;
}
static windlass_status_t give(forbidden_t *f) { return given(f, forbidden_give, forbidden_give_post_return); }
static windlass_status_t give_indirect(forbidden_t *f) {
  return given(f, forbidden_give_indirect, forbidden_give_indirect_post_return);
}
static windlass_status_t get(forbidden_t *f) {
  windlass_val_raw_t v[1];
  return forbidden_get(f, v, 1);
}
static windlass_status_t get_indirect(forbidden_t *f) {
  windlass_val_raw_t v[1];
  return forbidden_get_indirect(f, v, 1);
}

/* Five bytes at `at`, if `allocated` says that they are there, are the result at `out`. */
static windlass_status_t answer(const windlass_memory_t *memory, windlass_status_t allocated, uint32_t at, uint32_t out) {
  static const uint32_t length = 5;
  if (allocated != WINDLASS_OK) return behavior == tell_nobody ? WINDLASS_OK : allocated;
  memcpy(memory->base + at, "hello", length);
  memcpy(memory->base + out, &at, 4);
  memcpy(memory->base + out + 4, &length, 4);
  return WINDLASS_OK;
}

#ifdef FLAT
static void poke(void *vmctx, void *data) {
  (void)vmctx, (void)data;
  EQUAL(poked(), WINDLASS_OK);
}
static void ask(void *vmctx, void *data, uint32_t out) {
  forbidden_t *f = (forbidden_t *)vmctx;
  uint32_t at = 0;
  windlass_status_t allocated = forbidden_realloc(f, 0, 0, 1, 5, &at);
  (void)data;
  answer(forbidden_memory(f), allocated, at, out);
}
#else
#define CALLEE                                                                 \
  void *vmctx, void *data, const windlass_memory_t *memory, windlass_realloc_t *allocate, int32_t encoding, \
      windlass_val_raw_t *v, size_t count
static windlass_status_t poke(CALLEE) {
  (void)vmctx, (void)data, (void)memory, (void)allocate, (void)encoding, (void)v, (void)count;
  return poked();
}
static windlass_status_t ask(CALLEE) {
  uint32_t at = 0;
  windlass_status_t allocated = allocate(vmctx, 0, 0, 1, 5, &at);
  (void)data, (void)encoding;
  EQUAL(count, 1);
  return answer(memory, allocated, at, v[0].i32);
}
#endif
static void provide(forbidden_imports_t *imports) {
  imports->poke.callee = poke;
  imports->ask.callee = ask;
}
#endif

static forbidden_t *make(const windlass_options_t *options) {
  forbidden_imports_t imports;
  forbidden_t *f = NULL;
  memset(&imports, 0, sizeof imports);
  provide(&imports);
  EQUAL(forbidden_new(&imports, options, &f), WINDLASS_OK);
  return f;
}

/* Nothing that enters the guest, and no end, while a call is active. */
static void busy(forbidden_t *f) {
  EQUAL(call(f), WINDLASS_INSTANCE_BUSY);
  EQUAL(arm(f, true), WINDLASS_INSTANCE_BUSY);
  EQUAL(take(f), WINDLASS_INSTANCE_BUSY);
  EQUAL(give(f), WINDLASS_INSTANCE_BUSY);
  EQUAL(forbidden_delete(f), WINDLASS_INSTANCE_BUSY);
  CHECK(forbidden_last_trap(f) == NULL);
}

typedef windlass_status_t use(forbidden_t *);
static use *const uses[] = {take, take_indirect, give, give_indirect, get, get_indirect};

static void in_host_function(void) {
  forbidden_t *f = inside = make(NULL);
  behavior = come_back, pokes = 0;
  EQUAL(call(f), WINDLASS_OK);
  EQUAL(pokes, 1);
  EQUAL(take(f), WINDLASS_OK);
  EQUAL(forbidden_delete(f), WINDLASS_OK);
}

/* The host is not even called: the guest traps when it tries. */
static void in_guest(void) {
  size_t i;
  for (i = 0; i < sizeof uses / sizeof *uses; i++) {
    forbidden_t *f = inside = make(NULL);
    windlass_status_t status;
    behavior = come_back, pokes = 0;
    EQUAL(uses[i](f), WINDLASS_OK);
    EQUAL(arm(f, true), WINDLASS_OK);
    status = uses[i](f);
#ifdef TYPED
    EQUAL(status, WINDLASS_TRAP_CANNOT_LEAVE_COMPONENT);
#else
    /* The host function has passed the status of the allocator on. */
    EQUAL(status, uses[i] == get || uses[i] == get_indirect ? WINDLASS_TRAP_HOST_FUNCTION_FAILED
                                                            : WINDLASS_TRAP_CANNOT_LEAVE_COMPONENT);
#endif
    EQUAL(pokes, 0);
    CHECK(strstr(forbidden_last_trap(f), "wasm trap: cannot leave component instance\n") != NULL);
    EQUAL(call(f), WINDLASS_INSTANCE_TRAPPED);
    EQUAL(uses[i](f), WINDLASS_INSTANCE_TRAPPED);
    EQUAL(forbidden_delete(f), WINDLASS_OK);
    EQUAL(call(f), WINDLASS_NOT_AN_INSTANCE);
  }
}

#ifdef TYPED
static int hooked;
static bool deletes;

static void *allocate(void *data, size_t size) {
  (void)data;
  hooked++;
  busy(inside);
  return malloc(size);
}
static void release(void *data, void *block, size_t size) {
  (void)data;
  memset(block, 0xa5, size);
  free(block);
  if (deletes) {
    deletes = false;
    EQUAL(forbidden_delete(inside), WINDLASS_OK);
  } else {
    EQUAL(forbidden_delete(inside), WINDLASS_NOT_AN_INSTANCE);
    EQUAL(call(inside), WINDLASS_NOT_AN_INSTANCE);
  }
}

/* The host's allocator belongs to the call; what frees a result may also be the end of its instance. */
static void in_hooks(void) {
  windlass_options_t options = WINDLASS_OPTIONS;
  forbidden_list_string_t texts = {NULL, 0};
  forbidden_string_t one = {NULL, 0};
  options.allocate = allocate;
  options.release = release;
  inside = make(&options);
  hooked = 0;
  EQUAL(forbidden_give(inside, &one), WINDLASS_OK);
  EQUAL(hooked, 1);
  EQUAL(forbidden_texts(inside, &texts), WINDLASS_OK);
  CHECK(texts.len == 2 && texts.ptr[1].len == 400);
  EQUAL(hooked, 3); /* A block for each text. */
  deletes = true;
  EQUAL(forbidden_list_string_drop(inside, &texts), WINDLASS_OK);
  CHECK(!deletes);
  EQUAL(forbidden_string_drop(inside, &one), WINDLASS_NOT_AN_INSTANCE);
}
#else
/* A host function that keeps to itself that the allocator trapped. */
static void concealed(void) {
  forbidden_t *f = make(NULL);
  behavior = tell_nobody, pokes = 0;
  EQUAL(arm(f, true), WINDLASS_OK);
  EQUAL(get(f), WINDLASS_TRAP_HOST_FUNCTION_FAILED);
  EQUAL(pokes, 0);
  EQUAL(call(f), WINDLASS_INSTANCE_TRAPPED);
  EQUAL(forbidden_delete(f), WINDLASS_OK);
}
#endif

static void waiting(void) { EQUAL(call(inside), WINDLASS_OK); }
static void meanwhile(void) { busy(inside); }

/* A call that waits on a stack of its own, for a host on the thread's and for one on a third, lower one. */
static void on_other_stacks(void) {
  char *stacks = (char *)malloc(2 * STACK);
  forbidden_t *other = make(NULL);
  int i;
  CHECK(stacks != NULL);
  for (i = 0; i < 3; i++) {
    inside = make(NULL);
    pokes = 0;
    EQUAL(getcontext(&high), 0);
    high.uc_stack.ss_sp = stacks + STACK, high.uc_stack.ss_size = STACK, high.uc_link = &outside;
    makecontext(&high, waiting, 0);
    behavior = wait;
    EQUAL(swapcontext(&outside, &high), 0);
    EQUAL(pokes, 1);
    EQUAL(call(inside), WINDLASS_INSTANCE_BUSY);
    EQUAL(take(inside), WINDLASS_INSTANCE_BUSY);
    EQUAL(getcontext(&low), 0);
    low.uc_stack.ss_sp = stacks, low.uc_stack.ss_size = STACK, low.uc_link = &outside;
    makecontext(&low, meanwhile, 0);
    EQUAL(swapcontext(&outside, &low), 0);
    /* Another instance has nothing to do with it, though it is called below and above. */
    behavior = tell_nobody;
    EQUAL(call(other), WINDLASS_OK);
    EQUAL(take(other), WINDLASS_OK);
    EQUAL(swapcontext(&outside, &high), 0);
    EQUAL(call(inside), WINDLASS_OK);
    EQUAL(take(inside), WINDLASS_OK);
    EQUAL(forbidden_delete(inside), WINDLASS_OK);
  }
  EQUAL(forbidden_delete(other), WINDLASS_OK);
  free(stacks);
}

int main(void) {
  in_host_function();
  in_guest();
#ifdef TYPED
  in_hooks();
#else
  concealed();
#endif
  on_other_stacks();
  puts("ok");
  return 0;
}
