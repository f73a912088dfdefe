// The same in C++17, with the classes of the header: everything cleans up after itself, and the C functions are never called.
#include "notes.h"

#include <cstdio>
#include <memory>
#include <string>

namespace api = windlass::notes;

struct file {
  std::string name;
  std::uint64_t size = 0;
};

class storage : public api::imports {
 public:
  windlass::result<notes_storage_file_t> storage_open(windlass_call_t &, std::string_view name) override {
    if (name.empty()) return windlass::failure{1};  // a trap in the guest
    return new file{std::string(name)};
  }
  windlass::result<std::uint64_t> storage_method_file_append(windlass_call_t &, notes_storage_file_t self, std::string_view text) override {
    file &f = *static_cast<file *>(self);
    std::printf("%s at %u: %.*s\n", f.name.c_str(), static_cast<unsigned>(f.size), static_cast<int>(text.size()), text.data());
    return f.size += text.size();
  }
  void storage_file_drop(void *rep) override {
    const std::unique_ptr<file> f(static_cast<file *>(rep));
    std::printf("%s closed\n", f->name.c_str());
  }
};

int main() {
  storage files;
  auto made = api::instance::create(files);
  if (!made) return 1;
  const api::instance instance = std::move(*made);

  auto book = api::notebooks_notebook::create(instance, "diary");
  if (!book || !book->add("It rains.")) return 1;
  const auto count = book->add("Still.");
  const auto last = book->last();
  if (!count || !last) return 1;
  const std::string_view text = last->view();
  std::printf("%u notes, the last: %.*s\n", *count, static_cast<int>(text.size()), text.data());

  const auto wrong = book->add("\xff");
  std::printf("once more: %s\n", wrong.message());
}  // The notebook goes, and with it its file; then the instance.
