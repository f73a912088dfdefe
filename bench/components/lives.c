/* Instances a second, and bytes in memory of each while many live. Prints both. */
#define _POSIX_C_SOURCE 200809L
#include "lives.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 7, CYCLES = 2000, LIVING = 1000 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double resident(void) {
  FILE *statm = fopen("/proc/self/statm", "r");
  long size, pages;
  if (statm == NULL || fscanf(statm, "%ld %ld", &size, &pages) != 2) exit(1);
  fclose(statm);
  return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static lives_t *make(void) {
  lives_t *instance;
  uint32_t r;
  if (lives_new(NULL, NULL, &instance) != 0 || lives_touch(instance, 1024, &r) != 0 || r == 0) exit(1);
  return instance;
}

int main(void) {
  static lives_t *all[LIVING];
  double best = 0, before;
  for (int round = 0; round < ROUNDS; round++) {
    double start = now(), rate;
    for (int i = 0; i < CYCLES; i++) lives_delete(make());
    rate = CYCLES / (now() - start);
    if (rate > best) best = rate;
  }
  before = resident();
  for (int i = 0; i < LIVING; i++) all[i] = make();
  printf("%f %f\n", best, (resident() - before) / LIVING);
  for (int i = 0; i < LIVING; i++) lives_delete(all[i]);
  return 0;
}
