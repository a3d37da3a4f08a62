#pragma once
// Who sleeps, and who wakes whom. The protocol is explained in README.md.

#include <atomic>
#include <cstdint>
#include <mutex>

#include "ringray/base/time.hpp"

namespace ringray::execution {

/// The place of one worker among the sleepers.
class Sleeper {
 public:
  Sleeper();
  ~Sleeper();
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;

 private:
  friend class Sleepers;
  std::atomic<std::uint32_t> called_{0};
  bool asleep_ = false;  ///< in the list; guarded by Sleepers::mutex_
  Sleeper* next_ = nullptr;
  Sleeper* previous_ = nullptr;
  int bell_;  ///< eventfd that it sleeps on as the watcher; its own, so that no other can take the ring away
};

/// The idle workers of a pool: those that search (spin) and those that sleep. One of the sleepers is the watcher, who
/// sleeps on descriptors and timers instead of a futex. Any thread, except where noted.
class Sleepers {
 public:
  Sleepers() = default;
  Sleepers(const Sleepers&) = delete;
  Sleepers& operator=(const Sleepers&) = delete;

  /// Own worker. An idle worker searches; it stops when it found something, or to sleep.
  void start_search() noexcept { searching_.fetch_add(1, std::memory_order_seq_cst); }
  /// True: nobody else searches, so that wakes were suppressed for the sake of this worker alone.
  bool stop_search() noexcept { return searching_.fetch_sub(1, std::memory_order_seq_cst) == 1; }

  enum class Role { watcher, plain };
  /// Own worker, searching: from here on it can be called. It then must look for work once more before sleeping.
  Role lie_down(Sleeper& sleeper) noexcept;
  /// Own worker, after lie_down(): sleeps until called. For the watcher also until `descriptor` (-1: none) is readable
  /// or `deadline`.
  void sleep(Sleeper& sleeper, Role role, int descriptor, base::Nanoseconds deadline) noexcept;
  /// Own worker, after lie_down(), asleep or not: it searches again.
  void get_up(Sleeper& sleeper) noexcept;

  /// After something was queued for anybody, or anything else was published that sleepers look at.
  void wake_if_needed() noexcept {
    if (searching_.load(std::memory_order_seq_cst) == 0 && sleeping_.load(std::memory_order_seq_cst) > 0) wake_one();
  }
  void wake_one() noexcept;              ///< one sleeper, if there is one and nobody searches
  void wake(Sleeper& sleeper) noexcept;  ///< this one, if it sleeps
  void wake_watcher() noexcept;          ///< so that it looks at the timers again
  void wake_all() noexcept;

  unsigned sleeping() const noexcept { return sleeping_.load(std::memory_order_seq_cst); }
  unsigned searching() const noexcept { return searching_.load(std::memory_order_relaxed); }
  bool watched() const noexcept { return watcher_.load(std::memory_order_seq_cst) != nullptr; }

 private:
  void take_out(Sleeper& sleeper) noexcept;  // mutex_ is held
  static void call(Sleeper& sleeper, bool watcher) noexcept;

  std::atomic<unsigned> searching_{0};
  std::atomic<unsigned> sleeping_{0};
  std::mutex mutex_;
  Sleeper* first_ = nullptr;                ///< guarded by mutex_; newest first: its caches are warm
  std::atomic<Sleeper*> watcher_{nullptr};  ///< written under mutex_
};

}  // namespace ringray::execution
