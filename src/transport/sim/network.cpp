#include "ringray/transport/sim/network.hpp"

#include <algorithm>

#include "ringray/base/check.hpp"
#include "ringray/transport/sim/endpoint.hpp"

namespace ringray::transport::sim {

Network::Network(std::uint64_t seed, std::uint32_t ranks, Faults faults, Pace pace)
    : random_(seed), faults_(faults), pace_(pace), key_(random_() | 1) {
  RINGRAY_ASSERT(ranks > 0 && faults.delay_min <= faults.delay_max);
  endpoints_.reserve(ranks);
  for (std::uint32_t rank = 0; rank < ranks; ++rank) endpoints_.push_back(std::make_unique<Endpoint>(*this, rank));
}

Network::~Network() = default;

Transport& Network::endpoint(Rank rank) { return *endpoints_.at(rank.value); }

bool Network::alive(Rank rank) const { return endpoints_.at(rank.value)->alive_; }

Network::Link* Network::find_link(Rank source, Rank target) {
  const auto found = links_.find(std::uint64_t{source.value} << 32 | target.value);
  return found == links_.end() ? nullptr : &found->second;
}

std::uint32_t Network::store(Delivery delivery) {
  ++in_flight_;
  if (free_slots_.empty()) {
    deliveries_.push_back(std::move(delivery));
    return static_cast<std::uint32_t>(deliveries_.size() - 1);
  }
  const auto slot = free_slots_.back();
  free_slots_.pop_back();
  deliveries_[slot] = std::move(delivery);
  return slot;
}

void Network::release(std::uint32_t slot) {
  constexpr std::size_t kept_max = 1024;
  auto& delivery = deliveries_[slot];
  if (delivery.packet.capacity() != 0 && free_packets_.size() < kept_max)
    free_packets_.push_back(std::move(delivery.packet));
  delivery = {};
  free_slots_.push_back(slot);
  --in_flight_;
}

std::vector<std::byte> Network::take_packet() {
  if (free_packets_.empty()) return {};
  auto packet = std::move(free_packets_.back());
  free_packets_.pop_back();
  packet.clear();
  return packet;
}

void Network::transmit(Link& link, Delivery delivery) {
  const bool to_the_dead = !endpoints_[delivery.target.value]->alive_;
  if (to_the_dead) tell_loss(delivery.source, delivery.target, faults_.loss_noticed_after);
  if (to_the_dead || link.broken) return;
  schedule(link, store(std::move(delivery)));
}

Nanoseconds Network::delay(const Delivery& delivery) {
  if (delivery.source == delivery.target) return Nanoseconds{0};
  const auto spread = static_cast<std::uint64_t>((faults_.delay_max - faults_.delay_min).count());
  auto delay = faults_.delay_min.count() + static_cast<std::int64_t>(random_.below(spread + 1));
  if (random_.chance(faults_.straggler_chance))
    delay +=
        static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(faults_.straggler_delay_max.count()) + 1));
  if (delivery.what == Delivery::What::bulk)
    delay += static_cast<std::int64_t>(delivery.bytes.size() * 1000 / faults_.bulk_bytes_per_us);
  return Nanoseconds{
      static_cast<std::int64_t>(static_cast<double>(delay) * endpoints_[delivery.source.value]->slowness_ *
                                endpoints_[delivery.target.value]->slowness_)};
}

void Network::schedule(Link& link, std::uint32_t slot) {
  const auto& delivery = deliveries_[slot];
  auto time_ns = static_cast<std::uint64_t>((now_ + delay(delivery)).count());
  if (delivery.what == Delivery::What::packet) {  // first in, first out; equal times keep the order of their making
    time_ns = std::max(time_ns, link.last_ns);
    link.last_ns = time_ns;
  }
  events_.push({time_ns, order_++, slot});
}

std::optional<Nanoseconds> Network::next_event() const {
  if (events_.empty()) return std::nullopt;
  return Nanoseconds{static_cast<std::int64_t>(events_.top().time_ns)};
}

