// Owner: what comes in, and the death of ranks.

#include "ringray/owner/owner.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "ringray/base/check.hpp"

namespace ringray::owner {

std::span<const Carried> references_of(View payload, std::uint32_t count, std::vector<Carried>& aligned) {
  if (count == 0) return {};
  aligned.resize(count);
  std::memcpy(aligned.data(), payload.data() + payload.size() - count * sizeof(Carried), count * sizeof(Carried));
  return aligned;
}

Owner::Owner(Rank self, std::uint32_t epoch, wire::Outbox& outbox, Environment& environment)
    : self_(self), epoch_(epoch), outbox_(outbox), environment_(environment) {}

void Owner::on_message(const Envelope& envelope, View payload) {
  const auto id = envelope.subject;
  if (std::uint64_t{envelope.argument} * sizeof(Carried) > payload.size() &&
      (envelope.kind == Kind::located || envelope.kind == Kind::lend))
    throw CorruptDataError("a message has fewer references than it says");
  if (envelope.error >= static_cast<unsigned>(Errc::count) && envelope.kind != Kind::reply)
    throw CorruptDataError("a message has an unknown error");
  switch (envelope.kind) {
    case Kind::reply:
      return on_reply(envelope, payload);
    case Kind::moved:
      return on_moved(envelope);
    case Kind::locate:
      return answer(id, {Rank{envelope.argument}, envelope.flags & ready_only   ? Want::ready
                                                  : envelope.flags & place_only ? Want::place
                                                                                : Want::value});
    case Kind::pull:
      return answer(id, {Rank{envelope.argument}, Want::value});
    case Kind::located:
      return on_located(envelope, payload);
    case Kind::lend:
      return on_lend(envelope, payload);
    case Kind::unpin:
      return environment_.returned(id, envelope.source);
    case Kind::discard:
      return environment_.garbage(id, nullptr, {});
    case Kind::borrow:
    case Kind::release: {
      if (!mine(id) && envelope.source == id.owner) return on_registered_by_owner(envelope);
      if (!mine(id)) {  // an actor's references, passing through its rank
        if (!dead(id.owner)) outbox_.send(id.owner, envelope, {});
        return;
      }
      const auto count = static_cast<std::int32_t>(envelope.argument);
      return add_borrower(id, Rank{envelope.correlation}, Rank{envelope.sender},
                          envelope.kind == Kind::borrow ? count : -count);
    }
    case Kind::cancel:
      return environment_.cancel_requested(id, token(id), envelope.flags);
    default:
      RINGRAY_ASSERT(false, "a message that is not the owner's");
  }
}

void Owner::on_rank_died(Rank rank) {
  if (dead_.size() <= rank.value) dead_.resize(rank.value + 1);
  dead_[rank.value] = 1;
  any_died_ = true;
  for (std::uint32_t slot = 0; slot < requests_.size(); ++slot)
    if (requests_[slot].active && (requests_[slot].target == rank || requests_[slot].giver == rank)) fail_request(slot);
  std::vector<ObjectId> ids;
  for (auto& [id, e] : table_) ids.push_back(id);
  for (const auto& id : ids) {
    const auto row = table_.find(id);
    if (row == table_.end()) continue;
    auto& e = row->second;
    if (mine(id)) {
      const bool actor_died = e.home == rank;  // counts may have been lost on their way through it
      std::erase_if(e.registered, [&](const auto& r) { return actor_died || r.borrower == rank; });
      replace_registrar(id, e, rank);
      if (e.fetch && e.holder == rank) fail_fetch(id, e, Errc::object_lost, "the rank that held the only copy died");
      if (const auto again = table_.find(id); again != table_.end()) collect(again);
    } else if (id.owner == rank) {
      if (e.fetch)
        fail_fetch(id, e, Errc::owner_died, "rank " + std::to_string(rank.value) + ", which owned the object, died");
    } else {
      forget_registrar(id, e, rank);
    }
  }
  for (auto& [id, readers] : directed_) {
    std::erase(readers, rank);
    if (holder(id) != rank) continue;
    for (const auto& reader : std::exchange(readers, {}))
      if (!dead(reader)) fail_asker(id, reader, "the rank that held the only copy died");
  }
  for (auto& [id, askers] : askers_) std::erase_if(askers, [&](const auto& asker) { return asker.rank == rank; });
}

std::optional<Owner::Counts> Owner::counts(ObjectId id) const {
  const auto row = table_.find(id);
  if (row == table_.end()) return std::nullopt;
  Counts counts{row->second.handles, 0, row->second.cover, 0};
  for (const auto& registered : row->second.registered)
    (mine(id) ? counts.borrowers : counts.registrations) += registered.count;
  return counts;
}

}  // namespace ringray::owner
