/* Many instances on many threads, with traps by turns; stacks of many sizes; faults that are the host's own. */
#define _GNU_SOURCE
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>
#include "host_of_walk.h"

/* A host function that leaves its work to another thread, whose stack is anywhere. */
static _Thread_local int hands_over;
static void *on_a_thread(void *(*function)(void *), void *argument, size_t stack_size);
static void *allocate(void *argument) {
  uint32_t at = 0;
  EQUAL(walk_realloc((walk_t *)argument, 0, 0, 1, 16, &at), 0);
  return NULL;
}
static void visited(walk_t *walk) {
  if (!hands_over) return;
  on_a_thread(allocate, walk, 1024 * 1024);
  allocate(walk);
}

enum { UNREACHABLE, LOAD, DIVIDE, TABLE, FLOAT, FILL, RECURSE, STORE };
static const struct { uint32_t value; windlass_status_t status; } traps[] = {
    {0, WINDLASS_TRAP_UNREACHABLE},      {0xfffffff0u, WINDLASS_TRAP_MEMORY_OUT_OF_BOUNDS},
    {0, WINDLASS_TRAP_INTEGER_DIVIDE_BY_ZERO}, {3, WINDLASS_TRAP_UNINITIALIZED_ELEMENT},
    {1, WINDLASS_TRAP_INTEGER_OVERFLOW}, {100, WINDLASS_TRAP_MEMORY_OUT_OF_BOUNDS},
    {0, WINDLASS_TRAP_STACK_EXHAUSTED},  {0x80000000u, WINDLASS_TRAP_MEMORY_OUT_OF_BOUNDS}};

static windlass_status_t trap(walk_t *walk, uint32_t how, uint32_t value) {
  windlass_val_raw_t v[2];
  v[0].i32 = how;
  v[1].i32 = value;
  return walk_trap(walk, v, 2);
}

static uint32_t walked(walk_t *walk, uint32_t n) {
  windlass_val_raw_t v[1];
  v[0].i32 = n;
  EQUAL(walk_walk(walk, v, 1), 0);
  return v[0].i32;
}

static void *on_a_thread(void *(*function)(void *), void *argument, size_t stack_size) {
  pthread_attr_t attributes;
  pthread_t thread;
  void *result;
  EQUAL(pthread_attr_init(&attributes), 0);
  if (stack_size != 0) EQUAL(pthread_attr_setstacksize(&attributes, stack_size), 0);
  EQUAL(pthread_create(&thread, &attributes, function, argument), 0);
  EQUAL(pthread_join(thread, &result), 0);
  pthread_attr_destroy(&attributes);
  return result;
}

/* Instances on four threads at once. */
static void *work(void *argument) {
  uint32_t seed = (uint32_t)(size_t)argument, round;
  for (round = 0; round < 60; round++) {
    uint32_t how = (seed + round) % 8;
    walk_t *first = make_walk(0), *second = make_walk(256 * 1024);
    EQUAL(walked(first, seed + round), expected_walk(seed + round));
    EQUAL(trap(second, how, traps[how].value), traps[how].status);
    CHECK(strstr(walk_last_trap(second), "walk/m::trap") != NULL || how == RECURSE);
    EQUAL(walked(first, round), expected_walk(round));
    EQUAL(trap(second, 0, 0), WINDLASS_INSTANCE_TRAPPED);
    walk_delete(second);
    walk_delete(first);
  }
  return NULL;
}

static void many(void) {
  pthread_t threads[4];
  size_t i;
  for (i = 0; i < 4; i++) EQUAL(pthread_create(&threads[i], NULL, work, (void *)(i * 1000)), 0);
  for (i = 0; i < 4; i++) EQUAL(pthread_join(threads[i], NULL), 0);
}

/* An instance that wanders: each thread has another stack. */
static void *recurse(void *argument) {
  walk_t *walk = (walk_t *)argument;
  EQUAL(walked(walk, 9), expected_walk(9));
  return NULL;
}

static void *hand_over(void *argument) {
  walk_t *walk = make_walk(256 * 1024);
  int i;
  (void)argument;
  hands_over = 1;
  for (i = 0; i < 3; i++) EQUAL(walked(walk, 9), expected_walk(9));
  walk_delete(walk);
  return NULL;
}

static size_t stack_size, budget;
static void *overflow(void *argument) {
  int how = (int)(size_t)argument;
  walk_t *walk = make_walk(budget);
  windlass_status_t status = trap(walk, (uint32_t)how, traps[how].value);
  if (budget < 40 * 1024) EQUAL(status, WINDLASS_TRAP_STACK_EXHAUSTED);
  else EQUAL(status, traps[how].status);
  CHECK(strstr(walk_last_trap(walk), "wasm trap: ") != NULL);
  walk_delete(walk);
  return NULL;
}

