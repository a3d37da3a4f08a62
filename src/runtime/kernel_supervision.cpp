#include "ringray/runtime/kernel_supervision.hpp"

#include <fmt/format.h>

#include "ringray/runtime/core.hpp"
#include "ringray/runtime/kernel_door.hpp"

namespace ringray::runtime {

using device::Address;
using device::Life;

namespace {

std::string seconds(base::Nanoseconds time) {
  return fmt::format("{:g} s", std::chrono::duration<double>(time).count());
}

}  // namespace

void KernelSupervisors::begin(const std::shared_ptr<LiveKernel>& kernel, device::Escalation escalation) {
  // Made now, as the kernel's thread, which calls it, can make none.
  if (escalation == device::Escalation::kernel) KernelPlace(kernel).make_door();
  const std::lock_guard lock(mutex_);
  kernel_ = kernel;
}

void KernelSupervisors::watch(Address actor, const device::Supervision& supervision) {
  const std::lock_guard lock(mutex_);
  watched_.insert_or_assign(actor.value, Watched{device::Restarts(supervision)});
}

void KernelSupervisors::lived(const device::LifeNotice& notice) {
  if (notice.life == Life::failed) return failed(notice);
  calls_->lived(notice.actor(), notice.life);
  const std::lock_guard lock(mutex_);
  if (const auto found = watched_.find(notice.actor().value); found != watched_.end()) {
    ++found->second.failure;
    if (notice.life == Life::terminated) watched_.erase(found);
  }
}

void KernelSupervisors::failed(const device::LifeNotice& notice) {
  const auto actor = notice.actor();
  auto why = fmt::format("the actor in slot {} failed with code {} (", actor.slot(), notice.error);
  bool escalates = false;
  std::optional<base::Nanoseconds> delay;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = watched_.find(actor.value); found != watched_.end()) {
      auto& [restarts, failure, failures] = found->second;
      if (std::exchange(failures, notice.failures) == notice.failures) return;
      const auto& supervision = restarts.supervision();
      delay = restarts.after_failure(base::now());
      if (delay) {
        why += fmt::format("restart {} of {} in {} comes after {}); the messages behind it wait for that",
                           restarts.count(), supervision.restarts, seconds(supervision.window), seconds(*delay));
        restart_after(*delay, actor, ++failure);
      } else {
        why += fmt::format("its restarts, {} in {}, are spent; ", supervision.restarts, seconds(supervision.window));
        escalates = supervision.escalation == device::Escalation::kernel;
      }
    }
  }
  if (delay) {
    if (notice.failed_call != 0) calls_->fail(notice.failed_call, Errc::actor_died, why);
    return;
  }
  if (escalates) return escalate(actor, why + "its kernel ends with it)");
  calls_->failed(actor, why +
                            "its mailbox waits for a restart, so the message may still be handled, but nobody waits "
                            "for the answer); restart() or terminate() it");
}

void KernelSupervisors::escalate(Address actor, const std::string& why) {
  calls_->blame(why);
  calls_->failed(actor, why);
  std::shared_ptr<LiveKernel> kernel;
  {
    const std::lock_guard lock(mutex_);
    kernel = kernel_.lock();
  }
  if (kernel) try {
      KernelPlace(kernel).make_door().send<&KernelDoor::take_step>(KernelStep::terminate);
    } catch (const Error&) {  // the run ends, and all kernels with it
    }
}

void KernelSupervisors::restart_after(base::Nanoseconds delay, Address actor, std::uint64_t failure) {
  core().pool().timers().after(delay, [weak = weak_from_this(), actor, failure] {
    if (const auto self = weak.lock()) self->restart(actor, failure);
  });
}

void KernelSupervisors::restart(Address actor, std::uint64_t failure) {
  constexpr base::Nanoseconds look_again = std::chrono::milliseconds(1);
  const std::lock_guard lock(mutex_);
  const auto found = watched_.find(actor.value);
  const auto kernel = kernel_.lock();
  if (found == watched_.end() || found->second.failure != failure || !kernel) return;
  if (!kernel->hosted().recover(actor)) restart_after(look_again, actor, failure);
}

}  // namespace ringray::runtime
