#pragma once
// Who holds the baton may drive the transport and the state machines of this rank.

#include <sched.h>

#include <atomic>
#include <cstdint>

#include "ringray/base/time.hpp"

namespace ringray::runtime {

/// A spin lock for critical sections of about a microsecond, with one difference: pollers, who take it all the time,
/// stand back while anybody else wants it. Any thread; not recursive.
class Baton {
 public:
  /// For pollers: false when it is held or wanted.
  bool try_take() noexcept {
    return wanted_.load(std::memory_order_relaxed) == 0 && !held_.load(std::memory_order_relaxed) &&
           !held_.exchange(true, std::memory_order_acquire);
  }
  void take() noexcept {
    if (held_.exchange(true, std::memory_order_acquire)) wait();
  }
  /// For reports: false when it was not to be had in time.
  bool take_within(base::Nanoseconds time) noexcept {
    for (const auto end = base::now() + time; base::now() < end; sched_yield())
      if (!held_.exchange(true, std::memory_order_acquire)) return true;
    return false;
  }
  void give() noexcept { held_.store(false, std::memory_order_release); }

 private:
  [[gnu::noinline, gnu::cold]] void wait() noexcept {
    wanted_.fetch_add(1, std::memory_order_relaxed);
    for (unsigned spins = 1;; ++spins) {
      if (!held_.load(std::memory_order_relaxed) && !held_.exchange(true, std::memory_order_acquire)) break;
      if (spins % 64 == 0)
        sched_yield();  // the holder may have lost its core
      else
        base::pause();
    }
    wanted_.fetch_sub(1, std::memory_order_relaxed);
  }
  alignas(64) std::atomic<bool> held_{false};
  alignas(64) std::atomic<std::uint32_t> wanted_{0};
};

}  // namespace ringray::runtime
