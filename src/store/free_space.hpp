#pragma once
// Which byte ranges of an arena are free. Kept outside of the arena, so that a stray write cannot break it.

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>

namespace ringray::store {

/// Best fit with address-ordered coalescing; among equal sizes the block freed last goes first, because its bytes are
/// likely still in a cache. Memory that was never given out is touched only when no used block fits: the first touch
/// of a page costs the kernel ten times more than a copy into it. O(log blocks). One thread.
class FreeSpace {
 public:
  static constexpr std::uint64_t alignment = 64;

  explicit FreeSpace(std::uint64_t bytes) : capacity_(bytes / alignment * alignment) {}

  /// Offset of `bytes` rounded up to the alignment, at least one unit; nothing when no range is long enough.
  std::optional<std::uint64_t> allocate(std::uint64_t bytes);
  /// Precondition: `offset` came from allocate() and was not freed since.
  void free(std::uint64_t offset);

  std::uint64_t capacity() const noexcept { return capacity_; }
  std::uint64_t used() const noexcept { return used_; }
  /// Everything from here on was never given out.
  std::uint64_t frontier() const noexcept { return frontier_; }

 private:
  struct Block {
    std::uint64_t bytes;
    std::uint64_t freed_at;  ///< 0 while in use
  };
  using Blocks = std::map<std::uint64_t, Block>;  ///< by offset; they tile [0, frontier_)
  struct Hole {
    std::uint64_t bytes, age, offset;  ///< age: smaller was freed later
    auto operator<=>(const Hole&) const = default;
  };
  static Hole hole_of(const Blocks::value_type& block) {
    return {block.second.bytes, ~block.second.freed_at, block.first};
  }
  std::optional<std::uint64_t> advance_frontier(std::uint64_t bytes);

  std::uint64_t capacity_;
  std::uint64_t frontier_ = 0;
  std::uint64_t used_ = 0;
  std::uint64_t frees_ = 0;
  Blocks blocks_;
  std::set<Hole> holes_;
};

}  // namespace ringray::store
