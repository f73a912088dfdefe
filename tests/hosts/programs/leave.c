/* longjmp and pthread_exit leave a host function through the guest's frames. FLAT: host ABI `flat`. */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include "host_of_walk.h"

static _Thread_local int leaving;
static _Thread_local jmp_buf back;
static int cleaned;

static void visited(walk_t *walk) {
  (void)walk;
  if (leaving == 1) longjmp(back, 1);
  if (leaving == 2) pthread_exit((void *)&cleaned);
}

static windlass_status_t call(walk_t *walk, uint32_t n, uint32_t *result) {
  windlass_val_raw_t v[1];
  windlass_status_t status;
  v[0].i32 = n;
  status = walk_walk(walk, v, 1);
  *result = v[0].i32;
  return status;
}

static void clean(void *argument) { ++*(int *)argument; }

static void *run(void *argument) {
  uint32_t result;
  pthread_cleanup_push(clean, &cleaned);
  leaving = 2;
  call((walk_t *)argument, 3, &result);
  pthread_cleanup_pop(0);
  return NULL;
}

int main(void) {
  uint32_t result, at = 0;
  volatile int round;
  for (round = 0; round < 100; round++) {
    walk_t *volatile walk = make_walk(0);
    pthread_t thread;
    void *value = NULL;
    leaving = 1;
    if (setjmp(back) == 0) {
      call(walk, 3, &result);
      CHECK(0);
    }
    leaving = 0;
    EQUAL(call(walk, 3, &result), WINDLASS_INSTANCE_BUSY);
    EQUAL(walk_realloc(walk, 0, 0, 1, 1, &at), 0); /* The guest itself is as it was. */
    EQUAL(walk_delete(walk), WINDLASS_OK);

    walk = make_walk(0);
    cleaned = 0;
    EQUAL(pthread_create(&thread, NULL, run, walk), 0);
    EQUAL(pthread_join(thread, &value), 0);
    CHECK(value == (void *)&cleaned && cleaned == 1);
    EQUAL(call(walk, 3, &result), WINDLASS_INSTANCE_BUSY);
    EQUAL(walk_delete(walk), WINDLASS_OK);

    walk = make_walk(0);
    EQUAL(call(walk, 3, &result), 0);
    EQUAL(result, expected_walk(3));
    EQUAL(walk_delete(walk), WINDLASS_OK);
  }
  printf("ok\n");
  return 0;
}
