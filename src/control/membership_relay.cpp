#include "ringray/control/membership_relay.hpp"

#include "ringray/control/tree.hpp"

namespace ringray::control {

std::vector<DeadRank> MembershipRelay::on_message(const wire::Envelope& envelope, wire::View payload,
                                                  wire::Outbox& outbox) {
  const auto news = decode<MembershipNews>(payload);
  if (envelope.kind != wire::Kind::membership || !news || news->version <= version_) return {};
  version_ = news->version;
  std::vector<DeadRank> died;
  for (const auto& dead : news->dead)
    if (membership_.declare_dead(dead.rank, dead.epoch)) died.push_back(dead);
  const auto alive = [&](Rank rank) { return membership_.alive(rank); };
  for (const auto child : live_tree_children(here_, membership_.size(), alive))
    outbox.send(child, wire::Envelope{.sender = epoch_, .kind = wire::Kind::membership}, payload);
  return died;
}

}  // namespace ringray::control
