#pragma once
// One worker thread: what it runs next. Its states are explained in README.md.

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

#include "ringray/base/random.hpp"
#include "ringray/execution/deque.hpp"
#include "ringray/execution/fiber_pool.hpp"
#include "ringray/execution/interrupt.hpp"
#include "ringray/execution/sleepers.hpp"
#include "ringray/execution/work.hpp"

namespace ringray::execution {

class Crew;

/// Own thread only, except where noted.
class alignas(64) Worker {
 public:
  Worker(Crew& crew, unsigned index) : crew(crew), random_(index + 1) {}

  /// The worker that the calling thread is, or null. Ask again after everything that may switch fibers.
  static Worker* here() noexcept;

  /// Native stack of the thread: runs `main` pinned to this thread, then the loop until the crew stops.
  void run(const std::function<void()>& main);
  /// What a loop fiber does for ever.
  [[noreturn]] static void loop();
  /// `execute` of a Fiber: goes on with it; the loop fiber becomes idle.
  static void resume(Runnable& fiber);

  void schedule(Runnable& runnable);
  bool poll_for(const Work& work);
  /// Any thread: the native stack's fiber can go on.
  void root_ready() noexcept;
  /// Suspends the running fiber for another loop fiber. Throws std::bad_alloc before anything happened.
  void leave_fiber(Fiber::After after, void* argument);
  /// After a switch: queues a fiber that wants others to run first.
  static void yielded(Fiber& fiber) noexcept;
  /// Runs the body of `work` on the running fiber, if nobody has claimed it yet.
  static bool run_inline(Work& work);

  Runnable* steal() noexcept { return deque_.steal(); }                                    ///< any thread
  std::size_t queued() const noexcept { return deque_.size(); }                            ///< any thread
  std::uint64_t polls() const noexcept { return polls_.load(std::memory_order_relaxed); }  ///< any thread
  bool in_poll() const noexcept { return in_poll_; }
  void polled(std::uint64_t cycles) noexcept {
    polled_at_ = cycles;
    polls_.store(polls_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  /// Any thread: sends a signal to the thread, whose handler calls answer(). False: there is no thread now, or it is a
  /// sleeper that is spared.
  bool interrupt(int signal, InSystemCall sleepers);
  void answer() noexcept;
  bool answering() const noexcept { return answering_.load(); }                                ///< any thread
  std::uint32_t answers() const noexcept { return answers_.load(std::memory_order_acquire); }  ///< any thread
  void* kept() const noexcept { return kept_; }                                                ///< after an answer
  std::uint64_t turns() const noexcept { return turns_.load(std::memory_order_relaxed); }      ///< any thread

  Crew& crew;
  Fiber* fiber = nullptr;  ///< the running one

 private:
  void take_turn() noexcept { turns_.store(turns_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }
  Runnable* next();
  Runnable* find();
  bool take_root() noexcept;
  Runnable* idle();
  void lie_down();
  bool nothing_to_do() const noexcept;
  bool may_leave() const noexcept;
  bool poll();
  void sweep();
  Fiber& loop_fiber();
  static void put_away(void* loop_fiber) noexcept;

  Deque<Runnable> deque_;
  Sleeper sleeper_;
  Runnable* slot_ = nullptr;  ///< what poll() made ready first: not stolen, runs next
  Fiber* root_ = nullptr;     ///< the native stack
  Fiber* spare_ = nullptr;    ///< an idle loop fiber
  std::uint32_t ticks_ = 0;
  std::uint64_t polled_at_ = 0;  ///< cycles
  std::uint64_t timed_at_ = 0;   ///< cycles; when the timers were looked at
  std::size_t stale_ = 0;        ///< at most so many entries of deque_ were claimed by run_inline
  bool in_poll_ = false;
  bool poll_first_ = false;  ///< a fiber yielded
  bool root_last_ = false;   ///< it was the root
  bool main_done_ = false;
  base::Random random_;
  alignas(64) std::atomic<bool> root_ready_{false};
  std::atomic<std::uint64_t> polls_{0};
  std::atomic<std::uint64_t> turns_{0};
  std::atomic<std::uint32_t> answers_{0};
  std::atomic<bool> answering_{false};
  std::uint32_t answered_ = 0;  ///< the last question
  void* kept_ = nullptr;        ///< written before answers_ grows
  std::mutex mutex_;
  std::optional<pthread_t> thread_;  ///< while it runs; guarded by mutex_
  pid_t kernel_thread_ = 0;          ///< of thread_; guarded by mutex_
  std::atomic<bool> lies_{false};    ///< what it sleeps in is its own
};

}  // namespace ringray::execution
