#pragma once
// Signals that ask a rank something: SIGTERM (leave) and SIGUSR2 (say what you wait for).

#include <array>
#include <csignal>
#include <functional>
#include <initializer_list>
#include <thread>
#include <utility>
#include <vector>

#include "ringray/base/result.hpp"

namespace ringray::observe {

/// Calls `react(signal)` on a thread of its own, where it may lock, allocate and write, unlike in a signal handler.
/// At most one lives in a process. Destroying it restores what the signals did before. One thread.
class SignalWatch {
 public:
  using React = std::function<void(int signal)>;
  explicit SignalWatch(React react, std::initializer_list<int> signals = {SIGTERM, SIGUSR2});
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
  /// Waits until a running `react` returned; it must not be called from `react`.
  ~SignalWatch();
  /// Calls `react` as if the signal had come; false: none lives. Any thread, and signal handlers.
  static bool tell(int signal) noexcept;

 private:
  void watch();

  React react_;
  std::array<int, 2> pipe_{-1, -1};
  std::vector<std::pair<int, struct sigaction>> previous_;
  std::thread thread_;
};

}  // namespace ringray::observe
