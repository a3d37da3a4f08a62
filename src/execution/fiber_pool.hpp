#pragma once
// Fibers: stacks that a worker can leave and come back to.

#include <cstddef>
#include <mutex>
#include <optional>
#include <unordered_set>
#include <vector>

#include "ringray/execution/fiber.hpp"
#include "ringray/execution/sanitizer.hpp"
#include "ringray/execution/stack.hpp"
#include "ringray/execution/work.hpp"

namespace ringray::execution {

class Crew;
class Worker;

/// A stack and where it stopped. One thread at a time: the one that runs it, else whoever was given the right to.
/// As a Runnable, it means: leave the loop fiber for this one.
class Fiber : public Runnable {
 public:
  /// What happens on the new stack right after a switch, when the old fiber may already be resumed by others.
  using After = void (*)(void*) noexcept;

  /// The native stack of the calling thread, which is worker `home` and the only one that can resume it.
  Fiber(Crew& crew, Worker& home);
  /// A loop fiber. Throws std::bad_alloc.
  Fiber(Crew& crew, std::size_t stack_bytes);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Leaves this fiber, which runs, for `target`, which does not; returns when some worker switches back.
  void switch_to(Fiber& target, After after, void* argument);
  /// Queues this fiber, which does not run, for a worker that may run it. Any thread.
  void make_ready() noexcept;
  /// Bytes of stack below the caller's frame.
  std::size_t stack_left() const noexcept {
    return static_cast<std::size_t>(static_cast<char*>(__builtin_frame_address(0)) - low_);
  }

  /// Whether an access to `address` went beyond the stack's end.
  bool overflows_at(const void* address) const noexcept;
  std::size_t stack_bytes() const noexcept { return bytes_; }

  Crew& crew;
  Worker* const home;  ///< null: may migrate
  Contexts contexts;

 private:
  struct Switch;
  static void arrive(void* point, void* record);
  friend struct Entry;

  void* point_ = nullptr;  ///< fcontext_t: where it goes on
  sanitizer::State sanitizer_;
  std::optional<Stack> stack_;
  char* low_;
  std::size_t bytes_;
};

/// All loop fibers of a pool and those that are idle. Any thread.
class FiberPool {
 public:
  FiberPool(Crew& crew, std::size_t stack_bytes) : crew_(crew), stack_bytes_(stack_bytes) {}
  ~FiberPool();
  Fiber& take();  ///< idle or new; throws std::bad_alloc
  void give_back(Fiber& fiber) noexcept;
  std::size_t not_idle() const;  ///< running a loop, suspended, or spare of a worker

 private:
  static constexpr std::size_t idle_max = 1024;  ///< more are unmapped
  Crew& crew_;
  const std::size_t stack_bytes_;
  mutable std::mutex mutex_;
  std::vector<Fiber*> idle_;        ///< guarded by mutex_; newest last, its stack is warm
  std::unordered_set<Fiber*> all_;  ///< guarded by mutex_
};

}  // namespace ringray::execution
