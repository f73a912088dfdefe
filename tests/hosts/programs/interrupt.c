/* A guest that does not end is stopped: from another thread, from a signal handler, from a host function. */
#define _GNU_SOURCE
#include "greeter.h"
#include "spin.h"

#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

static spin_t *running;

static windlass_status_t wait_here(void *data, spin_t *spin) {
  (void)data;
  if (running == NULL) spin_interrupt(spin);
  return WINDLASS_OK;
}

static spin_t *make(void) {
  spin_imports_t imports;
  spin_t *spin = NULL;
  memset(&imports, 0, sizeof imports);
  imports.env.wait = wait_here;
  EQUAL(spin_new(&imports, NULL, &spin), WINDLASS_OK);
  return spin;
}

static windlass_status_t run(spin_t *spin, int how) {
  uint64_t wide;
  uint32_t r;
  switch (how) {
    case 0: return spin_forever(spin);
    case 1: return spin_counting(spin, &wide);
    case 2: return spin_nested(spin, 8, &r);
    case 3: return spin_tail(spin, 1, &r);
    case 4: return spin_by_table(spin, 1, &r);
    default: return spin_host(spin);
  }
}

static void *interrupt_soon(void *spin) {
  usleep(10000);
  spin_interrupt((spin_t *)spin);
  return NULL;
}

static void on_alarm(int number) {
  (void)number;
  spin_interrupt(running);
}

static void stopped(spin_t *spin, windlass_status_t status) {
  uint32_t r = 0;
  EQUAL(status, WINDLASS_TRAP_INTERRUPTED);
  CHECK(strncmp(spin_last_trap(spin), "wasm trap: interrupted\nwasm backtrace:\n    0: spin/spin::", 57) == 0);
  spin_interrupt_clear(spin);
  EQUAL(spin_leaf(spin, 1, &r), WINDLASS_INSTANCE_TRAPPED);
  spin_delete(spin);
}

int main(void) {
  struct sigaction action;
  struct itimerval timer = {{0, 0}, {0, 10000}};
  windlass_val_raw_t v[2];
  greeter_t *greeter = NULL;
  spin_t *spin;
  uint32_t r = 0;
  int how;

  for (how = 0; how < 6; how++) {
    pthread_t thread;
    windlass_status_t status;
    spin = running = make();
    /* Where the machine is busy, the request may come before the call: then it is made again. */
    do {
      spin_interrupt_clear(spin);
      EQUAL(pthread_create(&thread, NULL, interrupt_soon, spin), 0);
      status = run(spin, how);
      EQUAL(pthread_join(thread, NULL), 0);
    } while (status == WINDLASS_INTERRUPT_PENDING);
    stopped(spin, status);
  }

  memset(&action, 0, sizeof action);
  action.sa_handler = on_alarm;
  EQUAL(sigaction(SIGALRM, &action, NULL), 0);
  for (how = 0; how < 6; how++) {
    windlass_status_t status;
    spin = running = make();
    do {
      spin_interrupt_clear(spin);
      EQUAL(setitimer(ITIMER_REAL, &timer, NULL), 0);
      status = run(spin, how);
    } while (status == WINDLASS_INTERRUPT_PENDING);
    stopped(spin, status);
  }

  /* From inside: the host function returns, and the guest goes no further. */
  running = NULL;
  spin = make();
  stopped(spin, spin_host(spin));

  /* Between calls nothing is lost: the call is refused, and can be made again. */
  spin = make();
  EQUAL(spin_sum(spin, 10, &r), WINDLASS_OK);
  EQUAL(r, 55);
  spin_interrupt(spin);
  EQUAL(spin_sum(spin, 10, &r), WINDLASS_INTERRUPT_PENDING);
  EQUAL(spin_leaf(spin, 10, &r), WINDLASS_INTERRUPT_PENDING);
  CHECK(spin_last_trap(spin) == NULL);
  spin_interrupt_clear(spin);
  EQUAL(spin_sum(spin, 100, &r), WINDLASS_OK);
  EQUAL(r, 5050);
  spin_interrupt(spin);
  spin_delete(spin);
  spin_interrupt(NULL);
  spin_interrupt_clear(NULL);

  EQUAL(greeter_new(NULL, NULL, &greeter), WINDLASS_OK);
  v[0].i32 = 6, v[1].i32 = 3;
  greeter_interrupt(greeter);
  EQUAL(greeter_divide(greeter, v, 2), WINDLASS_INTERRUPT_PENDING);
  greeter_interrupt_clear(greeter);
  EQUAL(greeter_divide(greeter, v, 2), WINDLASS_OK);
  EQUAL(v[0].i32, 2);
  greeter_delete(greeter);
  puts("ok");
  return 0;
}
