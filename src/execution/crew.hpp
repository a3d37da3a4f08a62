#pragma once
// What the workers of a pool share.

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "ringray/execution/fiber_pool.hpp"
#include "ringray/execution/helper.hpp"
#include "ringray/execution/pool.hpp"
#include "ringray/execution/sleepers.hpp"
#include "ringray/execution/timers.hpp"
#include "ringray/execution/worker.hpp"

namespace ringray::execution {

/// First in, first out, for runnables that come from outside or that yielded. Any thread.
class Injection {
 public:
  void push(Runnable& runnable) {
    std::lock_guard lock(mutex_);
    queue_.push_back(&runnable);
    count_.store(queue_.size(), std::memory_order_seq_cst);
  }
  Runnable* pop() {
    if (size() == 0) return nullptr;
    std::lock_guard lock(mutex_);
    if (queue_.empty()) return nullptr;
    auto* runnable = queue_.front();
    queue_.pop_front();
    count_.store(queue_.size(), std::memory_order_seq_cst);
    return runnable;
  }
  std::size_t size() const noexcept { return count_.load(std::memory_order_seq_cst); }

 private:
  std::mutex mutex_;
  std::deque<Runnable*> queue_;  ///< guarded by mutex_
  std::atomic<std::size_t> count_{0};
};

/// Any thread.
class Crew {
 public:
  Crew(Pool& pool, const Pool::Options& options, Pool::Poller* poller);
  ~Crew();

  void schedule(Runnable& runnable);
  void inject(Runnable& runnable);  ///< the same, but behind all others
  Runnable* steal(Worker& thief, std::uint64_t first_victim);
  bool anything_queued() const noexcept;
  std::size_t queued() const noexcept;

  Pool& pool;
  const Pool::Options options;
  const std::uint64_t spin_cycles, cycles_between_timers;
  Pool::Poller* const poller;
  FiberPool fibers;
  Sleepers sleepers;
  Timers timers;
  Injection injection;
  std::vector<std::unique_ptr<Worker>> workers;
  std::atomic<bool> stopping{false};
  Helper helper;
};

}  // namespace ringray::execution
