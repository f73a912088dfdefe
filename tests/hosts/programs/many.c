/* Instances by the thousand: what they take is what the options say, and nothing of it is left behind. */
#define _GNU_SOURCE
#include "pool.h"

#include "check.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

static pool_t *make(const windlass_options_t *options) {
  pool_t *pool = NULL;
  EQUAL(pool_new(NULL, options, &pool), WINDLASS_OK);
  CHECK(pool != NULL);
  return pool;
}

static void use(pool_t *pool, uint32_t at) {
  uint32_t r = 0;
  EQUAL(pool_touch(pool, at, &r), WINDLASS_OK);
  EQUAL(r, 0x61746164);
  EQUAL(pool_by_table(pool, at, &r), WINDLASS_OK);
}

static int mappings(void) {
  FILE *maps = fopen("/proc/self/maps", "r");
  int lines = 0, c;
  CHECK(maps != NULL);
  while ((c = getc(maps)) != EOF) lines += c == '\n';
  fclose(maps);
  return lines;
}

/* Pages in memory. */
static long resident(void) {
  FILE *statm = fopen("/proc/self/statm", "r");
  long size = 0, pages = 0;
  CHECK(statm != NULL && fscanf(statm, "%ld %ld", &size, &pages) == 2);
  fclose(statm);
  return pages;
}

static void cycles(int count) {
  int before, i;
  long pages;
  pool_delete(make(NULL));
  before = mappings();
  pages = resident();
  for (i = 0; i < count; i++) {
    pool_t *pool = make(NULL);
    uint32_t r = 0;
    use(pool, 4096u * (uint32_t)(i % 32));
    if (i % 7 == 0) EQUAL(pool_fail(pool, &r), WINDLASS_TRAP_UNREACHABLE);
    if (i % 11 == 0) EQUAL(pool_grow(pool, 50, &r), i % 7 == 0 ? WINDLASS_INSTANCE_TRAPPED : WINDLASS_OK);
    pool_delete(pool);
  }
  EQUAL(mappings(), before);
  CHECK(resident() < pages + 64);
}

