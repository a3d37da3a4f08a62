#pragma once
// What interrupts a worker in the middle of what it does: questions of other threads, and its crash.

#include <signal.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "ringray/base/time.hpp"

namespace ringray::execution {

/// Called in a signal handler of the worker, with the context of the fiber that runs there: it may read and count.
using Keep = void* (*)(void* context) noexcept;

/// Whether workers are asked that sleep in a system call of a user's function which a signal would end early (poll,
/// nanosleep).
enum class InSystemCall : std::uint8_t { spared, woken };

/// What a worker answered.
struct Look {
  bool answered = false;
  void* kept = nullptr;  ///< what Keep returned
};

/// A signal that ends the process, in the middle of what a thread did.
struct Crash {
  int signal = 0;                 ///< SIGSEGV, SIGBUS, SIGFPE, SIGILL or SIGABRT
  const void* address = nullptr;  ///< that could not be used, or of the instruction; null: somebody sent the signal
  bool worker = false;            ///< of a pool
  void* context = nullptr;        ///< of the fiber
  std::size_t stack_bytes = 0;    ///< not 0: the fiber's stack came to its end
  bool thread_stack = false;      ///< then: it is that of the thread which runs worker 0
};
/// Called in the signal handler, mostly on a stack of its own: it may only do what signal handlers may. The process
/// ends by the signal afterwards.
using Crashed = void (*)(const Crash&) noexcept;

/// While it lives, a crash is reported before the signal does what it would do without. At most one at a time lives in
/// a process; nothing in sanitizer builds, which report it themselves.
class CrashWatch {
 public:
  explicit CrashWatch(Crashed report);
  ~CrashWatch();
  CrashWatch(const CrashWatch&) = delete;
  CrashWatch& operator=(const CrashWatch&) = delete;
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
