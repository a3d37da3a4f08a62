#include "ringray/execution/work.hpp"

#include <sched.h>

#include "ringray/base/check.hpp"

namespace ringray::execution {

void Work::execute_scheduled(Runnable& runnable) {
  auto& work = static_cast<Work&>(runnable);
  if (work.claim()) work.type_->run(work);
  work.release();
}

// Held for a handful of instructions; the holder can only be slow when it was preempted.
std::uint32_t Work::lock() noexcept {
  for (unsigned round = 0;; ++round) {
    auto state = state_.load(std::memory_order_relaxed);
    if (!(state & locked_bit) &&
        state_.compare_exchange_weak(state, state | locked_bit, std::memory_order_acquire, std::memory_order_relaxed))
      return state;
    if (round % 64 == 63)
      sched_yield();
    else
      base::pause();
  }
}

bool Work::add_waiter(Waiter& waiter) noexcept {
  if (lock() & done_bit) {
    state_.fetch_and(~locked_bit, std::memory_order_release);
    return false;
  }
  waiter.previous = nullptr;
  waiter.next = waiters_;
  if (waiters_) waiters_->previous = &waiter;
  waiters_ = &waiter;
  // complete() may come between; it then sees locked_bit, and empties the list after this.
  state_.fetch_xor(locked_bit | waiters_bit * !waiter.next, std::memory_order_release);
  return true;
}

bool Work::remove_waiter(Waiter& waiter) noexcept {
  lock();
  const bool listed = waiter.previous != &waiter;  // the notifier points it to itself when it takes it out
  if (listed) {
    (waiter.previous ? waiter.previous->next : waiters_) = waiter.next;
    if (waiter.next) waiter.next->previous = waiter.previous;
  }
  const bool now_empty = listed && !waiters_;
  state_.fetch_xor(locked_bit | waiters_bit * now_empty, std::memory_order_release);
  return listed;
}

void Work::complete_slowly(std::uint32_t before) noexcept {
  RINGRAY_ASSERT(!(before & done_bit), "a work completes once");
  for (;;) {
    lock();
    Waiter* waiter = waiters_;
    if (!waiter) {
      state_.fetch_and(~(locked_bit | waiters_bit), std::memory_order_release);
      return;
    }
    waiters_ = waiter->next;
    if (waiters_) waiters_->previous = nullptr;
    waiter->previous = waiter;
    state_.fetch_and(~locked_bit, std::memory_order_release);
    waiter->notify(*waiter);
  }
}

}  // namespace ringray::execution
