#include "ringray/runtime/kernel_gates.hpp"

#include <algorithm>
#include <chrono>

#include "ringray/runtime/core.hpp"

namespace ringray::runtime {

using device::Address;
using device::Parcel;
using device::Reason;
using device::Words;

namespace {

constexpr std::size_t batch_messages = 64, batches_under_way = 4;
constexpr base::Nanoseconds look_again = std::chrono::microseconds(100);

Address source_of(const Words& words) { return {static_cast<std::uint32_t>(words[0] >> 32)}; }
Address target_of(const Words& words) { return {static_cast<std::uint32_t>(words[0])}; }
void readdress(Words& words, Address source, Address target) {
  words[0] = device::Word{source.value} << 32 | target.value;
}
std::size_t words_in(const device::Word* message) { return device::cells_of(message) * device::cell_data_words; }

/// work(words) for each message of a batch, which another rank may have sent.
template <class Work>
void for_each_message(const Words& batch, const Work& work) {
  for (std::size_t at = 0; at + device::cell_data_words <= batch.size();) {
    const auto end = std::min(at + words_in(&batch[at]), batch.size());
    work(Words(batch.data() + at, batch.data() + end));
    at = end;
  }
}

}  // namespace

// ---- the table

Address KernelGates::address_of(const KernelPlace& kernel, Address actor) {
  const auto self = owner_.shared_from_this();
  // Made now, as the kernel's thread, which introduces itself there, can make none.
  if (!kernel.here()) KernelPlace(self).make_door();
  const std::lock_guard lock(mutex_);
  if (ended_) throw ActorDiedError("kernel '" + *owner_.name() + "' has ended: it cannot send any more");
  if (kernel.here() == self) return actor;
  const auto route = kernel.here() ? nullptr : route_to(kernel);
  const auto index = open({kernel.rank().value, kernel.id()}, actor, kernel.here(), route, false);
  return Address::of(Address::gates_first + index, gates_[index].generation);
}

Address KernelGates::topic(const std::string& key, KernelCalls::Listener listener) {
  const std::lock_guard lock(mutex_);
  if (ended_) throw ActorDiedError("kernel '" + *owner_.name() + "' has ended: it cannot publish any more");
  auto& address = topics_.try_emplace(key, device::host_address).first->second;
  if (address.is_gate()) return address;
  const KernelKey nobody{~0u, 0};
  const auto index = open(nobody, Address{static_cast<std::uint32_t>(topics_.size())}, nullptr, nullptr, false);
  gates_[index].listener = std::make_shared<const KernelCalls::Listener>(std::move(listener));
  return address = Address::of(Address::gates_first + index, gates_[index].generation);
}

std::uint32_t KernelGates::open(const KernelKey& kernel, Address actor, const std::shared_ptr<LiveKernel>& here,
                                const std::shared_ptr<Route>& route, bool for_answers) {
  constexpr std::size_t gates_max = Address::slots_max - Address::gates_first;
  const ActorKey key{kernel, actor.value};
  if (const auto known = indices_.find(key); known != indices_.end()) {
    gates_[known->second].for_answers &= for_answers;
    return known->second;
  }
  if (indices_.size() >= sweep_at_) close_expired();
  while (for_answers && return_gates_.size() >= return_gates_max) {
    const auto oldest = return_gates_.front();
    return_gates_.pop_front();
    const auto& gate = gates_[oldest.slot() - Address::gates_first];
    if (gate.taken && gate.for_answers && gate.generation == oldest.generation())
      close(oldest.slot() - Address::gates_first);
  }
  if (free_.empty()) {
    if (gates_.size() == gates_max)
      throw ConfigError("kernel '" + *owner_.name() + "' knows as many actors of other kernels as it can");
    free_.push_back(static_cast<std::uint32_t>(gates_.size()));
    gates_.emplace_back();
  }
  const auto index = free_.back();
  free_.pop_back();
  auto& gate = gates_[index];
  gate = {key, here, route, nullptr, gate.generation, true, for_answers};
  indices_.emplace(key, index);
  if (for_answers) return_gates_.push_back(Address::of(Address::gates_first + index, gate.generation));
  return index;
}

void KernelGates::close(std::uint32_t index) {
  auto& gate = gates_[index];
  indices_.erase(gate.key);
  gate = {.generation = (gate.generation + 1) % Address::generations_max};
  free_.push_back(index);
}

void KernelGates::close_expired() {
  for (std::uint32_t index = 0; index < gates_.size(); ++index)
    if (const auto& gate = gates_[index]; gate.taken && !gate.route && !gate.listener && gate.here.expired())
      close(index);
  sweep_at_ = 2 * indices_.size() + 1024;
}

std::shared_ptr<KernelGates::Route> KernelGates::route_to(const KernelPlace& kernel) {
  auto& route = routes_[{kernel.rank().value, kernel.id()}];
  if (!route) route = std::make_shared<Route>(Route{.kernel = kernel});
  return route;
}

// ---- what goes

void KernelGates::forward(const Parcel& parcel) {
  const auto envelope = parcel.envelope();
  std::shared_ptr<LiveKernel> here;
  std::shared_ptr<Route> route;
  std::shared_ptr<const KernelCalls::Listener> listener;
  Address target;
  {
    const std::lock_guard lock(mutex_);
    const auto index = envelope.target.slot() - Address::gates_first;
    if (index < gates_.size() && gates_[index].taken && gates_[index].generation == envelope.target.generation()) {
      here = gates_[index].here.lock();
      route = gates_[index].route;
      listener = gates_[index].listener;
      target = {gates_[index].key.second};
    }
  }
  if (listener) {
    if (envelope.refers_to_memory()) return bury(parcel, Reason::unreachable);  // which other ranks do not see
    try {
      return (*listener)(parcel);
    } catch (const Error&) {  // the run has ended
      return bury(parcel, Reason::unreachable);
    }
  }
  if (!here && !route) return bury(parcel, Reason::no_such_actor);
  Words words(parcel.words, parcel.words + words_in(parcel.words));
  readdress(words, envelope.source, target);
  if (here) return here->gates().arrive(owner_.shared_from_this(), std::move(words));
  if (envelope.refers_to_memory()) return bury(parcel, Reason::unreachable);  // which the other rank does not see
  const std::lock_guard lock(sending_);
  if (route->gone) return bury(parcel, Reason::no_such_actor);
  if (route->waiting == waiting_max) return bury(parcel, Reason::rejected);
  route->batch.insert(route->batch.end(), words.begin(), words.end());
  if (++route->waiting % batch_messages == 0) send(route, false);
}

void KernelGates::flush() {
  std::vector<std::shared_ptr<Route>> routes;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, route] : routes_) routes.push_back(route);
  }
  const std::lock_guard lock(sending_);
  for (const auto& route : routes) send(route, true);
}

