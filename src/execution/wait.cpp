// How threads and fibers wait for a Work.

#include <sched.h>

#include <atomic>

#include "ringray/base/check.hpp"
#include "ringray/execution/crew.hpp"
#include "ringray/execution/futex.hpp"

namespace ringray::execution {
namespace {

constexpr std::size_t stack_left_to_run_inline = 32 * 1024;

struct BlockedThread : Waiter {
  std::atomic<std::uint32_t> told{0};
  BlockedThread() {
    notify = [](Waiter& waiter) noexcept {
      auto& word = static_cast<BlockedThread&>(waiter).told;
      word.store(1, std::memory_order_release);
      futex_wake_one(word);  // the thread may have gone on already: the address is all that is used
    };
  }
};

bool block_thread(Work& work, base::Nanoseconds deadline) {
  BlockedThread waiter;
  if (!work.add_waiter(waiter)) return true;
  while (!waiter.told.load(std::memory_order_acquire)) {
    if (deadline != Timers::never && base::now() >= deadline) {
      if (work.remove_waiter(waiter)) return false;
      while (!waiter.told.load(std::memory_order_acquire)) sched_yield();  // being notified right now
      return true;
    }
    futex_wait(waiter.told, 0, deadline);
  }
  return true;
}

struct SuspendedFiber : Waiter {
  Fiber* fiber;
  Work* work;
  bool queue_work;  ///< it is not claimed, but this stack is too short to run it
  explicit SuspendedFiber(Fiber& fiber, Work& work, bool queue_work)
      : fiber(&fiber), work(&work), queue_work(queue_work) {
    notify = [](Waiter& waiter) noexcept { static_cast<SuspendedFiber&>(waiter).fiber->make_ready(); };
  }
  void suspend() {
    Worker::here()->leave_fiber(
        [](void* argument) noexcept {
          auto& self = *static_cast<SuspendedFiber*>(argument);
          auto& work = *self.work;  // kept by whoever waits, until the fiber goes on; so take a reference of our own
          auto& fiber = *self.fiber;
          const bool queue_work = self.queue_work;
          if (queue_work) work.retain();
          if (!work.add_waiter(self)) fiber.make_ready();
          if (queue_work) fiber.crew.schedule(work);
        },
        this);
  }
};

// Two want to wake the fiber, the work and the timer, and it must have left its stack before. Whoever is the first of
// the two or, if they were early, the one that leaves the stack, wakes it. The bit is the last thing a loser touches.
class TimedFiber : public Waiter {
 public:
  enum : unsigned { left = 1, completed = 2, expired = 4 };

  explicit TimedFiber(Fiber& fiber) : fiber_(fiber) {
    notify = [](Waiter& waiter) noexcept { static_cast<TimedFiber&>(waiter).arrive(completed); };
  }
  void arrive(unsigned what) noexcept {
    auto& fiber = fiber_;
    const auto before = arrived_.fetch_or(what, std::memory_order_acq_rel);
    const bool wakes = what == left ? before != 0 : before == left;
    if (wakes) fiber.make_ready();
  }
  void await(unsigned who) const noexcept {
    while ((arrived_.load(std::memory_order_acquire) & who) != who) sched_yield();
  }

 private:
  Fiber& fiber_;
  std::atomic<unsigned> arrived_{0};
};

}  // namespace

void Work::wait_slowly() {
  while (!done()) {
    auto* worker = Worker::here();
    if (!worker) {
      block_thread(*this, Timers::never);
      return;
    }
    RINGRAY_ASSERT(!worker->in_poll(), "pollers and timers must not wait");
    if (run_or_help()) continue;
    SuspendedFiber(*worker->fiber, *this, inlinable()).suspend();
  }
}

bool Work::run_or_help() {
  auto* worker = Worker::here();
  if (!worker || worker->fiber->stack_left() <= stack_left_to_run_inline) return false;
  if (inlinable()) {
    Worker::run_inline(*this);
    return true;
  }
  return type_->help && type_->help(*this);
}

bool Work::wait_until(base::Nanoseconds deadline) {
  if (done()) return true;
  auto* worker = Worker::here();
  if (!worker) return block_thread(*this, deadline);
  RINGRAY_ASSERT(!worker->in_poll(), "pollers and timers must not wait");
  auto& timers = worker->crew.timers;
  TimedFiber waiter(*worker->fiber);
  if (!add_waiter(waiter)) return true;
  const auto timer = timers.at(deadline, [&waiter] { waiter.arrive(TimedFiber::expired); });
  const auto settle = [&] {
    if (!timers.cancel(timer)) waiter.await(TimedFiber::expired);
    if (!remove_waiter(waiter)) waiter.await(TimedFiber::completed);
  };
  try {
    worker->leave_fiber([](void* self) noexcept { static_cast<TimedFiber*>(self)->arrive(TimedFiber::left); }, &waiter);
  } catch (...) {
    settle();
    throw;
  }
  settle();
  return done();
}

}  // namespace ringray::execution
