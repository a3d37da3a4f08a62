#include "ringray/runtime/kernel_door.hpp"

#include <fmt/format.h>

#include "ringray/runtime/core.hpp"
#include "ringray/runtime/kernel_gates.hpp"

namespace ringray::runtime {

std::shared_ptr<LiveKernel> live_kernel(std::uint64_t id) { return core().kernels().find(id); }

void KernelDoor::take_step(KernelStep step) {
  relay([&] {
    switch (step) {
      case KernelStep::activate:
        return kernel_->activate();
      case KernelStep::suspend:
        return kernel_->suspend();
      case KernelStep::resume:
        return kernel_->resume();
      case KernelStep::terminate:
        return kernel_->terminate();
    }
  });
}

device::Address KernelDoor::address_of(KernelPlace kernel, device::Address actor, device::Overflow overflow) {
  return relay([&] { return kernel_->gates().address_of({std::move(kernel), actor, overflow}); });
}
void KernelDoor::introduce(KernelPlace kernel) { kernel_->gates().introduce(std::move(kernel)); }
void KernelDoor::arrive(std::uint32_t rank, std::uint64_t id, device::Words words, device::Overflow overflow) {
  kernel_->gates().arrive_from(rank, id, std::move(words), overflow);
}

void KernelPlace::check_reachable() const {
  if (core().membership().alive(rank_)) return;
  throw_error(Errc::actor_died, {.text = fmt::format("the kernel is gone: rank {}, where it ran, died", rank_.value),
                                 .rank = rank_.value});
}

ActorHandle<KernelDoor> KernelPlace::door_of(LiveKernel& kernel) {
  return std::any_cast<ActorHandle<KernelDoor>>(kernel.door([&] {
    return std::any(ringray::spawn<KernelDoor>({.placement = scheduler::on_rank(this_rank())},
                                               Held<LiveKernel>{kernel.shared_from_this()}));
  }));
}

ActorHandle<KernelKeeper> keeper_of(const std::shared_ptr<KernelLease>& lease) {
  return ringray::spawn<KernelKeeper>({.placement = scheduler::on_rank(this_rank())},
                                      Held<KernelKeeper::Lease>{std::make_shared<KernelKeeper::Lease>(lease)});
}

}  // namespace ringray::runtime
