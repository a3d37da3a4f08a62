#pragma once
// Hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014) in one word:
// 48 bit physical time in units of 2^16 ns (65.5 µs, 584 years) | 16 bit logical counter.

#include <atomic>
#include <cstdint>

namespace ringray::base {

class HybridClock {
 public:
  /// A time later than every time that this clock gave or received. `wall_ns`: wall clock in ns. Any thread.
  std::uint64_t tick(std::uint64_t wall_ns) noexcept { return advance(wall_ns & ~0xffffull); }
  /// Receives a time from another rank; the result is later than it. Any thread.
  std::uint64_t receive(std::uint64_t wall_ns, std::uint64_t other) noexcept {
    const auto wall = wall_ns & ~0xffffull;
    return advance(other >= wall ? other + 1 : wall);
  }
  std::uint64_t last() const noexcept { return last_.load(std::memory_order_relaxed); }

 private:
  std::uint64_t advance(std::uint64_t least) noexcept {
    auto last = last_.load(std::memory_order_relaxed);
    std::uint64_t next;
    do next = last + 1 > least ? last + 1 : least;
    while (!last_.compare_exchange_weak(last, next, std::memory_order_relaxed));
    return next;
  }
  std::atomic<std::uint64_t> last_{0};
};

}  // namespace ringray::base
