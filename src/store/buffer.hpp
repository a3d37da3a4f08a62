#pragma once
// The memory of one object.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "ringray/store/arena.hpp"
#include "ringray/store/mapping.hpp"

namespace ringray::store {

/// A block that is written until it is sealed; given back at the end. One thread at a time.
class Buffer {
 public:
  Buffer() = default;
  /// A block of the arena.
  Buffer(std::shared_ptr<Arena> arena, std::uint64_t offset, std::size_t bytes)
      : start_(arena->at(offset)), bytes_(bytes), offset_(offset), arena_(std::move(arena)) {}
  /// A block of a mapped file; `keeper` lives as long.
  Buffer(Mapping mapping, std::byte* start, std::size_t bytes, std::shared_ptr<const void> keeper)
      : start_(start), bytes_(bytes), mapping_(std::move(mapping)), keeper_(std::move(keeper)) {}
  Buffer(Buffer&& other) noexcept { *this = std::move(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(start_, other.start_);
    std::swap(bytes_, other.bytes_);
    std::swap(offset_, other.offset_);
    std::swap(arena_, other.arena_);
    std::swap(mapping_, other.mapping_);
    std::swap(keeper_, other.keeper_);
    return *this;
  }
  ~Buffer() {
    if (arena_) arena_->free(offset_);
  }

  std::span<std::byte> bytes() noexcept { return {start_, bytes_}; }
  std::span<const std::byte> bytes() const noexcept { return {start_, bytes_}; }
  std::byte* data() noexcept { return start_; }
  std::size_t size() const noexcept { return bytes_; }
  explicit operator bool() const noexcept { return start_ != nullptr; }

  bool in_arena() const noexcept { return arena_ != nullptr; }
  /// Where in the arena. Precondition: in_arena().
  std::uint64_t offset() const noexcept { return offset_; }

 private:
  std::byte* start_ = nullptr;
  std::size_t bytes_ = 0;
  std::uint64_t offset_ = 0;
  std::shared_ptr<Arena> arena_;  ///< null: the mapping holds the bytes
  Mapping mapping_;
  std::shared_ptr<const void> keeper_;
};

}  // namespace ringray::store
