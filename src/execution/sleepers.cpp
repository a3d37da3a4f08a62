#include "ringray/execution/sleepers.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

#include "ringray/base/check.hpp"
#include "ringray/execution/futex.hpp"

namespace ringray::execution {
namespace {

void ring(int bell) noexcept {
  const std::uint64_t one = 1;
  const auto written = write(bell, &one, sizeof one);
  RINGRAY_ASSERT(written == sizeof one || errno == EAGAIN, "writing an eventfd");
}

void silence(int bell) noexcept {
  std::uint64_t count;
  const auto got = read(bell, &count, sizeof count);
  RINGRAY_ASSERT(got == sizeof count || errno == EAGAIN, "reading an eventfd");
}

}  // namespace

Sleeper::Sleeper() : bell_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  RINGRAY_ASSERT(bell_ >= 0, "the system is out of file descriptors");
}

Sleeper::~Sleeper() { close(bell_); }

Sleepers::Role Sleepers::lie_down(Sleeper& sleeper) noexcept {
  std::lock_guard lock(mutex_);
  sleeper.called_.store(0, std::memory_order_relaxed);
  sleeper.asleep_ = true;
  sleeper.previous_ = nullptr;
  sleeper.next_ = first_;
  if (first_) first_->previous_ = &sleeper;
  first_ = &sleeper;
  const bool watches = watcher_.load(std::memory_order_seq_cst) == nullptr;
  if (watches) watcher_.store(&sleeper, std::memory_order_seq_cst);
  sleeping_.fetch_add(1, std::memory_order_seq_cst);
  searching_.fetch_sub(1, std::memory_order_seq_cst);
  return watches ? Role::watcher : Role::plain;
}

void Sleepers::sleep(Sleeper& sleeper, Role role, int descriptor, base::Nanoseconds deadline) noexcept {
  if (role == Role::plain) {
    while (sleeper.called_.load(std::memory_order_acquire) == 0) futex_wait(sleeper.called_, 0);
    return;
  }
  pollfd descriptors[] = {{sleeper.bell_, POLLIN, 0}, {descriptor, POLLIN, 0}};  // ppoll ignores a negative descriptor
  const auto left = deadline - base::now();
  if (left.count() <= 0) return;
  const auto time = to_timespec(left);
  const int ready = ppoll(descriptors, 2, deadline == base::Nanoseconds::max() ? nullptr : &time, nullptr);
  RINGRAY_ASSERT(ready >= 0 || errno == EINTR, "sleeping on descriptors");
  if (ready > 0 && descriptors[0].revents) silence(sleeper.bell_);
}

void Sleepers::get_up(Sleeper& sleeper) noexcept {
  std::lock_guard lock(mutex_);
  if (sleeper.asleep_) take_out(sleeper);  // else who called it did that
}

void Sleepers::take_out(Sleeper& sleeper) noexcept {
  (sleeper.previous_ ? sleeper.previous_->next_ : first_) = sleeper.next_;
  if (sleeper.next_) sleeper.next_->previous_ = sleeper.previous_;
  sleeper.asleep_ = false;
  if (watcher_.load(std::memory_order_seq_cst) == &sleeper) watcher_.store(nullptr, std::memory_order_seq_cst);
  searching_.fetch_add(1, std::memory_order_seq_cst);
  sleeping_.fetch_sub(1, std::memory_order_seq_cst);
}

// The sleeper may be up again, or down again, before the system call is made: a spurious wake is harmless to both.
void Sleepers::call(Sleeper& sleeper, bool watcher) noexcept {
  sleeper.called_.store(1, std::memory_order_release);
  if (watcher)
    ring(sleeper.bell_);
  else
    futex_wake_one(sleeper.called_);
}

void Sleepers::wake_one() noexcept {
  Sleeper* chosen;
  bool watcher;
  {
    std::lock_guard lock(mutex_);
    if (!first_ || searching_.load(std::memory_order_seq_cst) != 0) return;
    chosen = first_;
    // The watcher goes on watching while somebody else can come.
    if (chosen == watcher_.load(std::memory_order_seq_cst) && chosen->next_) chosen = chosen->next_;
    watcher = chosen == watcher_.load(std::memory_order_seq_cst);
    take_out(*chosen);
  }
  call(*chosen, watcher);
}

void Sleepers::wake(Sleeper& sleeper) noexcept {
  bool watcher;
  {
    std::lock_guard lock(mutex_);
    if (!sleeper.asleep_) return;
    watcher = watcher_.load(std::memory_order_seq_cst) == &sleeper;
    take_out(sleeper);
  }
  call(sleeper, watcher);
}

void Sleepers::wake_watcher() noexcept {
  std::lock_guard lock(mutex_);
  if (auto* watcher = watcher_.load(std::memory_order_seq_cst)) ring(watcher->bell_);
}

void Sleepers::wake_all() noexcept {
  for (;;) {
    Sleeper* sleeper;
    {
      std::lock_guard lock(mutex_);
      sleeper = first_;
    }
    if (!sleeper) return;
    wake(*sleeper);
  }
}

}  // namespace ringray::execution
