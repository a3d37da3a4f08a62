#include "ringray/runtime/kernel_door.hpp"

#include <fmt/format.h>

#include "ringray/runtime/core.hpp"

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
