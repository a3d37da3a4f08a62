#include "ringray/device/bell.hpp"

#include "ringray/execution/futex.hpp"

namespace ringray::device {

void Bell::wake() noexcept {
  word_.fetch_add(2, std::memory_order_release);  // who is about to sleep does not
  const auto result = syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
  RINGRAY_ASSERT(result >= 0, "futex wake");
}

bool Bell::sleep(std::uint32_t seen, base::Nanoseconds deadline) noexcept {
  if (deadline != base::Nanoseconds::max() && base::now() >= deadline) return false;
  execution::futex_wait(word_, seen, deadline);
  return true;
}

}  // namespace ringray::device
