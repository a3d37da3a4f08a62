#include "ringray/store/free_space.hpp"

#include <algorithm>
#include <iterator>

#include "ringray/base/check.hpp"

namespace ringray::store {

std::optional<std::uint64_t> FreeSpace::allocate(std::uint64_t bytes) {
  if (bytes > capacity_) return std::nullopt;
  bytes = std::max(alignment, (bytes + alignment - 1) / alignment * alignment);
  const auto hole = holes_.lower_bound(Hole{bytes, 0, 0});
  if (hole == holes_.end()) return advance_frontier(bytes);

  const auto block = blocks_.find(hole->offset);
  const auto rest = block->second.bytes - bytes;
  const auto freed_at = block->second.freed_at;
  holes_.erase(hole);
  block->second = {bytes, 0};
  if (rest > 0) {
    const auto remainder = blocks_.emplace_hint(std::next(block), block->first + bytes, Block{rest, freed_at});
    holes_.insert(hole_of(*remainder));
  }
  used_ += bytes;
  return block->first;
}

std::optional<std::uint64_t> FreeSpace::advance_frontier(std::uint64_t bytes) {
  auto start = frontier_;
  const auto last = blocks_.empty() ? blocks_.end() : std::prev(blocks_.end());
  const bool last_is_free = last != blocks_.end() && last->second.freed_at != 0;
  if (last_is_free) start = last->first;
  if (bytes > capacity_ - start) return std::nullopt;
  if (last_is_free) {
    holes_.erase(hole_of(*last));
    blocks_.erase(last);
  }
  blocks_.emplace_hint(blocks_.end(), start, Block{bytes, 0});
  frontier_ = start + bytes;
  used_ += bytes;
  return start;
}

void FreeSpace::free(std::uint64_t offset) {
  auto block = blocks_.find(offset);
  RINGRAY_ASSERT(block != blocks_.end() && block->second.freed_at == 0, "freed what was not allocated");
  used_ -= block->second.bytes;
  block->second.freed_at = ++frees_;
  if (const auto next = std::next(block); next != blocks_.end() && next->second.freed_at != 0) {
    holes_.erase(hole_of(*next));
    block->second.bytes += next->second.bytes;
    blocks_.erase(next);
  }
  if (block != blocks_.begin()) {
    if (const auto previous = std::prev(block); previous->second.freed_at != 0) {
      holes_.erase(hole_of(*previous));
      previous->second.bytes += block->second.bytes;
      previous->second.freed_at = frees_;
      blocks_.erase(block);
      block = previous;
    }
  }
  holes_.insert(hole_of(*block));
}

}  // namespace ringray::store