void Network::advance(Nanoseconds time) {
  RINGRAY_ASSERT(time >= now_ && (events_.empty() || *next_event() >= time));
  now_ = time;
}

// What a rank sent before it died arrives or not, but without holes: once a packet is lost, all later ones are.
bool Network::swallowed(const Delivery& delivery) {
  if (!endpoints_[delivery.target.value]->alive_) return true;
  if (delivery.what == Delivery::What::loss || !delivery.source.valid()) return false;
  auto& link = this->link(delivery.source, delivery.target);
  if (!endpoints_[delivery.source.value]->alive_ && random_.chance(0.25)) link.broken = true;
  return link.broken;
}

std::optional<Rank> Network::step() {
  while (!events_.empty()) {
    const auto event = events_.top();
    events_.pop();
    now_ = std::max(now_, Nanoseconds{static_cast<std::int64_t>(event.time_ns)});
    const auto& delivery = deliveries_[event.slot];
    if (swallowed(delivery)) {
      release(event.slot);
      continue;
    }
    auto* between = delivery.source.valid() ? find_link(delivery.source, delivery.target) : nullptr;
    if (between != nullptr && between->cut && delivery.what != Delivery::What::loss) {
      between->held.push_back(event.slot);  // all arrivals are, so that they keep their order
      continue;
    }
    const auto target = delivery.target;
    endpoints_[target.value]->arrive(event.slot);
    return target;
  }
  return std::nullopt;
}

void Network::kill(Rank rank) {
  auto& endpoint = *endpoints_.at(rank.value);
  if (!std::exchange(endpoint.alive_, false)) return;
  for (const auto slot : std::exchange(endpoint.inbox_, {})) release(slot);
  endpoint.dirty_.clear();
  std::vector<Rank> observers;
  for (auto& [pair, link] : links_) {
    const Rank source(pair >> 32), target(pair & 0xffff'ffff);
    if (source == rank) {
      link.open.clear();
      link.dirty = false;
    }
    if (target == rank && source != rank) observers.push_back(source);
  }
  std::sort(observers.begin(), observers.end());  // the map's order is not ours
  for (const auto observer : observers) tell_loss(observer, rank, faults_.loss_noticed_after);
}

void Network::tell_loss(Rank observer, Rank lost, Nanoseconds after) {
  if (observer == lost || !endpoints_[observer.value]->alive_) return;
  if (std::exchange(link(observer, lost).loss_scheduled, true)) return;
  const auto spread = static_cast<std::uint64_t>(after.count()) / 2 + 1;
  const auto time = now_ + after / 2 + Nanoseconds{static_cast<std::int64_t>(random_.below(spread))};
  const auto slot = store({.what = Delivery::What::loss, .source = lost, .target = observer});
  events_.push({static_cast<std::uint64_t>(time.count()), order_++, slot});
}

void Network::cut(Rank a, Rank b) {
  link(a, b).cut = true;
  link(b, a).cut = true;
}

void Network::heal(Rank a, Rank b) {
  for (auto* between : {&link(a, b), &link(b, a)}) {
    between->cut = false;
    for (const auto slot : std::exchange(between->held, {}))
      events_.push({static_cast<std::uint64_t>(now_.count()), order_of_held_++, slot});
  }
}

void Network::lose(Rank a, Rank b) {
  for (auto* between : {&link(a, b), &link(b, a)}) {
    between->cut = false;
    between->broken = true;
    for (const auto slot : std::exchange(between->held, {})) release(slot);
  }
  tell_loss(a, b, Nanoseconds{0});
  tell_loss(b, a, Nanoseconds{0});
}

void Network::slow(Rank rank, double factor) {
  RINGRAY_ASSERT(factor > 0);
  endpoints_.at(rank.value)->slowness_ = factor;
}

void Network::inject(Rank target, wire::View packet) {
  const auto slot = store({.target = target, .packet = {packet.begin(), packet.end()}});
  events_.push({static_cast<std::uint64_t>((now_ + faults_.delay_min).count()), order_++, slot});
}

}  // namespace ringray::transport::sim
