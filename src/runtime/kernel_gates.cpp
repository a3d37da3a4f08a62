#include "ringray/runtime/kernel_gates.hpp"

#include <algorithm>

#include "ringray/runtime/core.hpp"

namespace ringray::runtime {

using device::Address;
using device::Parcel;
using device::Reason;

namespace {

Address source_of(const device::Words& words) { return {static_cast<std::uint32_t>(words[0] >> 32)}; }
void readdress(device::Words& words, Address source, Address target) {
  words[0] = device::Word{source.value} << 32 | target.value;
}
device::Words words_of(const Parcel& parcel) {
  return {parcel.words, parcel.words + parcel.cells() * device::cell_data_words};
}

}  // namespace

Address KernelGates::address_of(const Target& target) {
  if (target.kernel == KernelPlace(owner_.shared_from_this())) return target.actor;
  // Made now, as the kernel's thread, which introduces itself there, can make none.
  if (!target.kernel.here()) KernelPlace(owner_.shared_from_this()).make_door();
  const std::lock_guard lock(mutex_);
  if (ended_) throw ActorDiedError("kernel '" + *owner_.name() + "' has ended: it cannot send any more");
  return open(target);
}

Address KernelGates::open(const Target& target) {
  const KernelKey kernel{target.kernel.rank().value, target.kernel.id()};
  const auto next = static_cast<std::uint32_t>(Address::gates_first + gates_.size());
  const auto [at, is_new] = slots_.try_emplace({kernel, target.actor.value}, next);
  if (!is_new) return Address::of(at->second, 0);
  if (next == Address::slots_max) {
    slots_.erase(at);
    throw ConfigError("kernel '" + *owner_.name() + "' has sent to as many actors of other kernels as it can");
  }
  gates_.push_back({target});
  return Address::of(next, 0);
}

void KernelGates::forward(const Parcel& parcel) {
  const auto target = parcel.envelope().target;
  Gate* gate = nullptr;
  {
    const std::lock_guard lock(mutex_);
    const auto index = target.slot() - Address::gates_first;
    if (index < gates_.size() && target.generation() == 0) gate = &gates_[index];
  }
  if (!gate) return bury(parcel, Reason::no_such_actor);
  const auto& [kernel, actor, overflow] = gate->target;
  auto words = words_of(parcel);
  readdress(words, source_of(words), actor);
  const KernelPlace self(owner_.shared_from_this());
  try {
    if (kernel.here()) return kernel.here()->gates().arrive(self, std::move(words), overflow);
    kernel.check_reachable();
    if (!std::exchange(gate->introduced, true)) kernel.door().send<&KernelDoor::introduce>(self);
    kernel.door().send<&KernelDoor::arrive>(self.rank().value, self.id(), std::move(words), overflow);
  } catch (const Error&) {
    bury(parcel, Reason::unreachable);
  }
}

void KernelGates::arrive(const KernelPlace& from, device::Words words, device::Overflow overflow) {
  const Address target{static_cast<std::uint32_t>(words[0])};
  std::unique_lock lock(mutex_);
  if (!ended_) readdress(words, open({from, source_of(words)}), target);
  lock.unlock();
  owner_.post(std::move(words), overflow, base::Nanoseconds::max());
}

void KernelGates::introduce(KernelPlace kernel) {
  const std::lock_guard lock(mutex_);
  if (!ended_) introduced_.insert_or_assign({kernel.rank().value, kernel.id()}, std::move(kernel));
}

void KernelGates::arrive_from(std::uint32_t rank, std::uint64_t id, device::Words words, device::Overflow overflow) {
  KernelPlace from;
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = introduced_.find({rank, id}); known != introduced_.end()) from = known->second;
  }
  arrive(from, std::move(words), overflow);
}

void KernelGates::bury(const Parcel& parcel, Reason reason) {
  Parcel letter = parcel;
  device::set_reason(letter.words, reason);
  calls_->mail(letter);
}

void KernelGates::clear() {
  std::deque<Gate> gates;
  std::map<KernelKey, KernelPlace> introduced;
  const std::lock_guard lock(mutex_);
  gates.swap(gates_);
  introduced.swap(introduced_);
  slots_.clear();
  ended_ = true;
}

}  // namespace ringray::runtime
