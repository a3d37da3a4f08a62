#pragma once
// Timers of a pool.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

#include "ringray/base/time.hpp"

namespace ringray::execution {

/// Callbacks at points in time. Any thread. They run in a worker's loop or on the helper thread, never on a fiber of
/// the user, soon after they are due (late while all workers of a pool without helper are in user code), at most once,
/// and must not block or throw.
class Timers {
 public:
  struct Id {
    base::Nanoseconds deadline{};
    std::uint64_t sequence = 0;
    auto operator<=>(const Id&) const = default;
  };
  static constexpr base::Nanoseconds never = base::Nanoseconds::max();

  explicit Timers(std::function<void(base::Nanoseconds)> earlier_deadline) : earlier_(std::move(earlier_deadline)) {}

  Id at(base::Nanoseconds deadline, std::function<void()> callback);  ///< deadline: base::now()
  Id after(base::Nanoseconds delay, std::function<void()> callback) {
    const auto now = base::now();
    return at(delay > base::Nanoseconds::max() - now ? base::Nanoseconds::max() : now + delay, std::move(callback));
  }
  /// True: the callback will not run. False: it ran, or is running right now.
  bool cancel(Id id);

  base::Nanoseconds next() const noexcept { return base::Nanoseconds(next_.load(std::memory_order_seq_cst)); }
  /// Runs what is due; true if anything was. Loop and helper only.
  bool run_due();
  std::size_t pending() const;

 private:
  void publish_next();

  const std::function<void(base::Nanoseconds)> earlier_;  ///< told when the first deadline moves forward
  mutable std::mutex mutex_;
  std::map<Id, std::function<void()>> pending_;  ///< guarded by mutex_
  std::uint64_t sequence_ = 0;                   ///< guarded by mutex_
  std::atomic<std::int64_t> next_{never.count()};
};

}  // namespace ringray::execution
