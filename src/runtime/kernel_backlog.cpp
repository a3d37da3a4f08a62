#include "ringray/runtime/kernel_backlog.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "ringray/base/check.hpp"
#include "ringray/base/log.hpp"
#include "ringray/runtime/core.hpp"

namespace ringray::runtime {

using device::Delivery;
using device::Overflow;
using device::Reason;

namespace {
constexpr base::Nanoseconds shortest_pause = std::chrono::microseconds(20),
                            longest_pause = std::chrono::milliseconds(16);
}  // namespace

/// False: it has to wait.
bool KernelBacklog::settle(Letter& letter) {
  const auto delivery = kernel_->send(letter.words.data(), base::Nanoseconds{0});
  if (delivery == Delivery::no_such_actor) refused_.push_back({std::move(letter), Reason::no_such_actor});
  if (delivery != Delivery::full) return true;
  if (letter.overflow == Overflow::wait && base::now() < letter.deadline) return false;
  const auto reason = letter.overflow == Overflow::wait ? Reason::expired : Reason::rejected;
  refused_.push_back({std::move(letter), reason});
  return true;
}

void KernelBacklog::push(Letter letter) {
  RINGRAY_ASSERT(letter.words.size() <= std::size(device::Parcel{}.words), "no message is that long");
  std::unique_lock lock(mutex_);
  const auto target = static_cast<std::uint32_t>(letter.words[0]);
  const auto at = queues_.find(target);
  if (at == queues_.end()) {
    if (!settle(letter)) {
      auto& queue = queues_[target];
      queue.letters.push_back(std::move(letter));
      queue.wait(shortest_pause, base::now());
      retry_at(queue.due);
    }
  } else if (letter.overflow == Overflow::wait && at->second.letters.size() < letters_max) {
    at->second.letters.push_back(std::move(letter));
  } else {
    if (letter.overflow == Overflow::wait && !std::exchange(told_, true))
      log::warning(
          "kernel '{}': {} messages of other ranks wait for room in the mailbox of the actor in slot {}; what comes "
          "now "
          "is lost (a dead letter; telemetry() counts them): send less at once, or spawn it with a larger "
          "queue_capacity",
          *name_, letters_max, device::Address{target}.slot());
    refused_.push_back({std::move(letter), Reason::rejected});
  }
  bury_refused(lock);
}

void KernelBacklog::retry(base::Nanoseconds armed_for) {
  std::unique_lock lock(mutex_);
  if (next_retry_ != armed_for) return;  // another timer is armed for sooner
  next_retry_ = base::Nanoseconds::max();
  const auto now = base::now();
  auto next = base::Nanoseconds::max();
  for (auto at = queues_.begin(); at != queues_.end();) {
    auto& [letters, pause, due] = at->second;
    if (due <= now) {
      bool any = false;
      for (; !letters.empty() && settle(letters.front()); letters.pop_front()) any = true;
      at->second.wait(any ? shortest_pause : std::min(2 * pause, longest_pause), now);
    }
    next = std::min(next, letters.empty() ? next : due);
    at = letters.empty() ? queues_.erase(at) : std::next(at);
  }
  retry_at(next);
  bury_refused(lock);
}

void KernelBacklog::retry_at(base::Nanoseconds due) {
  if (due >= next_retry_) return;
  next_retry_ = due;
  core().pool().timers().after(due - base::now(), [weak = weak_from_this(), due] {
    if (const auto self = weak.lock()) self->retry(due);
  });
}

/// Not under the lock: who waits for an answer goes on.
void KernelBacklog::bury_refused(std::unique_lock<std::mutex>& lock) {
  const auto refused = std::exchange(refused_, {});
  lock.unlock();
  refusals_.fetch_add(refused.size(), std::memory_order_relaxed);
  for (const auto& [letter, reason] : refused) {
    device::Parcel parcel;
    std::copy(letter.words.begin(), letter.words.end(), parcel.words);
    const auto envelope = parcel.envelope();
    if (envelope.source == device::host_address && envelope.correlation != 0 && reason != Reason::actor_terminated) {
      const bool is_gone = reason == Reason::no_such_actor;
      calls_->fail(envelope.correlation,
                   is_gone                     ? Errc::actor_died
                   : reason == Reason::expired ? Errc::get_timeout
                                               : Errc::queue_full,
                   why_undelivered(is_gone ? Delivery::no_such_actor : Delivery::full, envelope.target, letter.overflow,
                                   *name_));
    }
    device::set_reason(parcel.words, reason);
    calls_->mail(parcel);
  }
}

void KernelBacklog::clear() {
  std::unique_lock lock(mutex_);
  for (auto& [address, queue] : queues_)
    for (auto& letter : queue.letters) refused_.push_back({std::move(letter), Reason::actor_terminated});
  queues_.clear();
  bury_refused(lock);
}

}  // namespace ringray::runtime
