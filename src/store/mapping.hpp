#pragma once
// Memory that the kernel mapped for us.

#include <cstddef>
#include <cstdint>
#include <utility>

#include "ringray/base/result.hpp"

namespace ringray::store {

enum class Access { read, read_write };

/// A shared mapping of `bytes` of an open file, undone at the end. One thread; what it maps follows its own rules.
class Mapping {
 public:
  Mapping() = default;
  /// `offset` must be a multiple of the page size. The descriptor may be closed afterwards.
  static Result<Mapping> map(int descriptor, std::uint64_t offset, std::size_t bytes, Access access);
  Mapping(Mapping&& other) noexcept
      : start_(std::exchange(other.start_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(start_, other.start_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Mapping();
  std::byte* start() const noexcept { return start_; }
  std::size_t size() const noexcept { return bytes_; }

 private:
  Mapping(std::byte* start, std::size_t bytes) : start_(start), bytes_(bytes) {}
  std::byte* start_ = nullptr;
  std::size_t bytes_ = 0;
};

/// An open file. One thread.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int value) noexcept : value_(value) {}
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Descriptor();
  int value() const noexcept { return value_; }
  explicit operator bool() const noexcept { return value_ >= 0; }
  /// Closes now and says whether the file system took everything.
  bool close() noexcept;

 private:
  int value_ = -1;
};

}  // namespace ringray::store
