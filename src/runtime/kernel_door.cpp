#include "ringray/runtime/kernel_door.hpp"

#include "ringray/runtime/core.hpp"

namespace ringray::runtime {

std::shared_ptr<LiveKernel> live_kernel(std::uint64_t id) { return core().kernels().find(id); }

void KernelDoor::take_step(KernelStep step) {
  relay([&] {
    switch (step) {
      case KernelStep::activate:
        return kernel().activate();
      case KernelStep::suspend:
        return kernel().suspend();
      case KernelStep::resume:
        return kernel().resume();
      case KernelStep::terminate:
        return kernel().terminate();
    }
  });
}

// One that leases lives as long as the handles that it was made for; the other as long as its kernel.
ActorHandle<KernelDoor> KernelPlace::door_of(LiveKernel& kernel, bool leases) {
  const auto make = [&](std::shared_ptr<KernelLease> lease) {
    return ringray::spawn<KernelDoor>({.placement = scheduler::on_rank(this_rank())},
                                      DoorTarget{kernel.shared_from_this(), std::move(lease)});
  };
  if (leases) return make(kernel.lease());
  return std::any_cast<ActorHandle<KernelDoor>>(kernel.door([&] { return std::any(make(nullptr)); }));
}

}  // namespace ringray::runtime
