// A C++ exception leaves a host function through the guest's frames. FLAT: host ABI `flat`.
#include <stdexcept>
#include <string>
#include "host_of_walk.h"

static bool throws;
static int depth, destroyed;

struct Guard {
  ~Guard() { destroyed++; }
};

static void visited(walk_t *walk) {
  windlass_val_raw_t v[1];
  Guard guard;
  // The instance is active: its exports can't be entered.
  EQUAL(walk_walk(walk, v, 1), WINDLASS_INSTANCE_BUSY);
  if (throws) throw std::runtime_error("from the host, depth " + std::to_string(depth));
}

static uint32_t call_walk(walk_t *walk, uint32_t n, windlass_status_t expected) {
  windlass_val_raw_t v[1];
  v[0].i32 = n;
  Guard guard;
  EQUAL(walk_walk(walk, v, 1), expected);
  return v[0].i32;
}

static void refuses(walk_t *walk) {
  windlass_val_raw_t v[2];
  memset(v, 0, sizeof v);
  EQUAL(walk_walk(walk, v, 1), WINDLASS_INSTANCE_BUSY);
  EQUAL(walk_trap(walk, v, 2), WINDLASS_INSTANCE_BUSY);
  CHECK(walk_last_trap(walk) == NULL);
  EQUAL(walk_delete(walk), WINDLASS_OK);
}

int main() {
  for (int round = 0; round < 100; round++) {
    walk_t *walk = make_walk(0);
    walk_t *bystander = make_walk(0);
    EQUAL(call_walk(walk, 5, 0), expected_walk(5));
    throws = true;
    depth = round;
    destroyed = 0;
    bool caught = false;
    try {
      call_walk(walk, 6, 0);
    } catch (const std::runtime_error &error) {
      caught = error.what() == "from the host, depth " + std::to_string(round);
    }
    CHECK(caught);
    EQUAL(destroyed, 2);
    throws = false;
    refuses(walk);
    EQUAL(call_walk(bystander, 7, 0), expected_walk(7));
    EQUAL(walk_delete(bystander), WINDLASS_OK);
    walk = make_walk(0);
    EQUAL(call_walk(walk, 8, 0), expected_walk(8));
    EQUAL(walk_delete(walk), WINDLASS_OK);
  }
  printf("ok\n");
  return 0;
}
