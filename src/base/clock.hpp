#pragma once
// Hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014) in one word:
// 48 bit physical time in units of 2^16 ns (65.5 µs, 584 years) | 16 bit logical counter. The pure functions are those
// of host and device; zero is before all times.

#include <atomic>
#include <compare>
#include <cstdint>

#include "ringray/base/portable.hpp"

namespace ringray::base {

/// The least time that clocks give when the wall clock shows `wall_ns`.
RINGRAY_DEVICE constexpr std::uint64_t hybrid_at(std::uint64_t wall_ns) { return wall_ns & ~std::uint64_t{0xffff}; }
/// A time later than `last` and not before the wall clock.
RINGRAY_DEVICE constexpr std::uint64_t hybrid_tick(std::uint64_t last, std::uint64_t wall_ns) {
  return last + 1 > hybrid_at(wall_ns) ? last + 1 : hybrid_at(wall_ns);
}
/// A time later than `last` and than `received`, and not before the wall clock.
RINGRAY_DEVICE constexpr std::uint64_t hybrid_receive(std::uint64_t last, std::uint64_t wall_ns,
                                                      std::uint64_t received) {
  return hybrid_tick(last > received ? last : received, wall_ns);
}
/// `received` is further ahead of the wall clock than clocks may be apart: it must not be taken over.
RINGRAY_DEVICE constexpr bool is_skewed(std::uint64_t received, std::uint64_t wall_ns, std::uint64_t drift_ns_max) {
  return hybrid_at(received) > hybrid_at(wall_ns) && hybrid_at(received) - hybrid_at(wall_ns) > drift_ns_max;
}

/// Totally ordered: of equal times that of the lower rank is first.
struct HybridTime {
  std::uint64_t time = 0;
  std::uint32_t rank = 0;
  std::uint64_t physical_ns() const noexcept { return hybrid_at(time); }
  std::uint16_t logical() const noexcept { return static_cast<std::uint16_t>(time); }
  auto operator<=>(const HybridTime&) const = default;
};

class HybridClock {
 public:
  /// A time later than every time that this clock gave or received. `wall_ns`: wall clock in ns. Any thread.
  std::uint64_t tick(std::uint64_t wall_ns) noexcept { return receive(wall_ns, 0); }
  /// Receives a time from another rank; the result is later than it. Any thread.
  std::uint64_t receive(std::uint64_t wall_ns, std::uint64_t other) noexcept {
    auto last = last_.load(std::memory_order_relaxed);
    std::uint64_t next;
    do next = hybrid_receive(last, wall_ns, other);
    while (!last_.compare_exchange_weak(last, next, std::memory_order_relaxed));
    return next;
  }
  std::uint64_t last() const noexcept { return last_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> last_{0};
};

}  // namespace ringray::base
