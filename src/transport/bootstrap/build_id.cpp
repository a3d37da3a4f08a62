#include "ringray/transport/bootstrap/build_id.hpp"

#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstring>
#include <string_view>

namespace ringray::transport {
namespace {

std::string hexadecimal(const unsigned char* bytes, std::size_t size) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    text += digits[bytes[i] >> 4];
    text += digits[bytes[i] & 15];
  }
  return text;
}

std::string build_id_of(const dl_phdr_info& object) {
  for (int i = 0; i < object.dlpi_phnum; ++i) {
    const auto& segment = object.dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    // Also in segments aligned to 8: mold puts notes of both alignments in one, and those of GNU need no more than 4.
    const auto up = [](std::size_t n) { return (n + 3) & ~std::size_t{3}; };
    const auto* at = reinterpret_cast<const unsigned char*>(object.dlpi_addr + segment.p_vaddr);
    const auto* end = at + segment.p_memsz;
    while (at + sizeof(ElfW(Nhdr)) <= end) {
      ElfW(Nhdr) note;
      std::memcpy(&note, at, sizeof note);
      const auto* name = at + sizeof note;
      const auto* descriptor = name + up(note.n_namesz);
      if (descriptor + note.n_descsz > end) break;
      if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0)
        return hexadecimal(descriptor, note.n_descsz);
      at = descriptor + up(note.n_descsz);
    }
  }
  return "";
}

bool of_the_system(std::string_view path) {
  if (!path.starts_with('/')) return true;  // linux-vdso.so.1
  for (const std::string_view folder : {"/lib", "/usr/"})
    if (path.starts_with(folder)) return true;
  return false;
}

int add_module(dl_phdr_info* object, std::size_t, void* user) {
  auto& modules = *static_cast<std::vector<Module>*>(user);
  const std::string_view path = object->dlpi_name == nullptr ? "" : object->dlpi_name;
  if (modules.empty())
    modules.push_back({"", build_id_of(*object)});  // the executable comes first
  else if (!of_the_system(path))
    modules.push_back({std::string(path.substr(path.rfind('/') + 1)), build_id_of(*object)});
  return 0;
}

}  // namespace

std::vector<Module> loaded_modules() {
  std::vector<Module> modules;
  dl_iterate_phdr(&add_module, &modules);
  std::sort(modules.begin(), modules.end(), [](const Module& a, const Module& b) { return a.name < b.name; });
  return modules;
}

std::optional<std::string> build_mismatch(const std::vector<Module>& ours, const std::vector<Module>& theirs) {
  for (const auto& our : ours) {
    const auto their =
        std::find_if(theirs.begin(), theirs.end(), [&](const Module& module) { return module.name == our.name; });
    if (their == theirs.end() || their->build_id == our.build_id) continue;
    const auto shown = [](const std::string& id) { return id.empty() ? std::string("(none)") : id.substr(0, 12); };
    return (our.name.empty() ? std::string("the executable") : our.name) + " has build " + shown(our.build_id) +
           " here and build " + shown(their->build_id) + " there";
  }
  return std::nullopt;
}

}  // namespace ringray::transport
