#pragma once
// What workers execute and what fibers wait for.

#include <atomic>
#include <cstdint>

#include "ringray/base/recycled.hpp"
#include "ringray/base/time.hpp"

namespace ringray::execution {

/// Anything that a worker can execute. Intrusive: queues hold pointers. `execute` is called once per schedule, by a
/// worker's loop, on that worker's current fiber, and must not throw. Any thread may schedule it.
struct Runnable {
  void (*execute)(Runnable&);
};

/// Is told once when a Work completes, on the completing thread; `notify` must not block and may free the Waiter.
struct Waiter : base::Recycled {
  Waiter* next = nullptr;      ///< the Work's
  Waiter* previous = nullptr;  ///< the Work's
  void (*notify)(Waiter&) noexcept = nullptr;
};

/// Reference-counted one-shot event with an optional body: base of every object state and task record. Any thread.
///
/// It starts with the number of references given. Who schedules it hands one reference to the queue. A queue entry
/// whose Work was claimed by somebody else is stale: it only holds its reference until a worker comes across it.
class Work : public Runnable, public base::Recycled {
 public:
  struct Type {
    void (*run)(Work&) = nullptr;   ///< body; null for events. Calls complete(), at once or later. Must not throw.
    bool (*help)(Work&) = nullptr;  ///< optional: a waiting fiber offers its stack; true if it did something
    void (*destroy)(Work&) noexcept = nullptr;  ///< the last reference is gone
  };
  /// `ready` works may be run by whoever waits for them as soon as they are visible; `waiting` ones only from
  /// Pool::schedule() on (their arguments are not there yet). Events are `waiting`.
  enum class Start : std::uint32_t { waiting = 0, ready = 4 };

  explicit Work(const Type& type, Start start = Start::waiting, std::uint32_t references = 1) noexcept
      : Runnable{&execute_scheduled},
        type_(&type),
        state_(static_cast<std::uint32_t>(start)),
        references_(references) {}
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  /// The same while no other thread knows this yet.
  void retain_unshared() noexcept {
    references_.store(references_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  void release() noexcept {
    // One holder left: nobody else can raise the count, so the subtraction need not be atomic.
    if ((references_.load(std::memory_order_acquire) == 1 && !(state_.load(std::memory_order_relaxed) & weak_bit)) ||
        references_.fetch_sub(1, std::memory_order_acq_rel) == 1)
      type_->destroy(*this);
  }
  /// From now on somebody without a reference may try_retain(). The caller holds a reference.
  void allow_weak() noexcept { state_.fetch_or(weak_bit, std::memory_order_release); }
  /// A reference from a pointer that has none; false: the last one is gone. After allow_weak().
  bool try_retain() noexcept {
    auto count = references_.load(std::memory_order_relaxed);
    while (count != 0)
      if (references_.compare_exchange_weak(count, count + 1, std::memory_order_acq_rel)) return true;
    return false;
  }
  /// For destroy(): the last reference is gone, and a new one begins.
  void revive() noexcept { references_.store(1, std::memory_order_release); }

  bool done() const noexcept { return state_.load(std::memory_order_acquire) & done_bit; }
  /// Exactly once. What was written before is visible to whoever sees done(). The caller holds a reference.
  void complete() noexcept {
    const auto before = state_.fetch_add(done_bit, std::memory_order_acq_rel);
    if (before & (done_bit | waiters_bit | locked_bit)) complete_slowly(before);
  }

  /// False: already done, not added. The caller keeps a reference and the Waiter alive until notified or removed.
  bool add_waiter(Waiter& waiter) noexcept;
  /// False: it was notified, or is being notified right now.
  bool remove_waiter(Waiter& waiter) noexcept;

  /// Calls f() unless it is done already; complete() does not return meanwhile.
  template <class F>
  void unless_done(F&& f) noexcept {
    if (!(lock() & done_bit)) f();
    state_.fetch_and(~locked_bit, std::memory_order_release);
  }

  /// The one winner runs the body or disposes of it: worker from a queue, waiter inline, cross-rank thief, canceller.
  bool claim() noexcept { return !(state_.fetch_or(claimed_bit, std::memory_order_acq_rel) & claimed_bit); }
  bool claimed() const noexcept { return state_.load(std::memory_order_relaxed) & claimed_bit; }
  /// Lets a waiter run the body. Pool::schedule() does it.
  void make_ready() noexcept {
    if (!(state_.load(std::memory_order_relaxed) & ready_bit)) state_.fetch_or(ready_bit, std::memory_order_release);
  }
  /// The same while no other thread knows this yet.
  void make_ready_unshared() noexcept {
    state_.store(state_.load(std::memory_order_relaxed) | ready_bit, std::memory_order_relaxed);
  }

  /// Returns when done. On a fiber: runs the body here if nobody has yet, else helps, else suspends the fiber (throws
  /// std::bad_alloc if there is no memory for another stack). On any other thread: blocks the thread.
  /// Not from Poller::poll(), a timer callback or Waiter::notify. The caller holds a reference.
  void wait() {
    if (!done()) wait_slowly();
  }
  /// On a fiber: runs the body here if nobody has yet, else helps. False: there is nothing to do here but wait().
  bool run_or_help();
  /// False: not done at `deadline` (base::now()). Does not run the body here.
  bool wait_until(base::Nanoseconds deadline);

  const Type& type() const noexcept { return *type_; }
  std::uint32_t references() const noexcept { return references_.load(std::memory_order_relaxed); }
  /// True if `runnable` is a Work.
  static bool is(const Runnable& runnable) noexcept { return runnable.execute == &execute_scheduled; }

 protected:
  ~Work() = default;

 private:
  friend class Worker;
  static constexpr std::uint32_t done_bit = 1, claimed_bit = 2, ready_bit = 4, locked_bit = 8, waiters_bit = 16,
                                 weak_bit = 32;

  static void execute_scheduled(Runnable& runnable);
  bool inlinable() const noexcept {
    return (state_.load(std::memory_order_acquire) & (ready_bit | claimed_bit | done_bit)) == ready_bit && type_->run;
  }
  std::uint32_t lock() noexcept;
  void complete_slowly(std::uint32_t before) noexcept;
  void wait_slowly();

  const Type* type_;
  std::atomic<std::uint32_t> state_;
  std::atomic<std::uint32_t> references_;
  Waiter* waiters_ = nullptr;  ///< newest first; guarded by locked_bit
};

static_assert(sizeof(Work) <= 40);

}  // namespace ringray::execution
