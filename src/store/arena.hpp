#pragma once
// The memory of a rank's objects, mapped by all ranks of its host.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "ringray/base/result.hpp"
#include "ringray/store/free_space.hpp"
#include "ringray/store/mapping.hpp"

namespace ringray::store {

/// One per rank: an unnamed memory file (memfd), which vanishes with the last rank that maps it, however that ends.
/// Pages cost memory when they are first written. Any thread.
class Arena {
 public:
  static Result<std::unique_ptr<Arena>> create(std::size_t bytes);

  /// What a host-mate needs to map this arena: /proc/<pid>/fd/<descriptor>. Inode and size tell a recycled pid.
  struct Name {
    std::uint32_t pid = 0;
    int descriptor = -1;
    std::uint64_t bytes = 0;
    std::uint64_t inode = 0;
    bool operator==(const Name&) const = default;
    template <class Archive>
    void serialize(Archive& archive) {
      archive(pid, descriptor, bytes, inode);
    }
  };
  Name name() const noexcept { return name_; }

  /// A 64-byte aligned offset, or Errc::out_of_memory when no free range is that long.
  Result<std::uint64_t> allocate(std::size_t bytes);
  void free(std::uint64_t offset) noexcept;

  std::byte* at(std::uint64_t offset) noexcept { return mapping_.start() + offset; }
  std::size_t capacity() const noexcept { return mapping_.size(); }
  std::size_t used() const;

 private:
  Arena(Descriptor descriptor, Mapping mapping, Name name);

  Descriptor descriptor_;
  Mapping mapping_;
  Name name_;
  mutable std::mutex mutex_;  // guards space_
  FreeSpace space_;
};

}  // namespace ringray::store
