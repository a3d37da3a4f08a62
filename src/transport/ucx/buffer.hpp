#pragma once
// Buffers that ordered messages are coalesced in, and the pool that they come from.

#include <cstddef>
#include <cstdint>
#include <new>

#include "ringray/transport/packet.hpp"

namespace ringray::transport::ucx {

/// The largest packet that one fragment of UCX's shared memory (8256 bytes) and tcp (8192 bytes) transports carries
/// with their headers, so that a packet is decoded in the receive queue without being copied.
inline constexpr std::uint32_t packet_bytes_usual = 8128;

/// A packet under construction or on its way. The bytes follow the object.
struct alignas(64) Buffer {
  std::uint32_t capacity = 0;
  std::uint32_t used = 0;
  Buffer* next = nullptr;
  void* owner = nullptr;
  std::byte* bytes() noexcept { return reinterpret_cast<std::byte*>(this + 1); }
  wire::View view() noexcept { return {bytes(), used}; }
  bool has_room(std::size_t size) const noexcept { return used + size <= capacity; }
};
static_assert(sizeof(Buffer) == 64);

/// Baton holder only.
class BufferPool {
 public:
  BufferPool() = default;
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  ~BufferPool() {
    while (free_ != nullptr) destroy(std::exchange(free_, free_->next));
  }

  Buffer* take(std::size_t bytes) {
    ++taken_;
    if (bytes <= packet_bytes_usual) {
      if (free_ == nullptr) return create(packet_bytes_usual);
      --kept_;
      auto* buffer = std::exchange(free_, free_->next);
      buffer->used = 0;
      return buffer;
    }
    return create(static_cast<std::uint32_t>(bytes));
  }
  void give(Buffer* buffer) noexcept {
    --taken_;
    if (buffer->capacity != packet_bytes_usual || kept_ == kept_max) return destroy(buffer);
    ++kept_;
    buffer->next = std::exchange(free_, buffer);
  }
  /// Buffers that are under construction or on their way.
  std::size_t taken() const noexcept { return taken_; }

 private:
  static constexpr std::size_t kept_max = 256;  // 2 MiB
  static Buffer* create(std::uint32_t capacity) {
    auto* buffer = new (::operator new (sizeof(Buffer) + capacity, std::align_val_t{64})) Buffer;
    buffer->capacity = capacity;
    return buffer;
  }
  static void destroy(Buffer* buffer) noexcept { ::operator delete (buffer, std::align_val_t{64}); }
  Buffer* free_ = nullptr;
  std::size_t kept_ = 0;
  std::size_t taken_ = 0;
};

}  // namespace ringray::transport::ucx
