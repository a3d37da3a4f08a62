#pragma once
// What interrupts a worker in the middle of what it does: questions of other threads, and the end of its stack.

#include <signal.h>

#include <atomic>
#include <cstddef>
#include <memory>

#include "ringray/base/time.hpp"

namespace ringray::execution {

/// Called in a signal handler of the worker, with the context of the fiber that runs there: it may read and count.
using Keep = void* (*)(void* context) noexcept;

/// What a worker answered.
struct Look {
  bool answered = false;
  void* kept = nullptr;  ///< what Keep returned
};

/// A stack that came to its end.
struct Overflow {
  void* context = nullptr;  ///< of the fiber
  std::size_t stack_bytes = 0;
  bool fiber = false;  ///< false: the stack of the thread that runs worker 0
};
/// Called on another stack, in the signal handler; the process ends by the signal afterwards.
using Overflowed = void (*)(const Overflow&) noexcept;

/// While it lives, an overflow of a fiber's stack is reported before the signal does what it would do without. At most
/// one at a time lives in a process; nothing in sanitizer builds, which report it themselves.
class OverflowWatch {
 public:
  explicit OverflowWatch(Overflowed report);
  ~OverflowWatch();
  OverflowWatch(const OverflowWatch&) = delete;
  OverflowWatch& operator=(const OverflowWatch&) = delete;
};

/// The calling thread's stack for signal handlers, while it lives. One thread.
class SignalStack {
 public:
  SignalStack();
  ~SignalStack();
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;

 private:
  std::unique_ptr<char[]> memory_;
  stack_t before_{};
};

}  // namespace ringray::execution
