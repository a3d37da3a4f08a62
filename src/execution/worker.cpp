#include "ringray/execution/worker.hpp"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string>
#include <utility>

#include "ringray/base/check.hpp"
#include "ringray/base/thread_local.hpp"
#include "ringray/base/time.hpp"
#include "ringray/execution/crew.hpp"

namespace ringray::execution {
namespace {

RINGRAY_NEAR_THREAD constinit thread_local Worker* this_worker = nullptr;

constexpr std::uint32_t ticks_per_look_outside = 16;
constexpr std::uint64_t cycles_between_polls = 250'000;  // about 100 µs
constexpr unsigned polls_here = 20;                      // µs in which a task that waits polls
constexpr std::size_t stack_left_to_poll = 64 * 1024;    // the network, decoding, a line of log

/// Whether a signal ends nothing early that the thread does: it computes, or is in a system call that goes on after a
/// handler (signal(7), SA_RESTART).
bool bears_signals(pid_t thread) {
  constexpr std::array go_on{SYS_read,  SYS_readv,  SYS_write, SYS_writev, SYS_futex,
                             SYS_wait4, SYS_waitid, SYS_flock, SYS_fcntl,  SYS_openat};
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/syscall");
  long number = -1;
  if (file >> number) return std::find(go_on.begin(), go_on.end(), number) != go_on.end();
  file.clear();
  std::string text;
  return file >> text && text == "running";
}

}  // namespace

[[gnu::noinline]] Worker* Worker::here() noexcept {
  asm volatile("");  // never remembered across a fiber switch
  return this_worker;
}

bool Worker::interrupt(int signal, InSystemCall sleepers) {
  const std::lock_guard lock(mutex_);
  if (!thread_) return false;
  if (sleepers == InSystemCall::spared && !lies_.load(std::memory_order_acquire) && !bears_signals(kernel_thread_))
    return false;
  RINGRAY_ASSERT(pthread_kill(*thread_, signal) == 0, "a signal to a worker");
  return true;
}

void Worker::run(const std::function<void()>& main) {
  RINGRAY_ASSERT(!this_worker, "a worker cannot run another pool");
  this_worker = this;
  Fiber root(crew, *this);
  root_ = fiber = &root;
  const SignalStack signal_stack;
  const auto is_here = [this](std::optional<pthread_t> thread) {
    const std::lock_guard lock(mutex_);
    thread_ = thread;
    kernel_thread_ = ::gettid();
  };
  is_here(pthread_self());
  if (main) main();
  main_done_ = true;
  fiber->switch_to(
      loop_fiber(), [](void*) noexcept {}, nullptr);
  is_here(std::nullopt);
  this_worker = nullptr;
}

void Worker::loop() {
  for (;;) {
    if (auto* runnable = here()->next()) {
      here()->take_turn();
      runnable->execute(*runnable);
      here()->fiber->contexts = {};
    } else {
      auto* worker = here();
      worker->fiber->switch_to(*worker->root_, &put_away, worker->fiber);
    }
  }
}

void Worker::resume(Runnable& runnable) {
  auto* loop_fiber = here()->fiber;
  loop_fiber->switch_to(static_cast<Fiber&>(runnable), &put_away, loop_fiber);
}

void Worker::put_away(void* loop_fiber) noexcept {
  auto* worker = here();
  auto* fiber = static_cast<Fiber*>(loop_fiber);
  if (worker->spare_)
    worker->crew.fibers.give_back(*fiber);
  else
    worker->spare_ = fiber;
}

Fiber& Worker::loop_fiber() { return spare_ ? *std::exchange(spare_, nullptr) : crew.fibers.take(); }

void Worker::leave_fiber(Fiber::After after, void* argument) {
  RINGRAY_ASSERT(!in_poll_, "pollers and timers cannot be suspended");
  fiber->switch_to(loop_fiber(), after, argument);
}

void Worker::yielded(Fiber& fiber) noexcept {
  auto* worker = here();
  worker->poll_first_ = true;
  if (fiber.home) {
    worker->root_last_ = true;
    worker->root_ready_.store(true, std::memory_order_relaxed);
  } else {
    worker->crew.injection.push(fiber);
  }
}

void Worker::schedule(Runnable& runnable) {
  if (in_poll_) {  // poll() wakes somebody for the rest
    if (slot_)
      deque_.push(&runnable);
    else
      slot_ = &runnable;
    return;
  }
  deque_.push(&runnable);
  crew.sleepers.wake_if_needed();
}

void Worker::root_ready() noexcept {
  root_ready_.store(true, std::memory_order_seq_cst);
  if (here() != this && crew.sleepers.sleeping() > 0) crew.sleepers.wake(sleeper_);
}

Runnable* Worker::next() {
  if (slot_) return std::exchange(slot_, nullptr);
  const bool look_outside = ++ticks_ % ticks_per_look_outside == 0;
  if (poll_first_ || (look_outside && base::cycles() - polled_at_ > cycles_between_polls)) {
    poll_first_ = false;
    poll();
    if (slot_) return std::exchange(slot_, nullptr);
  }
  // Fairness: what makes itself ready again and again, the root or a task on the own queue, must not starve the rest.
  // Both the injection queue, of fibers that yield, and the own one may always have something: turn by turn.
  if (look_outside) {
    const bool own_first = ticks_ / ticks_per_look_outside % 2 == 0;
    if (own_first)
      if (auto* runnable = deque_.steal()) return runnable;
    if (auto* runnable = crew.injection.pop()) return runnable;
    if (!own_first)
      if (auto* runnable = deque_.steal()) return runnable;
  } else if (!root_last_ && take_root()) {
    return root_;
  }
  root_last_ = false;
  if (auto* runnable = find()) return runnable;
  return idle();
}

bool Worker::take_root() noexcept {
  return root_ready_.load(std::memory_order_relaxed) && root_ready_.exchange(false, std::memory_order_acquire);
}

Runnable* Worker::find() {
  if (slot_) return std::exchange(slot_, nullptr);
  if (auto* runnable = deque_.pop()) return runnable;
  stale_ = 0;
  if (auto* runnable = crew.injection.pop()) return runnable;
  if (auto* runnable = crew.steal(*this, random_())) return runnable;
  if (root_ready_.load(std::memory_order_relaxed) && root_ready_.exchange(false, std::memory_order_acquire))
    return root_;
  return nullptr;
}

Runnable* Worker::idle() {
  auto& sleepers = crew.sleepers;
  const auto spin = crew.spin_cycles;
  sleepers.start_search();
  auto active_at = base::cycles();
  for (;;) {
    const bool any = poll();
    if (auto* runnable = find()) {
      // Whoever queued something while this worker searched alone left the waking to it.
      if (sleepers.stop_search() && sleepers.sleeping() > 0 && crew.anything_queued()) sleepers.wake_one();
      return runnable;
    }
    if (may_leave()) {
      sleepers.stop_search();
      return nullptr;
    }
    if (any) {
      active_at = polled_at_;
    } else if (polled_at_ - active_at < spin) {
      if (crew.options.oversubscribed)
        sched_yield();
      else
        base::pause();
    } else {
      lie_down();
      active_at = base::cycles();
    }
  }
}

void Worker::lie_down() {
  auto& sleepers = crew.sleepers;
  const auto role = sleepers.lie_down(sleeper_);
  const bool watches = role == Sleepers::Role::watcher && crew.poller;
  lies_.store(true, std::memory_order_release);
  if (nothing_to_do() && (!watches || crew.poller->arm()))
    sleepers.sleep(sleeper_, role, watches ? crew.poller->descriptor() : -1, crew.timers.next());
  lies_.store(false, std::memory_order_release);
  sleepers.get_up(sleeper_);
  crew.helper.wake();
}

bool Worker::may_leave() const noexcept { return main_done_ && crew.stopping.load(std::memory_order_seq_cst); }

bool Worker::nothing_to_do() const noexcept {
  return !root_ready_.load(std::memory_order_seq_cst) && !may_leave() && !crew.anything_queued();
}

bool Worker::poll() {
  const auto now = base::cycles();
  in_poll_ = true;
  bool any = false;
  if (now - timed_at_ > crew.cycles_between_timers) {  // reading the time takes as long as a poll that finds nothing
    timed_at_ = now;
    any = crew.timers.run_due();
  }
  if (crew.poller) any |= crew.poller->poll();
  in_poll_ = false;
  polled(now);
  if (any && deque_.size() > 0) crew.sleepers.wake_if_needed();
  return any;
}

bool Worker::poll_for(const Work& work) {
  if (in_poll_ || !crew.poller || crew.options.oversubscribed || fiber->stack_left() < stack_left_to_poll ||
      !nothing_to_do())
    return false;
  auto* mine = fiber;
  const auto contexts = std::exchange(mine->contexts, Contexts{});
  const auto until = base::cycles() + polls_here * crew.cycles_between_timers;
  while (!poll() && !work.done() && nothing_to_do() && polled_at_ < until) base::pause();
  if (slot_) schedule(*std::exchange(slot_, nullptr));  // others may take it
  mine->contexts = contexts;
  return work.done();
}

bool Worker::run_inline(Work& work) {
  auto* worker = here();
  // The usual orders to wait in: newest first by recursion, oldest first by a loop over what was submitted.
  const bool popped =
      (worker->deque_.newest_is(&work) && worker->deque_.pop()) || worker->deque_.steal_if_oldest(&work);
  if (!work.claim()) {
    if (popped) work.release();
    return false;
  }
  if (!popped) ++worker->stale_;
  auto* fiber = worker->fiber;  // stays the same one, on whatever worker it goes on
  const auto contexts = std::exchange(fiber->contexts, Contexts{nullptr, fiber->contexts.current});
  worker->take_turn();
  work.type().run(work);
  fiber->contexts = contexts;
  if (popped) {
    work.release();
    worker = here();
    if (worker->stale_ > 0) worker->sweep();
  }
  return true;
}

// Stale entries hold references: take those away that lie at the newest end.
void Worker::sweep() {
  while (stale_ > 0) {
    auto* runnable = deque_.pop();
    if (!runnable) {
      stale_ = 0;
      return;
    }
    if (!Work::is(*runnable) || !static_cast<Work*>(runnable)->claimed()) {
      deque_.push(runnable);
      return;
    }
    --stale_;
    static_cast<Work*>(runnable)->release();
  }
}

}  // namespace ringray::execution
