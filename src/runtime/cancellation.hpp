#pragma once
// Which running tasks were asked to stop. Off the fast path: one relaxed load while nobody cancels.

#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <stop_token>
#include <unordered_set>

#include "ringray/runtime/record.hpp"

namespace ringray::runtime {

/// Any thread.
class Cancellations {
 public:
  /// The stop token of a running task; it is remembered until forget().
  std::stop_token token(Record& record);
  void forget(std::uint64_t serial);
  /// Asks the task to stop, and with `recursive` all tasks that it submitted, also those that it will submit.
  void cancel(std::uint64_t serial, bool recursive);
  /// The job ends: everything is asked to stop, and what has not started does not start.
  void cancel_all();
  /// Another job begins in this process.
  void clear();
  bool is_cancelled(const Record& record) {
    return any_.load(std::memory_order_acquire) && look_up(record.serial, record.parent);
  }
  bool descends(const Record& record, std::uint64_t ancestor) {
    return record.parent == ancestor || (any_.load(std::memory_order_acquire) && look_up(record.serial, record.parent));
  }

 private:
  bool look_up(std::uint64_t serial, std::uint64_t parent);
  void mark(std::uint64_t serial, bool recursive);

  struct Entry {
    std::uint64_t parent = 0;
    std::stop_source source;
  };
  std::atomic<bool> any_{false};
  std::mutex mutex_;  // guards all below
  bool all_ = false;
  std::map<std::uint64_t, Entry> stoppable_;     // running tasks that asked for their token
  std::unordered_set<std::uint64_t> stopped_;    // asked to stop
  std::unordered_set<std::uint64_t> recursive_;  // and their children too
  std::deque<std::uint64_t> order_;              // of stopped_, so that it stays bounded
};

Cancellations& cancellations() noexcept;

}  // namespace ringray::runtime
