#pragma once
// The thread that answers the outside world while every worker is in user code.

#include <atomic>
#include <cstdint>
#include <thread>

namespace ringray::execution {

class Crew;

/// start, stop: who runs the pool. wake: any thread.
class Helper {
 public:
  explicit Helper(Crew& crew) : crew_(crew) {}
  void start();
  void stop();
  /// A worker got up: somebody must watch the time again.
  void wake() noexcept;

 private:
  enum State : std::uint32_t { ticking = 0, resting = 1, stopped = 2 };
  void loop();
  void rest_if_all_sleep();
  void stand_in();
  bool stopping() const noexcept { return state_.load(std::memory_order_seq_cst) == stopped; }
  std::uint64_t polls() const noexcept;

  Crew& crew_;
  std::atomic<std::uint32_t> state_{ticking};
  int bell_ = -1;  ///< eventfd: stop() while the helper sleeps on the descriptor
  std::thread thread_;
};

}  // namespace ringray::execution
