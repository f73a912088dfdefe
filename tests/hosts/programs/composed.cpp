// A component that is composed of several, as C++17 and with the built-in WASI: every function gives back what it gets, values of all types.
// -DWRAPPED: through functions of the host.
#include "check.h"
#include "composed.h"

#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

namespace api = windlass::composed;

namespace {

#define BACK(type, name) \
  windlass::result<type> name(windlass_call_t &, type v) override { return calls++, v; }
#define BACK_REFERENCE(type, name) \
  windlass::result<type> name(windlass_call_t &, const type &v) override { return calls++, v; }

class host : public api::imports {
 public:
  std::vector<std::string> lines;
  int calls = 0;
#ifdef WRAPPED
  BACK(composed_echo_algebraic_color_t, echo_algebraic_echo_enum)
  BACK(composed_echo_algebraic_permissions_t, echo_algebraic_echo_flags)
  BACK_REFERENCE(composed_echo_algebraic_shape_t, echo_algebraic_echo_variant)
  BACK(bool, echo_primitives_echo_bool)
  BACK(uint32_t, echo_primitives_echo_char)
  BACK(int8_t, echo_primitives_echo_s8)
  BACK(uint8_t, echo_primitives_echo_u8)
  BACK(float, echo_primitives_echo_f32)
  BACK(double, echo_primitives_echo_f64)
  BACK(int16_t, echo_primitives_echo_s16)
  BACK(int32_t, echo_primitives_echo_s32)
  BACK(int64_t, echo_primitives_echo_s64)
  BACK(uint16_t, echo_primitives_echo_u16)
  BACK(uint32_t, echo_primitives_echo_u32)
  BACK(uint64_t, echo_primitives_echo_u64)
  BACK(std::string_view, echo_primitives_echo_string)
  BACK_REFERENCE(composed_echo_complex_message_t, echo_complex_echo_message)
  BACK_REFERENCE(composed_echo_complex_kitchen_sink_t, echo_complex_echo_kitchen_sink)
  BACK(windlass::span<composed_list_u32_t>, echo_complex_echo_nested_lists)
  BACK_REFERENCE(composed_echo_complex_team_t, echo_complex_echo_deeply_nested)
  BACK_REFERENCE(composed_option_echo_complex_person_t, echo_complex_echo_option_record)
  BACK_REFERENCE(composed_result_echo_complex_person_string_t, echo_complex_echo_result_record)
  BACK_REFERENCE(composed_echo_complex_geometry_t, echo_complex_echo_complex_variant)
  BACK(windlass::span<composed_echo_complex_person_t>, echo_complex_echo_list_of_records)
  BACK(windlass::span<composed_echo_complex_geometry_t>, echo_complex_echo_list_of_variants)
  BACK_REFERENCE(composed_tuple2_echo_complex_person_echo_complex_address_t, echo_complex_echo_tuple_of_records)
  BACK_REFERENCE(composed_echo_compound_point_t, echo_compound_echo_record)
  BACK_REFERENCE(composed_tuple2_u32_string_t, echo_compound_echo_tuple2)
  BACK_REFERENCE(composed_tuple3_f32_f32_f32_t, echo_compound_echo_tuple3)
  BACK(windlass::span<uint8_t>, echo_compound_echo_list_u8)
  BACK_REFERENCE(composed_result_string_string_t, echo_compound_echo_result_ok)
  BACK_REFERENCE(composed_option_u32_t, echo_compound_echo_option_u32)
  BACK(windlass::span<composed_echo_compound_point_t>, echo_compound_echo_list_record)
  BACK(windlass::span<composed_string_t>, echo_compound_echo_list_string)
  BACK_REFERENCE(composed_echo_compound_labeled_point_t, echo_compound_echo_nested_record)
  BACK_REFERENCE(composed_option_string_t, echo_compound_echo_option_string)
#endif
  windlass::result<void> logger_log(windlass_call_t &, composed_logger_level_t level, std::string_view message) override {
    lines.push_back(std::to_string(level) + std::string(message));
    return {};
  }
};

// The fields of structures whose C types have no form in common.
auto fields(const composed_tuple2_u32_string_t &v) { return std::tie(v.f0, v.f1); }
auto fields(const composed_tuple3_f32_f32_f32_t &v) { return std::tie(v.f0, v.f1, v.f2); }
auto fields(const composed_tuple2_f64_f64_t &v) { return std::tie(v.f0, v.f1); }
auto fields(const composed_tuple2_string_string_t &v) { return std::tie(v.f0, v.f1); }
auto fields(const composed_tuple2_string_u32_t &v) { return std::tie(v.f0, v.f1); }
auto fields(const composed_tuple2_string_option_list_u8_t &v) { return std::tie(v.f0, v.f1); }
auto fields(const composed_tuple2_string_list_echo_compound_point_t &v) { return std::tie(v.f0, v.f1); }
auto fields(const composed_tuple2_echo_compound_point_echo_compound_point_t &v) { return std::tie(v.f0, v.f1); }
auto fields(const composed_tuple2_echo_complex_person_echo_complex_address_t &v) { return std::tie(v.f0, v.f1); }
auto fields(const composed_echo_compound_point_t &v) { return std::tie(v.x, v.y); }
auto fields(const composed_echo_compound_labeled_point_t &v) { return std::tie(v.label, v.coords, v.elevation); }
auto fields(const composed_echo_complex_vec3_t &v) { return std::tie(v.x, v.y, v.z); }
auto fields(const composed_echo_complex_address_t &v) { return std::tie(v.street, v.city, v.zip); }
auto fields(const composed_echo_complex_person_t &v) { return std::tie(v.name, v.age, v.email, v.address, v.tags); }
auto fields(const composed_echo_complex_team_t &v) { return std::tie(v.name, v.lead, v.members, v.metadata); }
auto fields(const composed_echo_complex_kitchen_sink_t &v) {
  return std::tie(v.name, v.values, v.nested, v.pairs, v.maybe, v.result_field);
}

template <class T>
bool same(const T &a, const T &b);

template <class T>
auto same_val(const T &a, const T &b) -> decltype(a.is_some, true) {
  return a.is_some == b.is_some && (!a.is_some || same(a.val, b.val));
}
template <class T>
auto same_val(const T &a, const T &b) -> decltype(a.is_err, true) {
  return a.is_err == b.is_err && (a.is_err ? same(a.val.err, b.val.err) : same(a.val.ok, b.val.ok));
}
template <class T>
auto same_val(const T &a, const T &b) -> decltype(a.ptr, true) {
  if (a.len != b.len || (a.len != 0 && a.ptr == b.ptr)) return false;
  for (size_t i = 0; i < a.len; i++) {
    if (!same(a.ptr[i], b.ptr[i])) return false;
  }
  return true;
}
template <class T>
auto same_val(const T &a, const T &b) -> decltype(fields(a), true) {
  return std::apply([&](const auto &...x) { return std::apply([&](const auto &...y) { return (same(x, y) && ...); }, fields(b)); }, fields(a));
}
bool same_val(const composed_echo_algebraic_shape_t &a, const composed_echo_algebraic_shape_t &b) {
  if (a.tag != b.tag) return false;
  switch (a.tag) {
    case COMPOSED_ECHO_ALGEBRAIC_SHAPE_CIRCLE: return same(a.val.circle, b.val.circle);
    case COMPOSED_ECHO_ALGEBRAIC_SHAPE_RECTANGLE: return same(a.val.rectangle, b.val.rectangle);
    case COMPOSED_ECHO_ALGEBRAIC_SHAPE_NAMED_POLYGON: return same(a.val.named_polygon, b.val.named_polygon);
    default: return a.tag == COMPOSED_ECHO_ALGEBRAIC_SHAPE_DOT;
  }
}
bool same_val(const composed_echo_complex_geometry_t &a, const composed_echo_complex_geometry_t &b) {
  if (a.tag != b.tag) return false;
  switch (a.tag) {
    case COMPOSED_ECHO_COMPLEX_GEOMETRY_POINT2D: return same(a.val.point2d, b.val.point2d);
    case COMPOSED_ECHO_COMPLEX_GEOMETRY_POINT3D: return same(a.val.point3d, b.val.point3d);
    case COMPOSED_ECHO_COMPLEX_GEOMETRY_LINE: return same(a.val.line, b.val.line);
    case COMPOSED_ECHO_COMPLEX_GEOMETRY_POLYGON: return same(a.val.polygon, b.val.polygon);
    case COMPOSED_ECHO_COMPLEX_GEOMETRY_LABELED: return same(a.val.labeled, b.val.labeled);
    default: return a.tag == COMPOSED_ECHO_COMPLEX_GEOMETRY_EMPTY;
  }
}
bool same_val(const composed_echo_complex_message_t &a, const composed_echo_complex_message_t &b) {
  if (a.tag != b.tag) return false;
  switch (a.tag) {
    case COMPOSED_ECHO_COMPLEX_MESSAGE_TEXT: return same(a.val.text, b.val.text);
    case COMPOSED_ECHO_COMPLEX_MESSAGE_BINARY: return same(a.val.binary, b.val.binary);
    case COMPOSED_ECHO_COMPLEX_MESSAGE_STRUCTURED: return same(a.val.structured, b.val.structured);
    case COMPOSED_ECHO_COMPLEX_MESSAGE_ERROR_RESULT: return same(a.val.error_result, b.val.error_result);
    case COMPOSED_ECHO_COMPLEX_MESSAGE_TAGGED: return same(a.val.tagged, b.val.tagged);
    default: return a.tag == COMPOSED_ECHO_COMPLEX_MESSAGE_EMPTY;
  }
}
template <class T>
bool same(const T &a, const T &b) {
  if constexpr (std::is_arithmetic_v<T>) return memcmp(&a, &b, sizeof a) == 0;
  else return same_val(a, b);
}

composed_string_t text(const char *s) { return {s, strlen(s)}; }

#define ECHO(function, value)                                      \
  do {                                                             \
    const auto in_ = (value);                                      \
    const auto out_ = in.function(in_);                            \
    EQUAL(out_.status(), WINDLASS_OK);                             \
    CHECK(same(in_, *out_));                                       \
  } while (0)
// What has memory.
#define ECHO_OWNED(function, value)                                \
  do {                                                             \
    const auto in_ = (value);                                      \
    const auto out_ = in.function(in_);                            \
    EQUAL(out_.status(), WINDLASS_OK);                             \
    CHECK(same(in_, **out_));                                      \
  } while (0)
#define ECHO_LIST(function, value)                                 \
  do {                                                             \
    const auto in_ = (value);                                      \
    const auto out_ = in.function(windlass::view(in_));            \
    EQUAL(out_.status(), WINDLASS_OK);                             \
    CHECK(same(in_, **out_));                                      \
  } while (0)

void values(const api::instance &in) {
  ECHO(echo_primitives_echo_bool, true);
  ECHO(echo_primitives_echo_u8, uint8_t{255});
  ECHO(echo_primitives_echo_u16, uint16_t{65535});
  ECHO(echo_primitives_echo_u32, uint32_t{4000000000});
  ECHO(echo_primitives_echo_u64, UINT64_MAX);
  ECHO(echo_primitives_echo_s8, int8_t{-128});
  ECHO(echo_primitives_echo_s16, int16_t{-32768});
  ECHO(echo_primitives_echo_s32, INT32_MIN);
  ECHO(echo_primitives_echo_s64, INT64_MIN);
  ECHO(echo_primitives_echo_f32, -1.5f);
  ECHO(echo_primitives_echo_f64, 1e300);
  ECHO(echo_primitives_echo_char, uint32_t{0x1f30d});
  EQUAL(in.echo_primitives_echo_char(0xd800).status(), WINDLASS_INVALID_CHAR);
  ECHO_LIST(echo_primitives_echo_string, text("w\303\266rld"));
  ECHO_LIST(echo_primitives_echo_string, text(""));

  composed_string_t strings[] = {text("a"), text(""), text("\360\237\214\215")};
  const composed_list_string_t words = {strings, 3};
  const uint8_t raw[] = {0, 1, 254, 255};
  const composed_list_u8_t bytes = {raw, 4};
  const composed_echo_compound_point_t corners[] = {{1, 2}, {-3, 4.5}};
  const composed_list_echo_compound_point_t points = {corners, 2};
  ECHO_OWNED(echo_compound_echo_tuple2, (composed_tuple2_u32_string_t{7, text("seven")}));
  ECHO(echo_compound_echo_tuple3, (composed_tuple3_f32_f32_f32_t{1, 2, 3}));
  ECHO(echo_compound_echo_record, corners[1]);
  ECHO_OWNED(echo_compound_echo_nested_record, (composed_echo_compound_labeled_point_t{text("top"), {1, 2}, {true, 3}}));
  ECHO_LIST(echo_compound_echo_list_u8, bytes);
  ECHO_LIST(echo_compound_echo_list_string, words);
  ECHO_LIST(echo_compound_echo_list_record, points);
  ECHO(echo_compound_echo_option_u32, (composed_option_u32_t{true, 9}));
  ECHO(echo_compound_echo_option_u32, (composed_option_u32_t{false, 0}));
  ECHO_OWNED(echo_compound_echo_option_string, (composed_option_string_t{true, text("some")}));
  composed_result_string_string_t result{};
  result.val.ok = text("fine");
  ECHO_OWNED(echo_compound_echo_result_ok, result);
  result.is_err = true;
  result.val.err = text("not fine");
  ECHO_OWNED(echo_compound_echo_result_ok, result);

  ECHO(echo_algebraic_echo_enum, composed_echo_algebraic_color_t{COMPOSED_ECHO_ALGEBRAIC_COLOR_YELLOW});
  EQUAL(in.echo_algebraic_echo_enum(4).status(), WINDLASS_INVALID_DISCRIMINANT);
  const int access = COMPOSED_ECHO_ALGEBRAIC_PERMISSIONS_READ | COMPOSED_ECHO_ALGEBRAIC_PERMISSIONS_EXECUTE;
  ECHO(echo_algebraic_echo_flags, static_cast<composed_echo_algebraic_permissions_t>(access));
  for (uint8_t tag = 0; tag < 4; tag++) {
    composed_echo_algebraic_shape_t shape{};
    shape.tag = tag;
    if (tag == COMPOSED_ECHO_ALGEBRAIC_SHAPE_CIRCLE) shape.val.circle = 2.5;
    if (tag == COMPOSED_ECHO_ALGEBRAIC_SHAPE_RECTANGLE) shape.val.rectangle = {1, 2};
    if (tag == COMPOSED_ECHO_ALGEBRAIC_SHAPE_NAMED_POLYGON) shape.val.named_polygon = text("hexagon");
    ECHO_OWNED(echo_algebraic_echo_variant, shape);
  }

  const composed_echo_complex_address_t home = {text("Main"), text("Town"), text("12345")};
  const composed_echo_complex_person_t people[] = {{text("Ada"), 36, {true, text("ada@x")}, home, words}, {text("Bob"), 1, {}, home, {}}};
  const composed_tuple2_string_string_t metadata[] = {{text("k"), text("v")}, {text(""), text("empty")}};
  ECHO_OWNED(echo_complex_echo_deeply_nested, (composed_echo_complex_team_t{text("team"), people[0], {people, 2}, {metadata, 2}}));
  ECHO_LIST(echo_complex_echo_list_of_records, (composed_list_echo_complex_person_t{people, 2}));
  ECHO_OWNED(echo_complex_echo_tuple_of_records, (composed_tuple2_echo_complex_person_echo_complex_address_t{people[1], home}));
  composed_echo_complex_geometry_t all[6]{};
  for (uint8_t tag = 0; tag < 6; tag++) all[tag].tag = tag;
  all[0].val.point2d = corners[0];
  all[1].val.point3d = {1, 2, 3};
  all[2].val.line = {corners[0], corners[1]};
  all[3].val.polygon = points;
  all[4].val.labeled = {text("shape"), points};
  for (const auto &geometry : all) ECHO_OWNED(echo_complex_echo_complex_variant, geometry);
  ECHO_LIST(echo_complex_echo_list_of_variants, (composed_list_echo_complex_geometry_t{all, 6}));
  composed_echo_complex_message_t messages[6]{};
  for (uint8_t tag = 0; tag < 6; tag++) messages[tag].tag = tag;
  messages[0].val.text = text("plain");
  messages[1].val.binary = bytes;
  messages[2].val.structured = people[0];
  messages[3].val.error_result = result;
  messages[4].val.tagged = {text("tag"), {true, bytes}};
  for (const auto &message : messages) ECHO_OWNED(echo_complex_echo_message, message);

  const uint32_t numbers[] = {1, 2, 3};
  const composed_list_u32_t lists[] = {{numbers, 3}, {}, {numbers + 1, 1}};
  const composed_list_string_t nested[] = {words, {}};
  const composed_tuple2_string_u32_t pairs[] = {{text("one"), 1}};
  composed_echo_complex_kitchen_sink_t sink = {text("sink"), {numbers, 3}, {nested, 2}, {pairs, 1}, {true, bytes}, {}};
  sink.result_field.val.ok = words;
  ECHO_OWNED(echo_complex_echo_kitchen_sink, sink);
  ECHO_LIST(echo_complex_echo_nested_lists, (composed_list_list_u32_t{lists, 3}));
  ECHO_OWNED(echo_complex_echo_option_record, (composed_option_echo_complex_person_t{true, people[0]}));
  composed_result_echo_complex_person_string_t person{};
  person.val.ok = people[1];
  ECHO_OWNED(echo_complex_echo_result_record, person);
}

}  // namespace

int main() {
  host all;
  const api::instance in = api::instance::create(all).value();
  values(in);
#ifdef WRAPPED
  CHECK(all.calls > 50);
#endif
  const auto bytes = in.random_get_random_bytes(16);
  CHECK(bytes && bytes->view().size() == 16 && *in.monotonic_clock_now() > 0);
  CHECK(in.last_trap() == nullptr);
  printf("ok\n");
}
