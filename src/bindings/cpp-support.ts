/** What the C++ part of every header shares, once per program: results, owned values, views. C++17; nothing throws but `value()`. */

/** Names in namespace `windlass`: no component's namespace has one of them. */
export const CPP_SHARED_NAMES: ReadonlySet<string> = new Set(["failure", "error", "result", "span", "view", "owned"]);

const LINES = `#ifndef WINDLASS_CPP_TYPES
#define WINDLASS_CPP_TYPES 1
namespace windlass {

/* A status that is not WINDLASS_OK, as a result. */
struct failure {
  windlass_status_t status;
};

#ifdef __cpp_exceptions
/* What value() throws. */
class error : public std::exception {
 public:
  explicit error(windlass_status_t status) noexcept : m_status(status) {}
  windlass_status_t status() const noexcept { return m_status; }
  const char *what() const noexcept override { return windlass_status_text(m_status); }

 private:
  windlass_status_t m_status;
};
#endif

/* A value, or why there is none. */
template <class T>
class [[nodiscard]] result {
 public:
  result(T value) : m_status(WINDLASS_OK), m_value(std::move(value)) {}
  result(failure f) : m_status(f.status == WINDLASS_OK ? WINDLASS_TRAP_HOST_FUNCTION_FAILED : f.status), m_value() {}
  explicit operator bool() const noexcept { return m_status == WINDLASS_OK; }
  windlass_status_t status() const noexcept { return m_status; }
  const char *message() const noexcept { return windlass_status_text(m_status); }
  T &operator*() & noexcept { return m_value; }
  const T &operator*() const & noexcept { return m_value; }
  T &&operator*() && noexcept { return std::move(m_value); }
  T *operator->() noexcept { return &m_value; }
  const T *operator->() const noexcept { return &m_value; }
#ifdef __cpp_exceptions
  T &value() & {
    if (m_status != WINDLASS_OK) throw error(m_status);
    return m_value;
  }
  T &&value() && {
    if (m_status != WINDLASS_OK) throw error(m_status);
    return std::move(m_value);
  }
#endif

 private:
  windlass_status_t m_status;
  T m_value;
};

template <>
class [[nodiscard]] result<void> {
 public:
  result() noexcept : m_status(WINDLASS_OK) {}
  result(failure f) noexcept : m_status(f.status) {}
  explicit operator bool() const noexcept { return m_status == WINDLASS_OK; }
  windlass_status_t status() const noexcept { return m_status; }
  const char *message() const noexcept { return windlass_status_text(m_status); }
#ifdef __cpp_exceptions
  void value() const {
    if (m_status != WINDLASS_OK) throw error(m_status);
  }
#endif

 private:
  windlass_status_t m_status;
};

/* Elements of somebody else's. */
template <class T>
class span {
 public:
  constexpr span() noexcept : m_data(nullptr), m_size(0) {}
  constexpr span(const T *data, std::size_t size) noexcept : m_data(data), m_size(size) {}
  template <class C, class = std::enable_if_t<std::is_convertible_v<decltype(std::data(std::declval<const C &>())), const T *>>>
  constexpr span(const C &container) noexcept : m_data(std::data(container)), m_size(std::size(container)) {}
  constexpr const T *data() const noexcept { return m_data; }
  constexpr std::size_t size() const noexcept { return m_size; }
  constexpr bool empty() const noexcept { return m_size == 0; }
  constexpr const T *begin() const noexcept { return m_data; }
  constexpr const T *end() const noexcept { return m_data + m_size; }
  constexpr const T &operator[](std::size_t i) const noexcept { return m_data[i]; }

 private:
  const T *m_data;
  std::size_t m_size;
};

/* A string of a component as std::string_view, a list or map as span. */
template <class T>
constexpr auto view(const T &value) noexcept {
  using element = std::remove_const_t<std::remove_pointer_t<decltype(value.ptr)>>;
  if constexpr (std::is_same_v<element, char>) return std::string_view(value.ptr, value.len);
  else return span<element>(value.ptr, value.len);
}

/* A result of an instance that has memory: freed with this, which must be before the instance is deleted. Handles in it are yours. */
template <class I, class T, windlass_status_t (*Drop)(I *, T *)>
class owned {
 public:
  owned() noexcept : m_instance(nullptr), m_value() {}
  owned(I *instance, const T &value) noexcept : m_instance(instance), m_value(value) {}
  owned(owned &&other) noexcept : m_instance(std::exchange(other.m_instance, nullptr)), m_value(std::exchange(other.m_value, T{})) {}
  owned &operator=(owned &&other) noexcept {
    std::swap(m_instance, other.m_instance);
    std::swap(m_value, other.m_value);
    return *this;
  }
  owned(const owned &) = delete;
  owned &operator=(const owned &) = delete;
  ~owned() {
    if (m_instance != nullptr) Drop(m_instance, &m_value);
  }
  const T &operator*() const noexcept { return m_value; }
  const T *operator->() const noexcept { return &m_value; }
  auto view() const noexcept { return windlass::view(m_value); }

 private:
  I *m_instance;
  T m_value;
};

}  // namespace windlass
#endif`;

export function cppSharedPart(): readonly string[] {
  return LINES.split("\n");
}