/* Many at once, deleted in another order, by other threads than made them. */
enum { THREADS = 4, ROUNDS = 20, SLOTS = 32 };
static pool_t *slots[SLOTS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int rounds;

static void *churn(void *argument) {
  uint32_t random = (uint32_t)(size_t)argument * 2654435761u + 1;
  int i;
  for (i = 0; i < rounds; i++) {
    pool_t *mine = make(NULL), *old;
    random = random * 1664525u + 1013904223u;
    use(mine, (random % 65536) | 64);
    EQUAL(pthread_mutex_lock(&lock), 0);
    old = slots[random >> 27];
    slots[random >> 27] = mine;
    EQUAL(pthread_mutex_unlock(&lock), 0);
    if (old != NULL) {
      uint32_t r = 0;
      use(old, 64);
      if ((random & 256) != 0) EQUAL(pool_fail(old, &r), WINDLASS_TRAP_UNREACHABLE);
      pool_delete(old);
    }
  }
  return NULL;
}

static void threads(int count) {
  pthread_t all[THREADS];
  int before, i;
  pool_delete(make(NULL));
  before = mappings();
  rounds = count;
  for (i = 0; i < THREADS; i++) EQUAL(pthread_create(&all[i], NULL, churn, (void *)(size_t)(i + 1)), 0);
  for (i = 0; i < THREADS; i++) EQUAL(pthread_join(all[i], NULL), 0);
  for (i = 0; i < SLOTS; i++) pool_delete(slots[i]);
  /* Stacks and arenas of the threads may stay; a tool has its own. */
  if (count != ROUNDS) CHECK(mappings() < before + 4 * THREADS);
}

static void limits(void) {
  windlass_options_t options = WINDLASS_OPTIONS;
  pool_t *pool;
  uint32_t r = 0;
  EQUAL(options.size, sizeof options);
  options.memory_limit = 2 * 65536 - 1;
  EQUAL(pool_new(NULL, &options, &pool), WINDLASS_LIMIT_EXCEEDED);
  CHECK(pool == NULL);
  options.memory_limit = 2 * 65536;
  pool = make(&options);
  EQUAL(pool_grow(pool, 1, &r), WINDLASS_OK);
  EQUAL(r, 0xffffffff);
  EQUAL(pool_grow(pool, 0, &r), WINDLASS_OK);
  EQUAL(r, 2);
  pool_delete(pool);
  options.memory_limit = 5 * 65536 + 100;
  options.table_limit = 10;
  pool = make(&options);
  EQUAL(pool_grow(pool, 4, &r), WINDLASS_OK);
  EQUAL(r, 0xffffffff);
  EQUAL(pool_grow(pool, 2, &r), WINDLASS_OK);
  EQUAL(r, 2);
  EQUAL(pool_memory_grow(pool, 1), 4);
  EQUAL(pool_memory_grow(pool, 1), UINT64_MAX);
  EQUAL(pool_memory(pool)->length, 5 * 65536);
  EQUAL(pool_grow_table(pool, 4, &r), WINDLASS_OK);
  EQUAL(r, 0xffffffff);
  EQUAL(pool_grow_table(pool, 3, &r), WINDLASS_OK);
  EQUAL(r, 3);
  EQUAL(pool_table_grow(pool, 1, NULL), UINT64_MAX);
  pool_delete(pool);
  options.table_limit = 6;
  EQUAL(pool_new(NULL, &options, &pool), WINDLASS_LIMIT_EXCEEDED);
  options.table_limit = 0;
  options.stack_budget = 64 * 1024;
  pool = make(&options);
  EQUAL(pool_deep(pool, 100, &r), WINDLASS_OK);
  EQUAL(r, 100);
  EQUAL(pool_deep(pool, 100000, &r), WINDLASS_TRAP_STACK_EXHAUSTED);
  pool_delete(pool);
}

/* An older header's structure, a newer one's, and what is none. */
static void versions(void) {
  union {
    windlass_options_t options;
    unsigned char bytes[sizeof(windlass_options_t) + 32];
  } u;
  pool_t *pool = NULL;
  uint32_t r = 0;
  memset(&u, 0, sizeof u);
  EQUAL(pool_new(NULL, &u.options, &pool), WINDLASS_INVALID_ARGUMENT);
  u.options.size = 24;
  u.options.memory_limit = 1;
  u.options.map = (void *(*)(void *, size_t))1;
  pool = make(&u.options);
  EQUAL(pool_grow(pool, 1, &r), WINDLASS_OK);
  EQUAL(r, 2);
  pool_delete(pool);
  u.options.size = sizeof u;
  u.options.memory_limit = 0;
  u.options.map = NULL;
  pool_delete(make(&u.options));
  u.bytes[sizeof u - 1] = 1;
  EQUAL(pool_new(NULL, &u.options, &pool), WINDLASS_INVALID_ARGUMENT);
  u.options.size = (size_t)-1;
  EQUAL(pool_new(NULL, &u.options, &pool), WINDLASS_INVALID_ARGUMENT);
}

/* A host that keeps regions for the next instance. */
struct cache {
  void *free;
  size_t size;
  int maps, unmaps, refuse;
};
static void *map(void *data, size_t size) {
  struct cache *cache = (struct cache *)data;
  void *region = cache->free;
  cache->maps++;
  if (cache->refuse) return cache->refuse == 1 ? NULL : (char *)region + 8;
  cache->free = NULL;
  if (region != NULL && cache->size == size) return region;
  region = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return region == MAP_FAILED ? NULL : region;
}
static void unmap(void *data, void *region, size_t size) {
  struct cache *cache = (struct cache *)data;
  cache->unmaps++;
  if (cache->refuse) return;
  CHECK(cache->free == NULL);
  EQUAL(mprotect(region, size, PROT_NONE), 0);
  EQUAL(madvise(region, size, MADV_DONTNEED), 0);
  cache->free = region;
  cache->size = size;
}

static void hooks(void) {
  struct cache cache = {NULL, 0, 0, 0, 0};
  windlass_options_t options = WINDLASS_OPTIONS;
  pool_t *pool, *first = NULL;
  int i;
  options.map = map;
  EQUAL(pool_new(NULL, &options, &pool), WINDLASS_INVALID_ARGUMENT);
  options.unmap = unmap;
  options.allocate = map;
  EQUAL(pool_new(NULL, &options, &pool), WINDLASS_INVALID_ARGUMENT);
  options.allocate = NULL;
  options.hook_data = &cache;
  for (i = 0; i < 100; i++) {
    uint32_t r = 0;
    pool = make(&options);
    if (first == NULL) first = pool;
    CHECK(pool == first);
    use(pool, 65536);
    EQUAL(pool_memory(pool)->base[100], 0);
    pool_memory(pool)->base[100] = 1;
    EQUAL(pool_grow(pool, 20, &r), WINDLASS_OK);
    EQUAL(r, 2);
    pool_delete(pool);
  }
  EQUAL(cache.maps, 100);
  EQUAL(cache.unmaps, 100);
  cache.refuse = 1;
  EQUAL(pool_new(NULL, &options, &pool), WINDLASS_OUT_OF_MEMORY);
  EQUAL(cache.unmaps, 100);
  cache.refuse = 2;
  EQUAL(pool_new(NULL, &options, &pool), WINDLASS_INVALID_ARGUMENT);
  EQUAL(cache.unmaps, 101);
  EQUAL(munmap(cache.free, cache.size), 0);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  if (strcmp(what, "cycles") == 0) cycles(10000);
  else if (strcmp(what, "some") == 0) cycles(500);
  else if (strcmp(what, "threads") == 0) threads(300);
  else if (strcmp(what, "limits") == 0) limits();
  else if (strcmp(what, "versions") == 0) versions();
  else if (strcmp(what, "hooks") == 0) hooks();
  else {
    /* Under a tool that watches every step. */
    threads(ROUNDS);
    limits();
    versions();
  }
  puts("ok");
  return 0;
}
