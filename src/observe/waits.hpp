#pragma once
// What waits for what, so that a rank that hangs can say why.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "ringray/base/time.hpp"

namespace ringray::observe {

/// What a report names. The name is made when somebody asks: that takes longer than most waits.
struct Thing {
  const void* it = nullptr;
  std::string (*name)(const void* it) = nullptr;
};

/// Registers a wait for the time of its scope; put one around every point where user code may wait for other ranks,
/// threads or devices. About 50 ns. May be made on one thread and destroyed on another: it lives on a fiber's stack.
class Wait {
 public:
  /// All must outlive the wait. `what`: "get"; `target`: "object 3.0.17 of rank 3"; `task`: "task 'fft'".
  explicit Wait(std::string_view what, Thing target = {}, Thing task = {}) noexcept;
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;
  ~Wait();

 private:
  friend struct WaitList;
  Wait* next_;
  Wait** link_;  // what points to this wait
  std::string_view what_;
  Thing target_, task_;
  base::Nanoseconds since_;
  std::uint32_t list_;
};

/// Number of waits that are registered now. Any thread.
std::size_t wait_count();

/// Calls f with the task of each wait that has one. f must not wait. Any thread.
void for_each_waiting_task(const std::function<void(const void* task)>& f);

/// All waits; nothing when there are none. The oldest first: "   12.3 s  get object 3.0.17 of rank 3, in task 'fft'",
/// one line each; at most 100 lines and how many more there are. Any thread, but not a signal handler.
std::string hang_report(base::Nanoseconds now = base::now());

}  // namespace ringray::observe
