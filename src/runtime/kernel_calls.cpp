#include "ringray/runtime/kernel_calls.hpp"

#include <fmt/format.h>

#include "ringray/runtime/core.hpp"

namespace ringray::runtime {

using device::Address;
using device::Life;
using device::Reason;

namespace {

Errc error_of(Reason reason) {
  switch (reason) {
    case Reason::dropped_oldest:
    case Reason::dropped_newest:
    case Reason::rejected:
      return Errc::queue_full;
    case Reason::expired:
      return Errc::get_timeout;
    default:
      return Errc::actor_died;
  }
}

constexpr auto text_of_closing = "the kernel was terminated before it answered";

}  // namespace

std::string why_undelivered(device::Delivery delivery, Address actor, device::Overflow overflow,
                            const std::string& kernel) {
  if (delivery == device::Delivery::full)
    return fmt::format(
        "the mailbox of the actor in slot {} of kernel '{}' is full{}; send less at once, or spawn it "
        "with a larger queue_capacity or another Overflow",
        actor.slot(), kernel, overflow == device::Overflow::wait ? " and had no room in time" : "");
  return fmt::format("the actor in slot {} of kernel '{}' is gone: it was terminated, or the kernel was", actor.slot(),
                     kernel);
}

bool help_kernel_call(execution::Work&) { return false; }

std::string unqualified_name(const char* mangled) {
  const auto name = type_name(mangled);
  const auto at = name.find('<') == std::string::npos ? name.rfind("::") : std::string::npos;
  return at == std::string::npos ? name : name.substr(at + 2);
}

std::string kernel_call_name(const char* actor, const char* message) {
  return unqualified_name(actor) + "::" + unqualified_name(message);
}

std::uint32_t KernelCalls::begin(KernelCall& call, Address actor, base::Nanoseconds timeout) {
  Waiting waiting{.call = &call, .actor = actor};
  std::string why;
  {
    const std::lock_guard lock(mutex_);
    const auto failed = failed_.find(actor.value);
    if (!closed_ && failed == failed_.end()) {
      const auto number = numbers_.begin(call.call().reply);
      if (timeout != base::Nanoseconds::max()) {
        waiting.timed = true;
        // Under the lock: it cannot end before its timer is known.
        waiting.timer = core().pool().timers().after(timeout, [self = weak_from_this(), number, timeout] {
          const auto calls = self.lock();
          if (!calls) return;
          const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
          calls->fail(number, Errc::get_timeout,
                      fmt::format("no answer came within {} ms; the actor may still handle the message", time));
        });
      }
      waiting_.emplace(number, waiting);
      return number;
    }
    why = closed_ ? why_ended(text_of_closing) : failed->second;
  }
  end(waiting, Errc::actor_died, why);
  return 0;
}

bool KernelCalls::take(std::uint32_t number, Waiting& waiting) {
  const std::lock_guard lock(mutex_);
  const auto found = waiting_.find(number);
  if (found == waiting_.end()) return false;
  waiting = found->second;
  waiting_.erase(found);
  numbers_.end(number);
  return true;
}

KernelCalls::Calls KernelCalls::take_of(Address actor) {
  Calls calls;
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    if (!(at->second.actor == actor)) {
      ++at;
      continue;
    }
    calls.push_back(at->second);
    numbers_.end(at->first);
    at = waiting_.erase(at);
  }
  return calls;
}

KernelCalls::Calls KernelCalls::take_all() {
  Calls calls;
  for (const auto number : numbers_.cancel_all()) calls.push_back(waiting_.at(number));
  waiting_.clear();
  return calls;
}

void KernelCalls::end(const Waiting& waiting, Errc code, const std::string& text) {
  if (waiting.timed) core().pool().timers().cancel(waiting.timer);
  auto& call = *waiting.call;
  call.set_error(code, {.text = call.title() + ": " + text, .task = call.call().name(), .rank = here_rank().value});
  call.complete();
  call.release();
}

void KernelCalls::end(const Calls& calls, Errc code, const std::string& text) {
  for (const auto& waiting : calls) end(waiting, code, text);
}

