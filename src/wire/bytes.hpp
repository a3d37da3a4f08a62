#pragma once
// Owned and shared runs of bytes.

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

namespace ringray::wire {

using View = std::span<const std::byte>;

/// Bytes that somebody keeps alive: an arena block, a heap buffer, a mapped file. Copying shares. Any thread may
/// read; nobody writes after the first share.
class Lease {
 public:
  Lease() = default;
  Lease(View view, std::shared_ptr<const void> keeper) : view_(view), keeper_(std::move(keeper)) {}
  View view() const noexcept { return view_; }
  std::size_t size() const noexcept { return view_.size(); }
  explicit operator bool() const noexcept { return keeper_ != nullptr; }

 private:
  View view_;
  std::shared_ptr<const void> keeper_;
};

}  // namespace ringray::wire
