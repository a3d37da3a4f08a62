#include "ringray/owner/owner.hpp"

#include <algorithm>
#include <cstring>

#include "ringray/base/check.hpp"

namespace ringray::owner {
namespace {

constexpr unsigned slot_bits = 24;
constexpr std::uint64_t slot_mask = (1u << slot_bits) - 1;
constexpr std::uint64_t created_bit = 1ull << 63;  // ids from create(), as opposed to results of requests
constexpr std::uint64_t references_only = 1;       // Envelope::correlation of located: the bytes come as bulk

struct OutcomeHeader {
  std::uint64_t bytes = 0;
  std::uint32_t references = 0;
  std::uint16_t error = 0;
  std::uint16_t stored = 0;
};

constexpr std::size_t padded(std::size_t bytes) { return (bytes + 7) & ~std::size_t{7}; }

ErrorDetail detail_of(std::string text, Rank rank) { return {.text = std::move(text), .rank = rank.value}; }

}  // namespace

std::span<const Carried> references_of(View payload, std::uint32_t count, std::vector<Carried>& aligned) {
  if (count == 0) return {};
  aligned.resize(count);
  std::memcpy(aligned.data(), payload.data() + payload.size() - count * sizeof(Carried), count * sizeof(Carried));
  return aligned;
}

Owner::Owner(Rank self, std::uint32_t epoch, wire::Outbox& outbox, Environment& environment)
    : self_(self), epoch_(epoch), outbox_(outbox), environment_(environment) {}

// --- references

ObjectId Owner::next_id() noexcept { return {self_, epoch_, created_bit | ++next_}; }

ObjectId Owner::create(Token token, Rank home) {
  const auto id = next_id();
  auto& row = table_[id];
  row.handles = 1;
  row.token = token;
  row.home = home;
  ++owned_;
  return id;
}

void Owner::adopt_result(ObjectId id, Token token) {
  RINGRAY_ASSERT(mine(id) && !table_.contains(id));
  auto& row = table_[id];
  row.handles = 1;
  row.token = token;
  ++owned_;
}

Token Owner::token(ObjectId id) const {
  const auto row = table_.find(id);
  return row == table_.end() ? nullptr : row->second.token;
}

void Owner::set_token(ObjectId id, Token token) {
  const auto row = table_.find(id);
  if (row != table_.end()) row->second.token = token;
}

Owner::Entry& Owner::entry(const Carried& carried) {
  const auto [row, fresh] = table_.try_emplace(carried.id);
  if (fresh) {
    RINGRAY_ASSERT(!mine(carried.id), "an owned object came back after it was freed");
    row->second.home = carried.home;
  }
  return row->second;
}

void Owner::acquire(const Carried& carried) { ++entry(carried).handles; }

void Owner::drop(ObjectId id) {
  const auto row = table_.find(id);
  RINGRAY_ASSERT(row != table_.end() && row->second.handles > 0, "dropped a reference that is not held");
  --row->second.handles;
  collect(row);
}

void Owner::sent_one_way(ObjectId actor) {
  const auto row = table_.find(actor);
  if (row != table_.end() && row->second.cover > 0) row->second.sent = true;
}

// Frees the row when nothing needs it: an owned object for good, a borrowed one by telling its owner.
void Owner::collect(Table::iterator row) {
  auto& [id, e] = *row;
  if (e.handles > 0) return;
  if (mine(id)) {
    if (!e.borrowers.empty()) return;
    const auto freed = id;
    const auto token = e.token;
    const auto home = e.home;
    const auto holder = e.holder;
    table_.erase(row);
    --owned_;
    askers_.erase(freed);
    if (holder.valid() && holder != self_ && !dead(holder))
      outbox_.send(holder, {.subject = freed, .kind = Kind::discard}, {});
    environment_.garbage(freed, token, home);
    return;
  }
  if (e.cover > 0) return;  // the reply will say that nothing is kept
  if (e.registrations > 0)
    route(id, e.home, {.subject = id, .correlation = self_.value, .argument = e.registrations, .kind = Kind::release});
  table_.erase(row);
}

// Messages about an actor's references go through the actor's rank, behind the calls that were sent there before:
// a release that overtook a call would let the actor die too early.
void Owner::route(ObjectId id, Rank home, Envelope envelope) {
  if (dead(id.owner)) return;
  const bool detour = home.valid() && home != self_ && home != id.owner && !dead(home);
  outbox_.send(detour ? home : id.owner, envelope, {});
}

void Owner::add_borrower(ObjectId id, Rank borrower, std::int32_t count) {
  const auto row = table_.find(id);
  if (row == table_.end()) return;  // of a dead rank, after its counts were cleared
  if (dead(borrower)) return collect(row);
  auto& all = row->second.borrowers;
  auto at = std::find_if(all.begin(), all.end(), [&](const auto& pair) { return pair.first == borrower; });
  if (at == all.end()) at = all.insert(at, {borrower, 0});
  at->second += count;
  if (at->second == 0) {
    *at = all.back();
    all.pop_back();
  }
  collect(row);
}

bool Owner::register_borrower(ObjectId id, Rank borrower) {
  if (!table_.contains(id)) return false;
  add_borrower(id, borrower, 1);
  return true;
}

void Owner::register_receiver(std::span<const Carried> references, Rank receiver) {
  for (const auto& carried : references) {
    const bool actor = carried.home.valid();
    if (mine(carried.id)) {
      if (receiver != self_) add_borrower(carried.id, receiver, 1);
    } else if (receiver != carried.id.owner || actor) {
      route(carried.id, carried.home,
            {.subject = carried.id, .correlation = receiver.value, .argument = 1, .kind = Kind::borrow});
    }
  }
}

void Owner::receive_registered(std::span<const Carried> references) {
  for (const auto& carried : references) {
    auto& e = entry(carried);
    ++e.handles;
    if (!mine(carried.id))
      ++e.registrations;
    else if (carried.home.valid())
      add_borrower(carried.id, self_, -1);  // undoes the registration that the sender made through the actor's rank
  }
}

void Owner::receive_covered(std::span<const Carried> references) {
  for (const auto& carried : references) {
    auto& e = entry(carried);
    ++e.handles;
    if (!mine(carried.id)) ++e.cover;
  }
}

bool Owner::may_uncover(std::span<const Carried> covered) const {
  for (const auto& carried : covered) {
    const auto row = table_.find(carried.id);
    if (row == table_.end() || mine(carried.id)) continue;
    const auto listed =
        std::count_if(covered.begin(), covered.end(), [&](const auto& c) { return c.id == carried.id; });
    const auto& e = row->second;
    if (e.handles > listed && e.registrations == 0 && e.cover <= listed) return false;
  }
  return true;
}

void Owner::uncover(std::span<const Carried> covered) {
  for (const auto& carried : covered) {
    const auto row = table_.find(carried.id);
    if (row == table_.end() || mine(carried.id)) continue;
    --row->second.cover;
    collect(row);
  }
}

// --- requests

std::uint64_t Owner::request(Request request, Envelope envelope, View payload, std::span<const Carried> references) {
  std::uint32_t slot;
  if (!free_requests_.empty()) {
    slot = free_requests_.back();
    free_requests_.pop_back();
  } else {
    slot = static_cast<std::uint32_t>(requests_.size());
    RINGRAY_ASSERT(slot <= slot_mask, "more than 16 million requests wait for replies");
    requests_.emplace_back();
  }
  auto& row = requests_[slot];
  const auto generation = row.generation + 1;
  row = std::move(request);
  row.generation = generation;
  row.active = true;
  row.pinned.assign(references.begin(), references.end());
  ++active_requests_;
  for (const auto& carried : references) acquire(carried);
  const auto correlation = std::uint64_t{generation} << slot_bits | slot;
  envelope.kind = row.kind;
  envelope.correlation = correlation;
  envelope.argument = static_cast<std::uint32_t>(references.size());
  const auto target = row.target;
  outbox_.send(target, envelope, payload);
  if (dead(target)) on_rank_died(target);
  return correlation;
}

const Request* Owner::find_request(std::uint64_t correlation) const {
  const auto slot = correlation & slot_mask;
  if (slot >= requests_.size()) return nullptr;
  const auto& row = requests_[slot];
  return row.active && row.generation == static_cast<std::uint32_t>(correlation >> slot_bits) ? &row : nullptr;
}

void Owner::cancel(std::uint64_t correlation, std::uint8_t flags) {
  if (const auto* row = find_request(correlation))
    outbox_.send(row->target, {.subject = row->actor, .correlation = correlation, .flags = flags, .kind = Kind::cancel},
                 {});
}

void Owner::cancel_object(ObjectId id, std::uint8_t flags) {
  if (!dead(id.owner)) outbox_.send(id.owner, {.subject = id, .flags = flags, .kind = Kind::cancel}, {});
}

void Owner::reply(Rank caller, std::uint64_t correlation, ActorId subject, std::span<const Outcome> outcomes,
                  std::span<const Carried> covered, std::uint8_t flags) {
  scratch_.clear();
  const bool simple = outcomes.size() == 1 && covered.empty() && outcomes[0].references.empty() && !outcomes[0].stored;
  Envelope envelope{.subject = subject, .correlation = correlation, .flags = flags, .kind = Kind::reply};
  if (simple) {
    envelope.error = static_cast<std::uint16_t>(outcomes[0].error);
    outbox_.send(caller, envelope, outcomes[0].bytes);
    return;
  }
  envelope.flags |= structured;
  scratch_.put(static_cast<std::uint64_t>(outcomes.size()));
  for (const auto& outcome : outcomes) {
    register_receiver(outcome.references, caller);
    scratch_.put(OutcomeHeader{outcome.stored ? outcome.stored_bytes : outcome.bytes.size(),
                               static_cast<std::uint32_t>(outcome.references.size()),
                               static_cast<std::uint16_t>(outcome.error), outcome.stored});
    scratch_.append(outcome.references.data(), outcome.references.size_bytes());
    if (!outcome.stored) {
      scratch_.append(outcome.bytes.data(), outcome.bytes.size());
      static constexpr std::byte zeros[8]{};
      scratch_.append(zeros, padded(outcome.bytes.size()) - outcome.bytes.size());
    }
  }
  // A reference that came with the request and is still held here becomes a registration, made by the caller.
  std::vector<ObjectId> released;
  for (const auto& carried : covered) {
    const auto row = table_.find(carried.id);
    if (row == table_.end() || mine(carried.id)) continue;
    auto& e = row->second;
    RINGRAY_ASSERT(e.cover > 0);
    if (--e.cover > 0) continue;
    if ((e.handles > 0 || e.sent) && e.registrations == 0) {
      e.registrations = 1;
      scratch_.put(carried.id);
      ++envelope.argument;
    }
    e.sent = false;
    if (e.handles == 0) released.push_back(carried.id);
  }
  outbox_.send(caller, envelope, scratch_.view());
  for (const auto& id : released)
    if (const auto row = table_.find(id); row != table_.end()) collect(row);
}

void Owner::on_reply(const Envelope& envelope, View payload) {
  if (!(envelope.flags & structured)) {
    const Outcome outcome{.error = static_cast<Errc>(envelope.error), .bytes = payload};
    return finish(envelope.correlation, {&outcome, 1}, {});
  }
  wire::Decoder decoder(payload);
  const auto count = decoder.get<std::uint64_t>();
  if (count > 127) throw CorruptDataError("a reply has more than 127 results");
  std::vector<Outcome> outcomes(count);
  std::vector<std::vector<Carried>> references(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto header = decoder.get<OutcomeHeader>();
    if (header.references > decoder.remaining() / sizeof(Carried) || header.error >= static_cast<unsigned>(Errc::count))
      throw CorruptDataError("a reply's result header is wrong");
    references[i].resize(header.references);
    decoder.read(references[i].data(), header.references * sizeof(Carried));
    outcomes[i] = {.error = static_cast<Errc>(header.error), .references = references[i], .stored = header.stored != 0};
    if (header.stored) {
      outcomes[i].stored_bytes = header.bytes;
    } else {
      outcomes[i].bytes = decoder.take(header.bytes);
      decoder.take(padded(header.bytes) - header.bytes);
    }
  }
  if (envelope.argument > decoder.remaining() / sizeof(ObjectId))
    throw CorruptDataError("a reply's list of kept references is truncated");
  std::vector<ObjectId> kept(envelope.argument);
  decoder.read(kept.data(), kept.size() * sizeof(ObjectId));
  for (const auto& outcome : outcomes) receive_registered(outcome.references);
  finish(envelope.correlation, outcomes, kept);
}

void Owner::finish(std::uint64_t correlation, std::span<const Outcome> outcomes, std::span<const ObjectId> kept) {
  const auto* found = find_request(correlation);
  if (!found) {  // ended before, by the death of its rank as seen from here
    for (const auto& outcome : outcomes)
      for (const auto& carried : outcome.references) drop(carried.id);
    return;
  }
  const auto slot = static_cast<std::uint32_t>(correlation & slot_mask);
  const auto request = std::move(requests_[slot]);
  requests_[slot].active = false;
  requests_[slot].generation = request.generation;
  requests_[slot].pinned.clear();
  requests_[slot].specification.reset();
  free_requests_.push_back(slot);
  --active_requests_;
  for (const auto& id : kept) {
    const auto at =
        std::find_if(request.pinned.begin(), request.pinned.end(), [&](const auto& c) { return c.id == id; });
    if (at == request.pinned.end()) throw CorruptDataError("a reply keeps a reference that it was not given");
    if (mine(id))
      add_borrower(id, request.target, 1);
    else
      route(id, at->home, {.subject = id, .correlation = request.target.value, .argument = 1, .kind = Kind::borrow});
  }
  environment_.replied(request, correlation, outcomes);
  for (const auto& carried : request.pinned) drop(carried.id);
}

// --- values

void Owner::set_holder(ObjectId id, Rank holder, std::uint64_t bytes) {
  const auto row = table_.find(id);
  if (row == table_.end()) return;
  row->second.holder = holder;
  row->second.bytes = bytes;
}

Rank Owner::holder(ObjectId id) const {
  const auto row = table_.find(id);
  return row == table_.end() ? Rank{} : row->second.holder;
}

void Owner::want(ObjectId id, bool value) {
  const auto row = table_.find(id);
  RINGRAY_ASSERT(row != table_.end(), "wanted an object without holding a reference");
  auto& e = row->second;
  if (!e.fetch) e.fetch = std::make_unique<Fetch>();
  auto& asked = value ? e.fetch->asked_value : e.fetch->asked_ready;
  if (asked) return;
  asked = true;
  if (mine(id)) {
    RINGRAY_ASSERT(e.holder.valid() && e.holder != self_, "wanted a value that is here");
    if (dead(e.holder)) return fail_fetch(id, e, Errc::object_lost, "the rank that held the only copy died");
    outbox_.send(e.holder, {.subject = id, .argument = self_.value, .kind = Kind::pull}, {});
  } else if (dead(id.owner)) {
    fail_fetch(id, e, Errc::owner_died, "rank " + std::to_string(id.owner.value) + ", which owned the object, died");
  } else {
    outbox_.send(
        id.owner,
        {.subject = id, .argument = self_.value, .flags = value ? std::uint8_t{0} : ready_only, .kind = Kind::locate},
        {});
  }
}

void Owner::fail_fetch(ObjectId id, Entry& e, Errc error, std::string text) {
  e.fetch.reset();
  wire::ByteBuffer buffer;
  wire::Encoder encoder(buffer);
  encoder(detail_of(std::move(text), self_));
  environment_.arrived(id, e.token, {.form = Arrival::Form::failed, .error = error, .bytes = buffer.view()});
}

void Owner::answer(ObjectId id, Asker asker) {
  const auto row = table_.find(id);
  const bool owned = mine(id);
  if (owned && row == table_.end()) {
    wire::Encoder encoder((scratch_.clear(), scratch_));
    encoder(detail_of("the object was freed before it was asked for", self_));
    outbox_.send(asker.rank,
                 {.subject = id, .error = static_cast<std::uint16_t>(Errc::object_lost), .kind = Kind::located},
                 scratch_.view());
    return;
  }
  if (owned && row->second.holder.valid() && row->second.holder != self_) {
    const auto holder = row->second.holder;
    if (!asker.value)
      outbox_.send(asker.rank, {.subject = id, .flags = ready_only, .kind = Kind::located}, {});
    else if (!dead(holder))
      outbox_.send(holder, {.subject = id, .argument = asker.rank.value, .kind = Kind::pull}, {});
    else {
      wire::Encoder encoder((scratch_.clear(), scratch_));
      encoder(detail_of("the rank that held the only copy died", self_));
      outbox_.send(asker.rank,
                   {.subject = id, .error = static_cast<std::uint16_t>(Errc::object_lost), .kind = Kind::located},
                   scratch_.view());
    }
    return;
  }
  const auto held = environment_.held(id, row == table_.end() ? nullptr : row->second.token, asker.rank);
  if (held.form == Held::Form::later) {
    askers_[id].push_back(asker);
    return;
  }
  if (held.form == Held::Form::failed) {
    outbox_.send(asker.rank, {.subject = id, .error = static_cast<std::uint16_t>(held.error), .kind = Kind::located},
                 held.bytes);
    return;
  }
  if (!asker.value) {
    if (held.form == Held::Form::lent) environment_.returned(id, asker.rank);
    outbox_.send(asker.rank, {.subject = id, .flags = ready_only, .kind = Kind::located}, {});
    return;
  }
  register_receiver(held.references, asker.rank);
  const auto count = static_cast<std::uint32_t>(held.references.size());
  scratch_.clear();
  switch (held.form) {
    case Held::Form::inline_bytes:
      scratch_.append(held.bytes.data(), held.bytes.size());
      scratch_.append(held.references.data(), held.references.size_bytes());
      outbox_.send(asker.rank, {.subject = id, .argument = count, .kind = Kind::located}, scratch_.view());
      break;
    case Held::Form::lent:
      scratch_.put(held.offset);
      scratch_.put(held.size);
      scratch_.append(held.references.data(), held.references.size_bytes());
      outbox_.send(asker.rank, {.subject = id, .argument = count, .kind = Kind::lend}, scratch_.view());
      break;
    default:
      if (count > 0)
        outbox_.send(asker.rank,
                     {.subject = id, .correlation = references_only, .argument = count, .kind = Kind::located},
                     {reinterpret_cast<const std::byte*>(held.references.data()), held.references.size_bytes()});
      outbox_.send_bulk(asker.rank, {.subject = id, .argument = count, .kind = Kind::data}, held.lease);
  }
}

void Owner::settled(ObjectId id) {
  const auto waiting = askers_.find(id);
  if (waiting == askers_.end()) return;
  const auto askers = std::move(waiting->second);
  askers_.erase(waiting);
  for (const auto& asker : askers)
    if (!dead(asker.rank)) answer(id, asker);
}

void Owner::on_located(const Envelope& envelope, View payload) {
  const auto row = table_.find(envelope.subject);
  const bool wanted = row != table_.end() && row->second.fetch;
  const auto id = envelope.subject;
  if (envelope.error != 0 || (envelope.flags & ready_only)) {
    if (!wanted) return;
    const auto token = row->second.token;
    if (envelope.error != 0) row->second.fetch.reset();
    environment_.arrived(id, token,
                         {.form = envelope.error != 0 ? Arrival::Form::failed : Arrival::Form::ready,
                          .error = static_cast<Errc>(envelope.error),
                          .bytes = payload});
    return;
  }
  std::vector<Carried> references;
  references_of(payload, envelope.argument, references);
  receive_registered(references);
  if (!wanted) {  // the last reference went while the value was on its way
    for (const auto& carried : references) drop(carried.id);
    return;
  }
  auto& e = table_.find(id)->second;  // receive_registered may have rehashed
  if (envelope.correlation == references_only) {
    e.fetch->references = std::move(references);
    e.fetch->references_done = true;
    bulk_complete(id, e);
    return;
  }
  e.fetch.reset();
  environment_.arrived(id, e.token,
                       {.form = Arrival::Form::inline_bytes,
                        .bytes = body_of(payload, envelope.argument),
                        .references = std::move(references)});
}

void Owner::on_lend(const Envelope& envelope, View payload) {
  const auto id = envelope.subject;
  std::vector<Carried> references;
  references_of(payload, envelope.argument, references);
  receive_registered(references);
  wire::Decoder decoder(body_of(payload, envelope.argument));
  const auto offset = decoder.get<std::uint64_t>();
  const auto size = decoder.get<std::uint64_t>();
  const auto row = table_.find(id);
  if (row == table_.end() || !row->second.fetch) {
    for (const auto& carried : references) drop(carried.id);
    outbox_.send(envelope.source, {.subject = id, .kind = Kind::unpin}, {});
    return;
  }
  row->second.fetch.reset();
  environment_.arrived(id, row->second.token,
                       {.form = Arrival::Form::lent,
                        .holder = envelope.source,
                        .offset = offset,
                        .size = size,
                        .references = std::move(references)});
}

void Owner::bulk_arrived(const Envelope& envelope, Errc status) {
  const auto row = table_.find(envelope.subject);
  if (row == table_.end() || !row->second.fetch) return;
  auto& e = row->second;
  if (status != Errc::none) return fail_fetch(envelope.subject, e, status, "the transfer of the object's bytes failed");
  e.fetch->bytes_done = true;
  if (envelope.argument == 0) e.fetch->references_done = true;
  bulk_complete(envelope.subject, e);
}

void Owner::bulk_complete(ObjectId id, Entry& e) {
  if (!e.fetch->references_done || !e.fetch->bytes_done) return;
  auto references = std::move(e.fetch->references);
  e.fetch.reset();
  environment_.arrived(id, e.token, {.form = Arrival::Form::stored, .references = std::move(references)});
}

void Owner::unpin(ObjectId id, Rank holder) {
  if (holder == self_)
    environment_.returned(id, self_);
  else if (!dead(holder))
    outbox_.send(holder, {.subject = id, .kind = Kind::unpin}, {});
}

void Owner::on_message(const Envelope& envelope, View payload) {
  const auto id = envelope.subject;
  if (std::uint64_t{envelope.argument} * sizeof(Carried) > payload.size() &&
      (envelope.kind == Kind::located || envelope.kind == Kind::lend))
    throw CorruptDataError("a message has fewer references than it says");
  switch (envelope.kind) {
    case Kind::reply:
      return on_reply(envelope, payload);
    case Kind::locate:
      return answer(id, {Rank{envelope.argument}, !(envelope.flags & ready_only)});
    case Kind::pull:
      return answer(id, {Rank{envelope.argument}, true});
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
      if (!mine(id)) {  // an actor's references, passing through its rank
        if (!dead(id.owner)) outbox_.send(id.owner, envelope, {});
        return;
      }
      const auto count = static_cast<std::int32_t>(envelope.argument);
      return add_borrower(id, Rank{envelope.correlation}, envelope.kind == Kind::borrow ? count : -count);
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
  wire::ByteBuffer buffer;
  wire::Encoder encoder(buffer);
  encoder(detail_of("rank " + std::to_string(rank.value) + " died", rank));
  for (std::uint32_t slot = 0; slot < requests_.size(); ++slot) {
    const auto& request = requests_[slot];
    if (!request.active || request.target != rank) continue;
    const bool task = request.kind == Kind::submit;
    const Outcome outcome{.error = task ? Errc::rank_died : Errc::actor_died, .bytes = buffer.view()};
    finish(std::uint64_t{request.generation} << slot_bits | slot, {&outcome, 1}, {});
  }
  std::vector<ObjectId> ids;
  for (auto& [id, e] : table_) ids.push_back(id);
  for (const auto& id : ids) {
    const auto row = table_.find(id);
    if (row == table_.end()) continue;
    auto& e = row->second;
    if (mine(id)) {
      std::erase_if(e.borrowers, [&](const auto& pair) { return pair.first == rank; });
      if (e.fetch && e.holder == rank) fail_fetch(id, e, Errc::object_lost, "the rank that held the only copy died");
      if (const auto again = table_.find(id); again != table_.end()) collect(again);
    } else if (id.owner == rank && e.fetch) {
      fail_fetch(id, e, Errc::owner_died, "rank " + std::to_string(rank.value) + ", which owned the object, died");
    }
  }
  for (auto& [id, askers] : askers_) std::erase_if(askers, [&](const auto& asker) { return asker.rank == rank; });
}

std::optional<Owner::Counts> Owner::counts(ObjectId id) const {
  const auto row = table_.find(id);
  if (row == table_.end()) return std::nullopt;
  Counts counts{row->second.handles, row->second.registrations, row->second.cover, 0};
  for (const auto& [rank, count] : row->second.borrowers) counts.borrowers += count;
  return counts;
}

}  // namespace ringray::owner
