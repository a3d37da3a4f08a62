#pragma once
// Array<T, N>: contiguous numbers that live in the host-shared arena.

#include <array>
#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <span>

#include "ringray/object.hpp"

namespace ringray {

/// An N-dimensional array of plain T, row-major (the last index is contiguous), 64-byte aligned. Built in the arena:
/// put(std::move(array)) copies nothing, and get on any rank of the host gives a view of the same bytes. Copies share
/// the elements; they are writable by who made the array until it is put. Not zeroed.
template <class T, std::size_t N>
class Array {
  static_assert(std::is_trivially_copyable_v<T> && !std::is_pointer_v<T> && N >= 1);

 public:
  using Extents = std::array<std::size_t, N>;
  Array() = default;
  /// Throws OutOfMemoryError, OutOfDiskError.
  explicit Array(const Extents& extents) : extents_(extents) {
    std::size_t left = (std::numeric_limits<std::ptrdiff_t>::max() - header_bytes) / sizeof(T);
    for (const auto extent : extents) {
      if (extent > left) throw OutOfMemoryError("an Array has more elements than there are addresses");
      if (extent > 0) left /= extent;
    }
    block_ = runtime::allocate_block(header_bytes + bytes());
    auto* start = runtime::block_data(*block_);
    std::memset(start, 0, header_bytes);
    std::memcpy(start, extents.data(), sizeof extents);
    data_ = reinterpret_cast<T*>(start + header_bytes);
  }

  const Extents& extents() const noexcept { return extents_; }
  std::size_t size() const noexcept {
    std::size_t count = data_ ? 1 : 0;
    for (const auto extent : extents_) count *= extent;
    return count;
  }
  std::size_t bytes() const noexcept {
    std::size_t count = sizeof(T);
    for (const auto extent : extents_) count *= extent;
    return count;
  }
  T* data() noexcept { return data_; }
  const T* data() const noexcept { return data_; }
  std::span<T> span() noexcept { return {data_, size()}; }
  std::span<const T> span() const noexcept { return {data_, size()}; }
  template <class... Index>
  requires(sizeof...(Index) == N) T& operator()(Index... index) noexcept {
    return data_[offset({static_cast<std::size_t>(index)...})];
  }
  template <class... Index>
  requires(sizeof...(Index) == N) const T& operator()(Index... index) const noexcept {
    return data_[offset({static_cast<std::size_t>(index)...})];
  }

  template <class Archive>
  void save(Archive& archive) const {
    std::byte header[header_bytes]{};
    std::memcpy(header, extents_.data(), sizeof extents_);
    archive.write(header, header_bytes);
    if (data_) archive.write(data_, bytes());
  }
  template <class Archive>
  void load(Archive& archive) {
    const auto header = archive.take(header_bytes);
    std::memcpy(extents_.data(), header.data(), sizeof extents_);
    std::size_t count = sizeof(T);
    for (const auto extent : extents_) {
      if (extent != 0 && count > archive.remaining() / extent) throw CorruptDataError("an encoded array is truncated");
      count *= extent;
    }
    const auto view = archive.take(count);
    const bool aligned = reinterpret_cast<std::uintptr_t>(view.data()) % alignof(T) == 0;
    if (archive.lease() && aligned) {  // the bytes lie in an arena: look at them there
      keeper_ = std::make_shared<wire::Lease>(*archive.lease());
      data_ = reinterpret_cast<T*>(const_cast<std::byte*>(view.data()));
    } else {
      std::shared_ptr<std::byte[]> copy(static_cast<std::byte*>(::operator new[](count + 1, std::align_val_t{64})),
                                        [](std::byte* p) { ::operator delete[](p, std::align_val_t{64}); });
      std::memcpy(copy.get(), view.data(), count);
      data_ = reinterpret_cast<T*>(copy.get());
      keeper_ = std::move(copy);
    }
  }

 private:
  friend ObjectRef<Array> put(Array array) {
    runtime::ObjectState* state = nullptr;
    if (array.block_) state = runtime::put_block(*array.block_, runtime::value_type_of<Array>());
    if (!state) state = runtime::put_value(std::move(array));  // not from an arena, or put before
    return runtime::Access::make<ObjectRef<Array>>(state);
  }
  static constexpr std::size_t header_bytes = 64;
  static_assert(sizeof(Extents) <= header_bytes);
  std::size_t offset(const Extents& index) const noexcept {
    std::size_t at = 0;
    for (std::size_t i = 0; i < N; ++i) at = at * extents_[i] + index[i];
    return at;
  }

  Extents extents_{};
  T* data_ = nullptr;
  std::shared_ptr<runtime::ArenaBlock> block_;  // made here; empty when decoded
  std::shared_ptr<const void> keeper_;          // decoded: a lease, or memory of its own
};

}  // namespace ringray
