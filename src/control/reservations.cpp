#include "ringray/control/reservations.hpp"

#include <algorithm>

namespace ringray::control {

void Reservations::on_reserve(const wire::Envelope& envelope, wire::View payload, wire::Outbox& outbox) {
  const BundleKey key{envelope.subject, envelope.argument};
  const auto resources = decode<Resources>(payload);
  const bool late = envelope.correlation <= unreserved_ || !key.valid() || !resources;
  if (const auto held = attempts_.find(key); held != attempts_.end()) {
    if (!late && envelope.correlation > held->second && *ledger_.total_of(key) == *resources)
      held->second = envelope.correlation;
    answer(envelope, held->second == envelope.correlation, outbox);
    return;
  }
  const bool held = !late && ledger_.reserve(key, *resources);
  if (held) attempts_[key] = envelope.correlation;
  answer(envelope, held, outbox);
}

std::vector<scheduler::Grant> Reservations::on_unreserve(const wire::Envelope& envelope, wire::Outbox& outbox) {
  const BundleKey key{envelope.subject, envelope.argument};
  unreserved_ = std::max(unreserved_, envelope.correlation);
  std::vector<scheduler::Grant> users;
  if (const auto held = attempts_.find(key); held != attempts_.end() && held->second <= envelope.correlation) {
    users = ledger_.unreserve(key);
    attempts_.erase(held);
  }
  answer(envelope, false, outbox);
  return users;
}

void Reservations::answer(const wire::Envelope& question, bool held, wire::Outbox& outbox) const {
  const auto payload = encode(ledger_.free());
  wire::Envelope envelope{.subject = question.subject,
                          .correlation = question.correlation,
                          .argument = question.argument,
                          .flags = held ? bundle_held : std::uint8_t{0},
                          .kind = wire::Kind::reserved};
  outbox.send(0, envelope, payload.view());
}

}  // namespace ringray::control
