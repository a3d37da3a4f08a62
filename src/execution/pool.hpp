#pragma once
// The worker threads of one rank.

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "ringray/base/time.hpp"
#include "ringray/execution/fiber.hpp"
#include "ringray/execution/interrupt.hpp"
#include "ringray/execution/timers.hpp"
#include "ringray/execution/work.hpp"

namespace ringray::execution {

class Crew;

/// Any thread. Outlives every call; what it refers to outlives it.
class Pool {
 public:
  struct Options {
    unsigned workers = 0;         ///< 0: one per processor of the cpuset
    bool pin = false;             ///< bind each worker to a processor of the cpuset
    bool oversubscribed = false;  ///< more busy threads than processors on this host: idle workers give way at once
    std::size_t stack_bytes = 256 * 1024;
    std::optional<base::Nanoseconds> spin{};  ///< idle time before sleeping; default 50 µs, oversubscribed 5 µs
    Crashed crashed = nullptr;                ///< told when a thread of the process crashes, before it ends
  };

  /// How the pool drives the outside world. One poller may be asked by several threads at a time: it holds the baton.
  class Poller {
   public:
    virtual ~Poller() = default;
    /// Tries the baton; drives transport and state machines. True if something happened. Must not wait for a Work, and
    /// on a worker must not run users' code: the stack may be that of a task that waits, and holds locks of users.
    /// What it schedules first, the polling worker runs next.
    virtual bool poll() = 0;
    /// Becomes readable when poll() has something to do, once arm() returned true. -1: none.
    virtual int descriptor() = 0;
    /// False: poll again instead of sleeping.
    virtual bool arm() = 0;
    /// Something has to be polled for that the descriptor does not tell of. Any thread.
    virtual bool waits_for_poll() { return false; }
  };

  explicit Pool(Options options, Poller* poller = nullptr);
  ~Pool();  ///< works that are still queued are released, suspended fibers are unmapped as they are
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Once. The calling thread becomes worker 0 and calls `main` on its own stack, as a fiber that no other thread
  /// resumes. Returns (or throws what `main` threw) after main returned, stop() was called and the workers were idle.
  void run(std::function<void()> main = {});
  /// Workers leave when they find nothing more to run.
  void stop() noexcept;

  /// Queues for any worker: newest first on the own queue when called by a worker, oldest first otherwise. At most one
  /// sleeper is woken. A Work's reference that belongs to the queue is handed over here; it becomes ready.
  void schedule(Runnable& runnable);
  void schedule(Work& work) {
    work.make_ready();
    schedule(static_cast<Runnable&>(work));
  }
  /// Takes the oldest queued Work that nobody has claimed, with the queue's reference; null when there is none. The
  /// taker claims it before it is shipped, because a waiter may still be faster, or schedules it again.
  Work* steal_for_other_rank();

  std::size_t queued_estimate() const noexcept;  ///< includes stale entries
  unsigned workers() const noexcept;
  unsigned busy() const noexcept;  ///< workers that neither search nor sleep
  unsigned asleep() const noexcept;
  std::size_t fibers() const noexcept;  ///< loop fibers that are not idle: running, suspended, or a worker's spare
  Timers& timers() noexcept;

  /// What each worker runs, as `keep` finds it there. A worker whose thread does not run, or blocks signals, does not
  /// answer within `patience`. Not from two threads at a time: the second gets no answers. Any thread.
  std::vector<Look> look(Keep keep, base::Nanoseconds patience, InSystemCall sleepers = InSystemCall::spared);
  /// Grows whenever the worker takes something to run. Any thread.
  std::uint64_t turns(unsigned worker) const noexcept;

  /// A worker that has nothing else to run polls on the stack of its running fiber for some microseconds, until `work`
  /// is done. What the network brings soon is here sooner than by a suspended fiber. False: wait for it.
  static bool poll_for(const Work& work);
  /// The calling thread did what poll() does in the middle of its work: the helper need not stand in for it.
  static void polled() noexcept;
  /// The pool of the calling worker thread or null.
  static Pool* current() noexcept;

 private:
  std::unique_ptr<Crew> crew_;
};

}  // namespace ringray::execution
