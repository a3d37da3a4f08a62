#pragma once
// Which running tasks were asked to stop. Off the fast path: one load while nobody cancels.

#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ringray/observe/waits.hpp"
#include "ringray/runtime/record.hpp"

namespace ringray::runtime {

/// Any thread.
///
/// A task knows the serial of its parent only. So a recursive cancel goes down the tree through the tasks that are
/// known: those that wait, those that asked for their token, and those in whose waits these run. A task that computes
/// meanwhile is known when it next submits, waits or ends; what it submitted is then reached.
class Cancellations {
 public:
  /// The stop token of the running task; it is remembered until the task ended().
  std::stop_token token(const Running& now);
  /// Asks the task to stop, and with `recursive` all tasks that it submitted, also those that it will submit.
  void cancel(const Record& record, bool recursive);
  /// The same for a call from another rank, wherever it is: among those that wait for the actor's turn, or running.
  void cancel_call(Rank caller, std::uint64_t correlation, bool recursive);
  /// The job ends: everything is asked to stop, and what has not started does not start, without a line of log for what
  /// nobody waits for: accepted one-way calls and published values, exactly_once or not.
  void cancel_all();
  /// Another job begins in this process.
  void clear();
  /// False: nobody was cancelled of late, and all other questions are answered with no.
  static bool any() noexcept { return any_.load(std::memory_order_seq_cst); }
  /// Whether the task, which is about to run or runs, was asked to stop or comes from one that was.
  /// Whether the job ends, and with it all that runs.
  static bool all() noexcept { return all_.load(std::memory_order_relaxed); }
  bool is_cancelled(const Record& record) { return any() && look_up(record); }
  /// Whether the task that submitted it was cancelled with its children.
  bool parent_is_cancelled(const Record& record) { return any() && is_recursive(record.parent); }
  /// Whether a cancel of the task was to reach its children.
  bool is_cancelled_with_children(const Record& record) {
    return any() && (is_recursive(record.serial) || is_recursive(record.parent));
  }
  /// A task runs of which not everybody knows: passes on to it, and to those around it, what concerns them. True: some
  /// tasks are cancelled now that were not before.
  bool learn(const Running& now);
  /// A task or call is complete.
  void ended(std::uint64_t serial, Rank caller = {}, std::uint64_t correlation = 0);
  /// Forgets what ended long ago. Called now and then.
  void forget_old(base::Nanoseconds now);

  struct Kin {
    std::uint64_t serial, parent;
    std::pair<Rank, std::uint64_t> origin;  ///< caller and correlation, when it came from another rank
  };
  using Family = std::vector<Kin>;  ///< a task and those in whose waits it runs

 private:
  struct Entry {
    std::stop_source source;
    Family family;
  };
  using Sources = std::vector<std::stop_source>;  // their callbacks run without the lock

  bool look_up(const Record& record);
  bool is_recursive(std::uint64_t serial);
  void count();
  void mark(std::uint64_t serial, bool recursive, Sources& sources);
  /// Whether somebody asked for what this task does not know yet: to stop; with its children.
  std::optional<bool> news(const Kin& one) const;
  void spread(Family known, Sources& sources);

  static inline constinit std::atomic<bool> any_{false}, all_{false};  // one process, one job at a time
  std::mutex mutex_;                                                   // guards all below
  std::unordered_map<std::uint64_t, Entry> stoppable_;                 // running tasks that asked for their token
  std::unordered_set<std::uint64_t> stopped_;                          // asked to stop
  std::unordered_set<std::uint64_t> recursive_;                        // and their children too
  struct AskedCall {
    bool recursive;
    base::Nanoseconds at;
  };
  std::map<std::pair<Rank, std::uint64_t>, AskedCall> asked_calls_;
  std::deque<std::pair<base::Nanoseconds, std::uint64_t>> ended_;  // of recursive_: children may not know yet
};

Cancellations& cancellations() noexcept;

/// Put around every point where a task may wait: names it in the hang report, and lets a cancel reach its children.
class TaskWait {
 public:
  explicit TaskWait(std::string_view what, observe::Thing target = {});

 private:
  observe::Wait wait_;
};

/// For reports: what runs as `now`, which outlives the wait. "task 'fft'", or "the driver".
observe::Thing who_waits(const Running& now);
/// For reports: what a wait waits for, "the result of task 'fft' on rank 3"; the state outlives the wait.
observe::Thing waited_for(const ObjectState& state);
/// The same for several: how many are missing, and the first of those.
using States = std::span<ObjectState* const>;
observe::Thing waited_for(const States& states);

/// What others can use while a task waits: its cpus, and the room that its arguments were granted.
class GiveBack {
 public:
  GiveBack();
  ~GiveBack();
  GiveBack(const GiveBack&) = delete;
  GiveBack& operator=(const GiveBack&) = delete;

 private:
  Record* record_ = nullptr;
};
/// Saturates, so that the longest timeout is for ever.
base::Nanoseconds deadline_after(base::Nanoseconds timeout) noexcept;

/// A task that runs goes through one of the runtime's functions: passes on a cancel that it did not know of.
void heed_cancel();

}  // namespace ringray::runtime
