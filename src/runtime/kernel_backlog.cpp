#include "ringray/runtime/kernel_backlog.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "ringray/base/check.hpp"
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
  const auto queue = queues_.find(target);
  if (queue == queues_.end()) {
    if (!settle(letter)) {
      queues_[target].push_back(std::move(letter));
      pause_ = shortest_pause;
    }
  } else if (letter.overflow == Overflow::wait && queue->second.size() < letters_max) {
    queue->second.push_back(std::move(letter));
  } else {
    refused_.push_back({std::move(letter), Reason::rejected});
  }
  retry_later();
  bury_refused(lock);
}

void KernelBacklog::retry() {
  std::unique_lock lock(mutex_);
  armed_ = false;
  bool any = false;
  for (auto at = queues_.begin(); at != queues_.end();) {
    auto& queue = at->second;
    for (; !queue.empty() && settle(queue.front()); queue.pop_front()) any = true;
    at = queue.empty() ? queues_.erase(at) : std::next(at);
  }
  pause_ = any ? shortest_pause : std::min(2 * pause_, longest_pause);
  retry_later();
  bury_refused(lock);
}

void KernelBacklog::retry_later() {
  if (queues_.empty() || std::exchange(armed_, true)) return;
  core().pool().timers().after(pause_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->retry();
  });
}

/// Not under the lock: who waits for an answer goes on.
void KernelBacklog::bury_refused(std::unique_lock<std::mutex>& lock) {
  const auto refused = std::exchange(refused_, {});
  lock.unlock();
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
    for (auto& letter : queue) refused_.push_back({std::move(letter), Reason::actor_terminated});
  queues_.clear();
  bury_refused(lock);
}

}  // namespace ringray::runtime
