#include "ringray/runtime/kernel_door.hpp"

#include <fmt/format.h>

#include "ringray/runtime/core.hpp"
#include "ringray/runtime/kernel_gates.hpp"

namespace ringray::runtime {

std::shared_ptr<LiveKernel> live_kernel(std::uint64_t id) { return core().kernels().find(id); }

namespace {

/// Its name is free when it returns.
void free_name(const std::any& holder) {
  if (holder.has_value()) ringray::kill(std::any_cast<const ActorHandle<KernelName>&>(holder));
}

}  // namespace

device::Address KernelDoor::spawn_named(DoorSpawn setup, std::vector<std::uint8_t> state, std::string name,
                                        NamedActor actor) {
  return relay([&] {
    // The name first: an actor that cannot have it must not have lived.
    const std::any holder = ringray::spawn<KernelName>({.name = name, .placement = scheduler::on_rank(this_rank())});
    try {
      actor.kernel = KernelPlace(kernel_);
      actor.address = spawn(setup, std::move(state));
      if (!kernel_->keep_name(actor.address, holder)) free_name(holder);
      get(std::any_cast<const ActorHandle<KernelName>&>(holder).call<&KernelName::set>(actor));
    } catch (const ActorDiedError&) {  // of the holder: the kernel has just ended
      return actor.address;
    } catch (...) {
      free_name(holder);
      throw;
    }
    return actor.address;
  });
}

void KernelDoor::step(device::Address actor, device::Step step) {
  relay([&] {
    kernel_->step(actor, step);
    if (step == device::Step::terminate) free_name(kernel_->take_name(actor));
  });
}

NamedActor find_named(const std::string& name, const std::string& type) {
  const auto holder = ringray::get_actor<KernelName>(name);
  auto actor = get(holder.call<&KernelName::actor>());
  if (!actor.kernel)
    throw ActorDiedError(
        fmt::format("the device actor '{}' is being spawned; look for it when its spawn() has returned", name));
  if (actor.type == type) return actor;
  throw ConfigError(fmt::format("the device actor '{}' is a {}, not a {}; ask for what it is", name, actor.type, type));
}

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
        for (const auto& holder : kernel_->terminate()) free_name(holder);
    }
  });
}

device::Address KernelDoor::topic_of(const std::string& name, PublishOptions options, const std::string& type,
                                     KernelCalls::Listener listener) {
  return relay([&] {
    if (const auto right = base::check_topic(name); !right) throw ConfigError(right.error().text);
    return kernel_->gates().topic(
        fmt::format("{} {} {} {}", type, static_cast<int>(options.quality), options.retain, name), std::move(listener));
  });
}

device::Address KernelDoor::address_of(KernelPlace kernel, device::Address actor) {
  return relay([&] { return kernel_->gates().address_of(kernel, actor); });
}
void KernelDoor::introduce(KernelPlace kernel) { kernel_->gates().introduce(std::move(kernel)); }
void KernelDoor::arrive(std::uint32_t rank, std::uint64_t id, device::Words batch) {
  kernel_->gates().arrive_from(rank, id, batch);
}
void KernelDoor::forget(std::uint32_t rank, std::uint64_t id) { kernel_->gates().forget(rank, id); }

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