// Under sending_. Not more under way than the other rank keeps up with.
void KernelGates::send(const std::shared_ptr<Route>& route, bool all) {
  if (route->waiting == 0) return;
  while (!route->under_way.empty() && Access::state(route->under_way.front())->done()) route->under_way.pop_front();
  if (route->under_way.size() >= batches_under_way) {
    if (!all || std::exchange(route->armed, true)) return;
    core().pool().timers().after(look_again, [weak = weak_from_this(), route] {
      const auto self = weak.lock();
      if (!self) return;
      const std::lock_guard lock(self->sending_);
      route->armed = false;
      self->send(route, true);
    });
    return;
  }
  auto batch = std::exchange(route->batch, {});
  route->waiting = 0;
  try {
    route->kernel.check_reachable();
    const auto& door = route->kernel.door();
    const KernelPlace self(owner_.shared_from_this());
    if (!route->introduced) door.call<&KernelDoor::introduce>(self);
    route->introduced = true;
    route->under_way.push_back(door.call<&KernelDoor::arrive>(self.rank().value, self.id(), batch));
  } catch (const Error&) {
    bury_all(std::move(batch), Reason::unreachable);
  }
}

// ---- what comes

void KernelGates::arrive(const std::shared_ptr<LiveKernel>& from, Words words) {
  hand_over({this_rank().value, from->id()}, from, std::move(words));
}

void KernelGates::arrive_from(std::uint32_t rank, std::uint64_t id, const Words& batch) {
  for_each_message(batch, [&](Words words) { hand_over({rank, id}, nullptr, std::move(words)); });
}

void KernelGates::hand_over(const KernelKey& from, const std::shared_ptr<LiveKernel>& here, Words words) {
  const auto target = target_of(words);
  auto source = device::host_address;  // when it cannot be answered
  try {
    const std::lock_guard lock(mutex_);
    const auto route = routes_.find(from);
    if (!ended_ && (here || route != routes_.end())) {
      const auto index = open(from, source_of(words), here, here ? nullptr : route->second, true);
      source = Address::of(Address::gates_first + index, gates_[index].generation);
    }
  } catch (const ConfigError&) {
  }
  readdress(words, source, target);
  owner_.post(std::move(words), owner_.hosted().overflow(target), base::Nanoseconds::max());
}

void KernelGates::introduce(KernelPlace kernel) {
  const std::lock_guard lock(mutex_);
  if (!ended_) route_to(kernel);
}

void KernelGates::bury(Parcel parcel, Reason reason) {
  refusals_.fetch_add(1, std::memory_order_relaxed);
  device::set_reason(parcel.words, reason);
  calls_->mail(parcel);
}

void KernelGates::bury_all(Words batch, Reason reason) {
  for_each_message(batch, [&](const Words& words) {
    Parcel parcel;
    std::copy(words.begin(), words.end(), parcel.words);
    bury(parcel, reason);
  });
}

// ---- ends

void KernelGates::forget(std::uint32_t rank, std::uint64_t id) {
  std::shared_ptr<Route> route;
  {
    const std::lock_guard lock(mutex_);
    const auto found = routes_.find({rank, id});
    if (found == routes_.end()) return;
    route = std::move(found->second);
    routes_.erase(found);
    for (std::uint32_t index = 0; index < gates_.size(); ++index)
      if (gates_[index].route == route) close(index);
  }
  Words batch;
  {
    const std::lock_guard lock(sending_);
    route->gone = true;
    batch.swap(route->batch);
    route->waiting = 0;
  }
  bury_all(std::move(batch), Reason::no_such_actor);
}

void KernelGates::clear() {
  std::vector<Gate> gates;
  std::map<KernelKey, std::shared_ptr<Route>> routes;
  {
    const std::lock_guard lock(mutex_);
    gates.swap(gates_);
    routes.swap(routes_);
    indices_.clear();
    free_.clear();
    return_gates_.clear();
    ended_ = true;
  }
  for (const auto& [key, route] : routes) {
    const std::lock_guard lock(sending_);
    route->gone = true;
    bury_all(std::exchange(route->batch, {}), Reason::actor_terminated);
    route->waiting = 0;
    try {
      route->kernel.door().call<&KernelDoor::forget>(here_rank().value, owner_.id());
    } catch (const Error&) {  // that rank is gone, or the run
    }
  }
}

}  // namespace ringray::runtime
