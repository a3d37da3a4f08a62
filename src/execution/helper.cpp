#include "ringray/execution/helper.hpp"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "ringray/base/check.hpp"
#include "ringray/execution/crew.hpp"
#include "ringray/execution/futex.hpp"

namespace ringray::execution {
namespace {
using namespace std::chrono_literals;
constexpr base::Nanoseconds tick = 1ms;
constexpr base::Nanoseconds watch_max = 5ms;       // without an event; short, because workers may disarm the descriptor
constexpr unsigned ticks_asleep_before_rest = 20;  // so that a worker that naps does not pay for waking the helper
}  // namespace

void Helper::start() {
  bell_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  RINGRAY_ASSERT(bell_ >= 0, "the system is out of file descriptors");
  thread_ = std::thread([this] { loop(); });
  pthread_setname_np(thread_.native_handle(), "ringray-help");
}

void Helper::stop() {
  if (!thread_.joinable()) return;
  state_.store(stopped, std::memory_order_seq_cst);
  futex_wake_one(state_);
  const std::uint64_t one = 1;
  RINGRAY_ASSERT(write(bell_, &one, sizeof one) == sizeof one, "writing an eventfd");
  thread_.join();
  close(bell_);
}

void Helper::wake() noexcept {
  std::uint32_t expected = resting;
  if (state_.load(std::memory_order_seq_cst) == resting &&
      state_.compare_exchange_strong(expected, ticking, std::memory_order_seq_cst))
    futex_wake_one(state_);
}

std::uint64_t Helper::polls() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& worker : crew_.workers) sum += worker->polls();
  return sum;
}

void Helper::loop() {
  auto seen = polls();
  unsigned asleep_ticks = 0;
  while (!stopping()) {
    futex_wait(state_, ticking, base::now() + tick);
    if (stopping()) return;
    const bool all_asleep = crew_.sleepers.sleeping() == crew_.workers.size();
    asleep_ticks = all_asleep ? asleep_ticks + 1 : 0;
    if (asleep_ticks >= ticks_asleep_before_rest) {
      rest_if_all_sleep();
      asleep_ticks = 0;
    }
    const auto now = polls();
    if (now == seen && crew_.sleepers.watched()) {
      if (crew_.poller->waits_for_poll()) crew_.sleepers.wake_watcher();
    } else if (now == seen) {
      if (crew_.sleepers.sleeping() > 0)
        crew_.sleepers.wake_one();  // it becomes the watcher
      else
        stand_in();
    }
    seen = now;
  }
}

// Sleeper's side of the same agreement as between schedule() and the workers: announce, look again, sleep.
void Helper::rest_if_all_sleep() {
  std::uint32_t expected = ticking;
  if (!state_.compare_exchange_strong(expected, resting, std::memory_order_seq_cst)) return;
  if (crew_.sleepers.sleeping() == crew_.workers.size()) {
    while (state_.load(std::memory_order_seq_cst) == resting) futex_wait(state_, resting);
  } else {
    expected = resting;
    state_.compare_exchange_strong(expected, ticking, std::memory_order_seq_cst);
  }
}

// All workers are in user code: this thread polls, and sleeps on the descriptor in between.
void Helper::stand_in() {
  const auto seen = polls();
  while (!stopping() && polls() == seen && crew_.sleepers.sleeping() == 0) {
    crew_.timers.run_due();
    while (crew_.poller->poll() && !stopping()) {
    }
    if (!crew_.poller->arm()) {
      sched_yield();  // a worker has the baton, or something has just come
      continue;
    }
    const auto left = std::clamp(crew_.timers.next() - base::now(), base::Nanoseconds(0), watch_max);
    const auto time = to_timespec(left);
    pollfd descriptors[] = {{bell_, POLLIN, 0}, {crew_.poller->descriptor(), POLLIN, 0}};
    if (descriptors[1].fd < 0) return;  // nothing to sleep on: the tick has to do
    const int ready = ppoll(descriptors, 2, &time, nullptr);
    RINGRAY_ASSERT(ready >= 0 || errno == EINTR, "sleeping on descriptors");
  }
}

}  // namespace ringray::execution
