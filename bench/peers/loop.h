/* The loop of a kernel that is linked into a C program (see `bench/peers.ts` for the protocol): a line in, time and result out. */
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>
#include <stdio.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int serve(int32_t (*run)(int32_t)) {
  char line[16];
  puts("ready");
  fflush(stdout);
  while (fgets(line, sizeof line, stdin) != NULL) {
    double start = now();
    int32_t result = run(SIZE);
    printf("%.6f %d\n", now() - start, (int)result);
    fflush(stdout);
  }
  return 0;
}