static void small_stacks(void) {
  walk_t *walk = make_walk(64 * 1024);
  int i, how;
  for (i = 0; i < 4; i++) on_a_thread(recurse, walk, i % 2 == 0 ? 0 : 128 * 1024);
  walk_delete(walk);
  for (stack_size = (size_t)PTHREAD_STACK_MIN; stack_size <= 2048 * 1024; stack_size *= 2) {
    budget = stack_size < 64 * 1024 ? 1 : stack_size - 12 * 1024; /* The thread itself needs some. */
    for (how = 0; how < 8; how++) on_a_thread(overflow, (void *)(size_t)how, stack_size);
  }
}

/* Faults of the host, on a thread beside wasm code that runs and faults. */
static _Thread_local sigjmp_buf back;
static _Thread_local volatile int host_faults;
static struct sigaction before;

static void on_fault_info(int number, siginfo_t *info, void *context) {
  (void)context;
  CHECK(number == SIGSEGV && info->si_addr == (void *)0x40);
  host_faults++;
  siglongjmp(back, 1);
}
static void on_fault(int number) {
  CHECK(number == SIGSEGV);
  host_faults++;
  siglongjmp(back, 1);
}
/* A handler that was installed after ours: what is not its own it passes on. */
static void on_fault_first(int number, siginfo_t *info, void *context) {
  if (info->si_addr == (void *)0x40) on_fault_info(number, info, context);
  before.sa_sigaction(number, info, context);
}

static atomic_int stop;
static __attribute__((noinline)) void fault_once(void) {
  if (sigsetjmp(back, 1) != 0) return;
  *(volatile int *)0x40 = 1;
  CHECK(0);
}
static void *fault_often(void *argument) {
  int i;
  void *stack = NULL;
  if (argument != NULL) {
    stack_t alternative;
    memset(&alternative, 0, sizeof alternative);
    alternative.ss_size = 64 * 1024;
    alternative.ss_sp = stack = malloc(alternative.ss_size);
    EQUAL(sigaltstack(&alternative, NULL), 0);
  }
  for (i = 0; i < 300; i++) fault_once();
  EQUAL(host_faults, 300);
  if (stack != NULL) {
    stack_t none;
    memset(&none, 0, sizeof none);
    none.ss_flags = SS_DISABLE;
    EQUAL(sigaltstack(&none, NULL), 0);
    free(stack);
  }
  return NULL;
}

static void *fault_in_wasm(void *argument) {
  uint32_t i = 0;
  (void)argument;
  while (!atomic_load(&stop)) {
    walk_t *walk = make_walk(0);
    EQUAL(walked(walk, 1), expected_walk(1));
    EQUAL(trap(walk, LOAD, 0x10000u + (i++ << 12)), WINDLASS_TRAP_MEMORY_OUT_OF_BOUNDS);
    walk_delete(walk);
  }
  return NULL;
}

static void faults(const char *how) {
  struct sigaction action;
  walk_t *walk = NULL;
  pthread_t guest, host, with_stack;
  memset(&action, 0, sizeof action);
  if (strcmp(how, "after") == 0) walk = make_walk(0);
  if (strcmp(how, "plain") == 0) action.sa_handler = on_fault;
  else action.sa_sigaction = walk != NULL ? on_fault_first : on_fault_info, action.sa_flags = SA_SIGINFO;
  action.sa_flags |= SA_ONSTACK;
  EQUAL(sigaction(SIGSEGV, &action, &before), 0);
  if (walk != NULL) CHECK((before.sa_flags & SA_SIGINFO) != 0);
  else walk = make_walk(0);
  EQUAL(pthread_create(&guest, NULL, fault_in_wasm, NULL), 0);
  EQUAL(pthread_create(&host, NULL, fault_often, NULL), 0);
  EQUAL(pthread_create(&with_stack, NULL, fault_often, (void *)1), 0);
  EQUAL(pthread_join(host, NULL), 0);
  EQUAL(pthread_join(with_stack, NULL), 0);
  atomic_store(&stop, 1);
  EQUAL(pthread_join(guest, NULL), 0);
  EQUAL(walked(walk, 2), expected_walk(2));
  EQUAL(trap(walk, STORE, 0x10000), WINDLASS_TRAP_MEMORY_OUT_OF_BOUNDS);
  walk_delete(walk);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  if (strcmp(argv[1], "many") == 0) many();
  else if (strcmp(argv[1], "small") == 0) small_stacks();
  else if (strcmp(argv[1], "stacks") == 0) hand_over(NULL), on_a_thread(hand_over, NULL, 0);
  else faults(argv[1]);
  printf("ok\n");
  return 0;
}
