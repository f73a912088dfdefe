// The header's classes for C++17: calls both ways, who owns what, moves, refusals, traps. -DPLAIN: without exceptions.
#include "check.h"
#include "forward.h"
#include "handles.h"

#include <array>
#include <string>
#include <type_traits>
#include <vector>

namespace fw = windlass::forward;
namespace hd = windlass::handles;

static_assert(!std::is_copy_constructible_v<fw::instance> && std::is_nothrow_move_constructible_v<fw::instance>);
static_assert(!std::is_copy_assignable_v<hd::counters_counter> && std::is_nothrow_move_assignable_v<hd::counters_counter>);
static_assert(!std::is_copy_constructible_v<hd::owned_counters_parts>);

namespace {

class host : public fw::imports {
 public:
  int calls = 0;
  std::string kept;

  windlass::result<forward_host_every_t> host_all(windlass_call_t &call, const forward_host_every_t &v) override {
    calls++;
    CHECK(call.instance != nullptr);
    if (v.extra == 1) return windlass::failure{9};
#ifndef PLAIN
    if (v.extra == 2) throw std::string("through the guest");
#endif
    return v;
  }
  windlass::result<forward_host_blend_t> host_mixed(windlass_call_t &, const forward_host_blend_t &v) override {
    kept = std::string(windlass::view(v.val.text)) + "!";
    forward_host_blend_t out = v;
    out.val.text = {kept.data(), kept.size()};
    return out;
  }
  windlass::result<uint64_t> host_many(windlass_call_t &, uint8_t a, float b, std::string_view c, int64_t d, windlass::span<uint16_t> e,
                                       bool f, double g, int8_t h) override {
    uint64_t sum = 0;
    for (const uint16_t n : e) sum += n;
    CHECK(a == 1 && b > 1.9f && d == -3 && f && g > 3.9 && h == -5 && e.empty() == (e.size() == 0));
    return sum + c.size();
  }
};

struct file {
  uint32_t size;
  bool open;
};

class files : public hd::imports {
 public:
  std::array<file, 2> all{{{100, true}, {20, true}}};
  int dropped = 0;

