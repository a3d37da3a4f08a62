// States of actors out of a kernel and into it, and their way back from a failure.

#include <fmt/format.h>

#include <cstring>

#include "ringray/device/cpu_kernel.hpp"

namespace ringray::device {

bool CpuKernel::recover(Address actor) {
  if (life(actor) == Life::terminated) return true;
  Packed<RecoverCommand> packed;
  pack(packed.words, {.target = actor}, RecoverCommand{});
  const auto block = block_of(actor.slot());
  if (!try_command(block, packed.words)) return false;
  bells_.blocks[block].ring();
  return true;
}

std::vector<ActorInfo> CpuKernel::actors() const {
  std::lock_guard guard(lock_);
  std::vector<ActorInfo> found;
  for (std::uint32_t slot = 0; slot < residents_.size(); ++slot) {
    const auto& resident = residents_[slot];
    const auto life = slots_[slot].life;
    if (resident.is_taken && (life == Life::active || life == Life::suspended || life == Life::failed))
      found.push_back({Address::of(slot, resident.generation), resident.type, resident.state_bytes});
  }
  return found;
}

Result<CpuKernel::Resident*> CpuKernel::living(Address actor) {
  auto* resident = find(actor);
  if (resident != nullptr && resident->life != Life::terminated) return resident;
  return failure(Errc::actor_died, fmt::format("the actor in slot {} of kernel '{}' is gone: it was terminated, or the "
                                               "kernel was",
                                               actor.slot(), options_.name));
}

Result<StateBytes> CpuKernel::checkpoint(Address actor) {
  std::lock_guard guard(lock_);
  const auto resident = living(actor);
  if (!resident) return tl::make_unexpected(resident.error());
  auto& kept = (*resident)->checkpoint;
  // What a handler that failed has left is not what the actor goes on from.
  const bool goes_back = !kept.empty() && slots_[actor.slot()].life == Life::failed;
  const auto& from = goes_back ? kept : (*resident)->state;
  StateBytes state((*resident)->state_bytes);
  std::memcpy(state.data(), from.data(), state.size());
  if (!kept.empty() && !goes_back) std::memcpy(kept.data(), state.data(), state.size());
  return state;
}

Result<void> CpuKernel::restore(Address actor, const StateBytes& state) {
  std::lock_guard guard(lock_);
  const auto resident = living(actor);
  if (!resident) return tl::make_unexpected(resident.error());
  if (state.size() != (*resident)->state_bytes)
    return failure(Errc::config, fmt::format("the state of the actor in slot {} of kernel '{}' has {} bytes, not {}",
                                             actor.slot(), options_.name, (*resident)->state_bytes, state.size()));
  std::memcpy((*resident)->state.data(), state.data(), state.size());
  if (!(*resident)->checkpoint.empty()) std::memcpy((*resident)->checkpoint.data(), state.data(), state.size());
  return {};
}

}  // namespace ringray::device
