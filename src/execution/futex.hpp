#pragma once
// The Linux futex, as the two calls that this room needs.

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <ctime>

#include "ringray/base/check.hpp"
#include "ringray/base/time.hpp"

namespace ringray::execution {

inline timespec to_timespec(base::Nanoseconds time) noexcept {
  return {static_cast<std::time_t>(time.count() / 1'000'000'000), static_cast<long>(time.count() % 1'000'000'000)};
}

/// Sleeps while `word` is `value`; returns when woken, when it is not, on a signal, or at `deadline` (base::now()).
inline void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t value,
                       base::Nanoseconds deadline = base::Nanoseconds::max()) noexcept {
  const auto time = to_timespec(deadline);
  const auto* limit = deadline == base::Nanoseconds::max() ? nullptr : &time;
  const auto result =
      syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, value, limit, nullptr, FUTEX_BITSET_MATCH_ANY);
  RINGRAY_ASSERT(result == 0 || errno == EAGAIN || errno == EINTR || errno == ETIMEDOUT, "futex wait");
}

/// Wakes at most one sleeper. The word itself may be gone already: the kernel then finds nobody.
inline void futex_wake_one(std::atomic<std::uint32_t>& word) noexcept {
  const auto result = syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  RINGRAY_ASSERT(result >= 0 || errno == EFAULT, "futex wake");
}

}  // namespace ringray::execution