  windlass::result<handles_files_file_t> files_open(windlass_call_t &, std::string_view name) override {
    if (name.size() != 1 || name[0] < '0' || name[0] > '1') return windlass::failure{7};
    return &all[static_cast<size_t>(name[0] - '0')];
  }
  windlass::result<uint32_t> files_method_file_size(windlass_call_t &, handles_files_file_t self) override {
    return static_cast<file *>(self)->size;
  }
  windlass::result<void> files_close_all(windlass_call_t &, windlass::span<handles_files_file_t> list) override {
    for (void *f : list) static_cast<file *>(f)->open = false;
    return {};
  }
  void files_file_drop(void *) override { dropped++; }
};

void values() {
  host h;
  auto made = fw::instance::create(h);
  CHECK(made && made.status() == WINDLASS_OK);
  fw::instance instance = std::move(*made);
  CHECK(!*made && instance);

  const std::vector<uint16_t> list = {1, 2, 3};
  EQUAL(*instance.many(1, 2, "four", -3, list, true, 4, -5), 10);
  const uint16_t array[] = {7, 8};
  EQUAL(*instance.many(1, 2, std::string("x"), -3, array, true, 4, -5), 16);
  EQUAL(*instance.many(1, 2, {}, -3, {}, true, 4, -5), 0);
  EQUAL(instance.many(1, 2, "\xff", -3, {}, true, 4, -5).status(), WINDLASS_INVALID_UTF8);

  forward_host_blend_t blend{};
  blend.tag = FORWARD_HOST_BLEND_TEXT;
  blend.val.text = {"hi", 2};
  {
    auto answer = instance.mixed(blend);
    CHECK(answer && windlass::view((*answer)->val.text) == "hi!");
    auto moved = std::move(*answer);
    CHECK((*answer)->val.text.ptr == nullptr && windlass::view(moved->val.text) == "hi!");
    // What it had is freed with `answer`.
    auto other = instance.mixed(blend);
    moved = std::move(*other);
    CHECK(windlass::view(moved->val.text) == "hi!");
  }

  forward_host_shape_t shapes[2]{};
  forward_host_every_t every{};
  every.letter = 'x';
  every.shapes = {shapes, 2};
  every.extra = 5;
  auto copy = instance.all(every);
  CHECK(copy && (*copy)->extra == 5 && windlass::view((*copy)->shapes).size() == 2);
  every.color = 9;
  EQUAL(instance.all(every).status(), WINDLASS_INVALID_DISCRIMINANT);
  every.color = 0;
#ifndef PLAIN
  bool caught = false;
  try {
    every.letter = 0xd800;
    static_cast<void>(instance.all(every).value());
  } catch (const windlass::error &e) {
    caught = e.status() == WINDLASS_INVALID_CHAR && e.what() == windlass_status_text(WINDLASS_INVALID_CHAR);
  }
  CHECK(caught);
  caught = false;
  every.letter = 'x';
  every.extra = 2;
  try {
    static_cast<void>(instance.all(every));
  } catch (const std::string &s) {
    caught = s == "through the guest";
  }
  CHECK(caught);
  EQUAL(instance.all(every).status(), WINDLASS_INSTANCE_BUSY);
  instance = std::move(*fw::instance::create(h));
#endif
  CHECK(instance.last_trap() == nullptr);
  every.extra = 1;
  auto failed = instance.all(every);
  EQUAL(failed.status(), WINDLASS_TRAP_HOST_FUNCTION_FAILED);
  CHECK(failed.message() == windlass_status_text(failed.status()) && strstr(instance.last_trap(), "status 9") != nullptr);
  EQUAL(instance.all(every).status(), WINDLASS_INSTANCE_TRAPPED);
}

uint32_t destroyed(const hd::instance &in) { return *in.counters_destroyed(); }

void resources() {
  files f;
  const hd::instance in = std::move(*hd::instance::create(f));
  {
    hd::counters_counter c = *hd::counters_counter::create(in, 5);
    CHECK(c);
    EQUAL(*c.add(10), 15);
    EQUAL(*c.label("two"), 18);
    const hd::counters_counter moved = std::move(c);
    CHECK(!c && moved);
    EQUAL(c.add(1).status(), WINDLASS_INVALID_HANDLE);
    const handles_counters_counter_t both[] = {moved.get(), moved.get()};
    EQUAL(*in.counters_sum(both), 30);
    EQUAL(destroyed(in), 0);
  }
  EQUAL(destroyed(in), 15);

  hd::counters_counter a = *hd::counters_counter::create(in, 1), b = *hd::counters_counter::create(in, 2);
  a = std::move(b);
  CHECK(a && b);
  // A call that is refused takes nothing; one that takes place takes them even if it fails.
  hd::counters_counter none;
  EQUAL(in.counters_merge(std::move(a), std::move(none)).status(), WINDLASS_INVALID_HANDLE);
  CHECK(a);
  EQUAL(*in.counters_merge(std::move(a), std::move(b)), 3);
  CHECK(!a && !b);
  EQUAL(destroyed(in), 18);
  {
    hd::counters_counter d = *hd::counters_counter::create(in, 4);
    EQUAL(in.counters_split(std::move(d), "\xff").status(), WINDLASS_INVALID_UTF8);
    CHECK(d);
    auto parts = in.counters_split(std::move(d), "parts");
    CHECK(parts && !d);
    // Handles in a result are to be taken over.
    const hd::counters_counter first(in.get(), (*parts)->first);
    std::vector<hd::counters_counter> rest;
    for (const handles_counters_counter_t handle : windlass::view((*parts)->rest)) rest.emplace_back(in.get(), handle);
    EQUAL(rest.size(), 2);
    EQUAL(*first.add(0), 4);
    EQUAL(*rest[1].add(0), 2);
  }
  EQUAL(destroyed(in), 18 + 4 + 4 + 1 + 2);

  EQUAL(*in.counters_size_of("0", &f.all[1]), 120);
  EQUAL(f.dropped, 1);
  CHECK(in.counters_close(&f.all[0], &f.all[1]) && !f.all[0].open && !f.all[1].open);
  EQUAL(in.counters_size_of("9", &f.all[1]).status(), WINDLASS_TRAP_HOST_FUNCTION_FAILED);
}

}  // namespace

int main() {
  values();
  resources();
  CHECK(!hd::instance().counters_destroyed() && hd::instance().counters_destroyed().status() == WINDLASS_NOT_AN_INSTANCE);
  printf("ok\n");
}
