#include "ringray/base/time.hpp"

namespace ringray::base {

double cycles_per_microsecond() noexcept {
  static const double rate = [] {
    const auto start = now();
    const auto first = cycles();
    while (now() - start < std::chrono::microseconds(500)) pause();
    const auto last = cycles();
    return static_cast<double>(last - first) / std::chrono::duration<double, std::micro>(now() - start).count();
  }();
  return rate;
}

}  // namespace ringray::base
