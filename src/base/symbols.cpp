#include "ringray/base/symbols.hpp"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <mutex>
#include <unordered_map>

#include "ringray/base/errors.hpp"

namespace ringray::base {
namespace {

/// A binary in memory, as it lies on disk.
class File {
 public:
  explicit File(const char* path) {
    const int file = ::open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    struct stat status;
    if (::fstat(file, &status) == 0 && status.st_size > 0) {
      bytes_ = static_cast<std::size_t>(status.st_size);
      auto* at = ::mmap(nullptr, bytes_, PROT_READ, MAP_PRIVATE, file, 0);
      if (at != MAP_FAILED) begin_ = static_cast<const char*>(at);
    }
    ::close(file);
  }
  ~File() {
    if (begin_) ::munmap(const_cast<char*>(begin_), bytes_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  /// `count` objects at `offset`; null when the file is not that long.
  template <class T>
  const T* at(std::uint64_t offset, std::uint64_t count = 1) const {
    const bool inside = begin_ && offset <= bytes_ && count <= (bytes_ - offset) / sizeof(T);
    return inside && offset % alignof(T) == 0 ? reinterpret_cast<const T*>(begin_ + offset) : nullptr;
  }

 private:
  const char* begin_ = nullptr;
  std::size_t bytes_ = 0;
};

/// The name in the binary's full table of symbols (.symtab), where functions of one source file are, too.
std::string symbol_at(const File& file, std::uint64_t address) {
  const auto* header = file.at<ElfW(Ehdr)>(0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return {};
  const auto* sections = file.at<ElfW(Shdr)>(header->e_shoff, header->e_shnum);
  if (!sections) return {};
  for (const auto* section = sections; section != sections + header->e_shnum; ++section) {
    if (section->sh_type != SHT_SYMTAB || section->sh_link >= header->e_shnum) continue;
    const auto count = section->sh_size / sizeof(ElfW(Sym));
    const auto* symbols = file.at<ElfW(Sym)>(section->sh_offset, count);
    const auto& names = sections[section->sh_link];
    const auto* text = file.at<char>(names.sh_offset, names.sh_size);
    if (!symbols || !text) continue;
    for (const auto* symbol = symbols; symbol != symbols + count; ++symbol)
      if (symbol->st_value == address && (symbol->st_info & 0xf) == STT_FUNC && symbol->st_name < names.sh_size)
        return {text + symbol->st_name, strnlen(text + symbol->st_name, names.sh_size - symbol->st_name)};
  }
  return {};
}

std::string look_up(const void* code) {
  Dl_info info;
  link_map* binary = nullptr;
  if (dladdr1(code, &info, reinterpret_cast<void**>(&binary), RTLD_DL_LINKMAP) == 0) return {};
  if (info.dli_sname && info.dli_saddr == code) return info.dli_sname;
  const bool is_program = !binary->l_name || !*binary->l_name;
  return symbol_at(File(is_program ? "/proc/self/exe" : binary->l_name),
                   reinterpret_cast<std::uint64_t>(code) - binary->l_addr);
}

}  // namespace

std::string function_name(const void* code) {
  static std::mutex mutex;
  static auto& known = *new std::unordered_map<const void*, std::string>;  // guarded by mutex; threads outlive statics
  const std::lock_guard lock(mutex);
  const auto [at, is_new] = known.try_emplace(code);
  if (is_new) {
    auto name = type_name(look_up(code).c_str());
    constexpr std::string_view nobody = "(anonymous namespace)::";
    for (auto begin = name.find(nobody); begin != name.npos; begin = name.find(nobody))
      name.erase(begin, nobody.size());
    at->second = name.find("{lambda") == name.npos ? name.substr(0, name.find('(')) : name;
  }
  return at->second;
}

}  // namespace ringray::base
