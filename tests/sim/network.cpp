#include "network.hpp"

#include <algorithm>
#include <cstring>

namespace ringray::sim {
namespace {

constexpr std::uint64_t delay_ns_min = 1'000, delay_ns_spread = 20'000, late_ns_spread = 400'000;
constexpr double late_chance = 0.05;

/// The references inside a message, read from its bytes so that the check does not trust who sent it.
std::vector<ObjectId> references_in(const Envelope& envelope, View payload) {
  std::vector<ObjectId> found;
  const auto take = [&](const std::byte* from, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      Carried carried;
      std::memcpy(&carried, from + i * sizeof carried, sizeof carried);
      found.push_back(carried.id);
    }
  };
  switch (envelope.kind) {
    case Kind::submit:
    case Kind::call:
    case Kind::send:
    case Kind::spawn:
    case Kind::located:
    case Kind::lend:
      take(payload.data() + payload.size() - envelope.argument * sizeof(Carried), envelope.argument);
      break;
    case Kind::reply: {
      if (!(envelope.flags & owner::structured)) break;
      wire::Decoder decoder(payload);
      const auto results = decoder.get<std::uint64_t>();
      for (std::uint64_t i = 0; i < results; ++i) {
        const auto bytes = decoder.get<std::uint64_t>();
        const auto references = decoder.get<std::uint32_t>();
        decoder.get<std::uint16_t>();
        const bool stored = decoder.get<std::uint16_t>() != 0;
        const auto inside = decoder.take(references * sizeof(Carried));
        take(inside.data(), references);
        if (!stored) decoder.take((bytes + 7) & ~std::uint64_t{7});
      }
      break;
    }
    default:
      break;
  }
  return found;
}

}  // namespace

void Network::schedule(Event event, std::uint64_t time_ns) {
  std::uint32_t slot;
  if (free_.empty()) {
    slot = static_cast<std::uint32_t>(events_.size());
    events_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  events_[slot] = std::move(event);
  queue_.push({time_ns, ++order_, slot});
  in_flight_max_ = std::max(in_flight_max_, queue_.size());
}

void Network::send(Rank source, Rank target, Envelope envelope, View payload, Event::What what) {
  envelope.source = source;
  envelope.payload_bytes = payload.size();
  Event event{.what = what, .source = source, .target = target, .payload = {payload.begin(), payload.end()}};
  if (tamper && what == Event::What::message && !tamper(envelope, event.payload)) return;
  event.envelope = envelope;
  if (what == Event::What::message) event.carried = references_in(envelope, event.payload);
  for (const auto& id : event.carried) ++carried_[id];
  auto time_ns = now_ns_ + delay_ns_min + random_.below(delay_ns_spread);
  if (random_.chance(late_chance)) time_ns += random_.below(late_ns_spread);
  if (what == Event::What::message) {
    auto& last_ns = last_ns_[std::uint64_t{source.value} << 32 | target.value];
    last_ns = time_ns = std::max(time_ns, last_ns + 1);
  }
  schedule(std::move(event), time_ns);
}

void Network::later(Event event, std::uint64_t within_ns) {
  schedule(std::move(event), now_ns_ + random_.below(within_ns));
}

bool Network::next(Event& event) {
  if (queue_.empty()) return false;
  const auto due = queue_.top();
  queue_.pop();
  now_ns_ = due.time_ns;
  event = std::move(events_[due.slot]);
  free_.push_back(due.slot);
  return true;
}

void Network::delivered(const Event& event) {
  for (const auto& id : event.carried)
    if (const auto at = carried_.find(id); --at->second == 0) carried_.erase(at);
}

std::int64_t Network::carried(ObjectId id) const {
  const auto at = carried_.find(id);
  return at == carried_.end() ? 0 : at->second;
}

}  // namespace ringray::sim
