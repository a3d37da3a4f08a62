#include "ringray/wire/callable.hpp"

#include <link.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "ringray/base/check.hpp"
#include "ringray/base/thread_local.hpp"

namespace ringray::wire {
namespace {

struct Segment {
  std::uint64_t tag, base, first, last;  // of the binary; addresses of the segment: [first, last)
  bool code;
};
using Table = std::vector<Segment>;

std::uint64_t hash16(std::string_view text) {
  std::uint64_t h = 0xcbf29ce484222325ull;  // FNV-1a
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return (h ^ (h >> 32) ^ (h >> 16)) & 0xffff;
}

int collect(dl_phdr_info* info, std::size_t, void* out) {
  auto& table = *static_cast<Table*>(out);
  std::string_view name = info->dlpi_name ? info->dlpi_name : "";
  name = name.substr(name.rfind('/') + 1);
  const std::uint64_t tag = table.empty() ? 0 : hash16(name) | 1;  // the program itself comes first
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD) continue;
    const auto at = info->dlpi_addr + segment.p_vaddr;
    table.push_back({tag, info->dlpi_addr, at, at + segment.p_filesz, (segment.p_flags & PF_X) != 0});
  }
  return 0;
}

// Tables are replaced when a binary was loaded later (dlopen); old ones are kept because readers take no lock.
const Table& binaries(bool refresh) {
  static std::atomic<const Table*> current{nullptr};
  const Table* table = current.load(std::memory_order_acquire);
  if (table && !refresh) return *table;
  static std::mutex mutex;
  static std::vector<std::unique_ptr<const Table>> all;
  const std::lock_guard lock(mutex);
  auto fresh = std::make_unique<Table>();
  dl_iterate_phdr(collect, fresh.get());
  all.push_back(std::move(fresh));
  current.store(all.back().get(), std::memory_order_release);
  return *all.back();
}

std::uint64_t find(const Table& table, std::uint64_t address) {
  for (const auto& segment : table)
    if (address >= segment.first && address < segment.last) return segment.tag << 48 | (address - segment.base);
  return 0;
}

const Descriptor* find_wire(const Table& table, std::uint64_t name) {
  for (const auto& segment : table) {
    if (segment.tag != name >> 48) continue;
    const auto address = segment.base + (name & 0xffff'ffff'ffffull);
    if (address % alignof(Descriptor) != 0 || address < segment.first || address + sizeof(Descriptor) > segment.last)
      continue;
    std::uint64_t magic;
    std::memcpy(&magic, reinterpret_cast<const void*>(address), sizeof magic);
    if (magic == Descriptor::expected) return reinterpret_cast<const Descriptor*>(address);
  }
  return nullptr;
}

const void* find_code(const Table& table, std::uint64_t name) {
  for (const auto& segment : table) {
    const auto address = segment.base + (name & 0xffff'ffff'ffffull);
    if (segment.tag == name >> 48 && segment.code && address >= segment.first && address < segment.last)
      return reinterpret_cast<const void*>(address);
  }
  return nullptr;
}

std::uint64_t name_of(std::uint64_t address) {
  auto name = find(binaries(false), address);
  if (name == 0) name = find(binaries(true), address);
  RINGRAY_ASSERT(name != 0, "a callable lies outside of every loaded binary");
  return name;
}

}  // namespace

// A thread mostly sends, and receives, what it did last.
namespace {
template <class Key, class Value>
struct Last {
  Key key{};
  Value value{};
};
}  // namespace

std::uint64_t to_wire(const Descriptor& descriptor) {
  RINGRAY_NEAR_THREAD static constinit thread_local Last<const Descriptor*, std::uint64_t> last;
  if (last.key != &descriptor) last = {&descriptor, name_of(reinterpret_cast<std::uint64_t>(&descriptor))};
  return last.value;
}

std::uint64_t code_to_wire(const void* code) {
  RINGRAY_NEAR_THREAD static constinit thread_local Last<const void*, std::uint64_t> last;
  if (last.key != code) last = {code, name_of(reinterpret_cast<std::uint64_t>(code))};
  return last.value;
}

Result<const void*> code_from_wire(std::uint64_t name) {
  RINGRAY_NEAR_THREAD static constinit thread_local Last<std::uint64_t, const void*> last;
  if (last.value && last.key == name) return last.value;
  const auto* code = find_code(binaries(false), name);
  if (!code) code = find_code(binaries(true), name);
  if (!code) return failure(Errc::corrupt_data, "a received function is not part of this program");
  last = {name, code};
  return code;
}

Result<const Descriptor*> from_wire(std::uint64_t name) {
  RINGRAY_NEAR_THREAD static constinit thread_local Last<std::uint64_t, const Descriptor*> last;
  if (last.value && last.key == name) return last.value;
  const auto* descriptor = find_wire(binaries(false), name);
  if (!descriptor) descriptor = find_wire(binaries(true), name);
  if (!descriptor) return failure(Errc::corrupt_data, "a received callable is not part of this program");
  last = {name, descriptor};
  return descriptor;
}

}  // namespace ringray::wire