void KernelCalls::fail(std::uint32_t number, Errc code, const std::string& text) {
  if (Waiting waiting{}; take(number, waiting)) end(waiting, code, text);
}

void KernelCalls::close() {
  Calls calls;
  decltype(listeners_) listeners;  // let go without the lock
  std::string why;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    calls = take_all();
    listeners.swap(listeners_);
    why = why_ended(text_of_closing);
  }
  end(calls, Errc::actor_died, why);
}

std::vector<device::DeadLetter> KernelCalls::dead_letters() const {
  const std::lock_guard lock(mutex_);
  return letters_.find({});
}

void KernelCalls::mail(const device::Parcel& parcel) {
  const auto envelope = parcel.envelope();
  const auto reason = envelope.reason();
  const bool is_ours = envelope.correlation != 0;
  if (reason != Reason::none) {
    bury(parcel, reason);
    // Its correlation is one of ours when the message came from here.
    if (is_ours && envelope.source == device::host_address)
      fail(envelope.correlation, error_of(reason), std::string(device::reason_sentence(reason)));
  } else if (is_ours) {
    answer(parcel);
  } else {
    hear(parcel);
  }
}

void KernelCalls::bury(const device::Parcel& parcel, Reason reason) {
  const auto now = base::hybrid_at(device::CpuPlatform::wall_ns());
  const std::lock_guard lock(mutex_);
  letters_.bury(parcel.words, reason, now);
}

void KernelCalls::listen(std::uint16_t type, Listener listener) {
  auto shared = std::make_shared<const Listener>(std::move(listener));
  const std::lock_guard lock(mutex_);
  if (!closed_) listeners_[type].swap(shared);
}

void KernelCalls::hear(const device::Parcel& parcel) {
  std::shared_ptr<const Listener> listener;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = listeners_.find(parcel.envelope().type); found != listeners_.end()) listener = found->second;
  }
  if (!listener) return bury(parcel, Reason::no_handler);
  try {
    (*listener)(parcel);
  } catch (const Error&) {
    bury(parcel, Reason::unreachable);
  }
}

void KernelCalls::answer(const device::Parcel& parcel) {
  const auto envelope = parcel.envelope();
  Waiting waiting{};
  bool is_right;
  {
    const std::lock_guard lock(mutex_);
    const auto match = numbers_.answer(envelope);
    if (match == device::PendingCalls::Match::late) return;
    is_right = match == device::PendingCalls::Match::ended;
    const auto found = waiting_.find(envelope.correlation);
    waiting = found->second;
    waiting_.erase(found);
    if (!is_right) numbers_.end(envelope.correlation);
  }
  auto& call = *waiting.call;
  if (!is_right)
    return end(waiting, Errc::corrupt_data,
               fmt::format("it was answered by a message of type {}, not {}; let the handler reply with the Reply of "
                           "its message",
                           envelope.type, call.call().reply));
  if (waiting.timed) core().pool().timers().cancel(waiting.timer);
  call.call().take(call, parcel);
  call.complete();
  call.release();
}

void KernelCalls::blame(const std::string& reason) {
  const std::lock_guard lock(mutex_);
  blame_ = "the kernel was terminated: " + reason;
}

void KernelCalls::lived(Address actor, Life life) {
  Calls calls;
  std::string why;
  {
    const std::lock_guard lock(mutex_);
    failed_.erase(actor.value);
    if (life == Life::terminating || life == Life::terminated) calls = take_of(actor);
    why = why_ended("the actor was terminated before it answered");
  }
  end(calls, Errc::actor_died, why);
}

void KernelCalls::failed(Address actor, const std::string& why) {
  Calls calls;
  {
    const std::lock_guard lock(mutex_);
    failed_[actor.value] = why;
    calls = take_of(actor);
  }
  end(calls, Errc::actor_died, why);
}

void KernelCalls::lost() {
  Calls calls;
  {
    const std::lock_guard lock(mutex_);
    calls = take_all();
  }
  end(calls, Errc::queue_full,
      "the kernel had no room for an answer to its host, and this may be the call that it was for; give launch() a "
      "larger egress_capacity");
}

}  // namespace ringray::runtime
