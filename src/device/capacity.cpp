#include "ringray/device/capacity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "ringray/base/check.hpp"

namespace ringray::device {

Result<std::uint32_t> capacity_log2(std::uint64_t capacity) {
  if (capacity < capacity_min || capacity > capacity_max)
    return failure(Errc::config, fmt::format("queue_capacity {} is not between {} and {} (cells lie in the device's "
                                             "memory); take 1024",
                                             capacity, capacity_min, capacity_max));
  if (!std::has_single_bit(capacity))
    return failure(Errc::config,
                   fmt::format("queue_capacity {} is no power of two (cells are found by a mask); take {} or {}",
                               capacity, std::bit_floor(capacity), std::bit_ceil(capacity)));
  return static_cast<std::uint32_t>(std::countr_zero(capacity));
}

std::uint32_t suggest_capacity(const Traffic& traffic) {
  const double cells = std::ceil(traffic.messages_per_second * traffic.headroom_seconds) *
                       static_cast<double>(traffic.cells_per_message);
  if (!(cells > capacity_min)) return capacity_min;  // also when it is no number
  if (cells >= capacity_max) return capacity_max;
  return std::bit_ceil(static_cast<std::uint32_t>(cells));
}

Fill fill_of(std::uint64_t depth, std::uint64_t capacity) {
  if (depth * 10 >= capacity * 9) return Fill::critical;
  return depth * 4 >= capacity * 3 ? Fill::warning : Fill::normal;
}

std::uint32_t ring_of(std::uint32_t source, std::uint32_t rings) {
  RINGRAY_ASSERT(rings > 0);
  // Fibonacci hashing (Knuth, The Art of Computer Programming 3, 6.4): neighbouring sources go to different rings.
  return static_cast<std::uint32_t>((static_cast<std::uint64_t>(source * 2654435769u) * rings) >> 32);
}

double imbalance(const std::uint64_t* messages, std::uint32_t rings) {
  double sum = 0, most = 0;
  for (std::uint32_t i = 0; i < rings; ++i) {
    sum += static_cast<double>(messages[i]);
    most = std::max(most, static_cast<double>(messages[i]));
  }
  return sum == 0 ? 0 : most * rings / sum;
}

}  // namespace ringray::device
