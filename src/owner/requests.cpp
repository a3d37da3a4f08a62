// Owner: requests and their replies.

#include "ringray/owner/owner.hpp"

#include <algorithm>

#include "ringray/base/check.hpp"

namespace ringray::owner {
namespace {

struct OutcomeHeader {
  std::uint64_t bytes = 0;
  std::uint32_t references = 0;
  std::uint16_t error = 0;
  std::uint16_t stored = 0;
};

constexpr std::size_t padded(std::size_t bytes) { return (bytes + 7) & ~std::size_t{7}; }

}  // namespace

std::uint64_t Owner::request(const Request& request, Envelope envelope, View payload,
                             std::span<const Carried> references) {
  std::uint32_t slot;
  if (!free_requests_.empty()) {
    slot = free_requests_.back();
    free_requests_.pop_back();
  } else {
    slot = static_cast<std::uint32_t>(requests_.size());
    RINGRAY_ASSERT(slot < (1u << slot_bits), "more than 16 million requests wait for replies");
    requests_.emplace_back();
  }
  auto& row = requests_[slot];
  row.begin(request);
  if (!references.empty()) row.pinned.assign(references.begin(), references.end());
  ++active_requests_;
  for (const auto& carried : references) acquire(carried);
  if (row.actor.valid()) sent_one_way(row.actor);
  const auto correlation = correlation_of(slot);
  envelope.kind = row.kind;
  envelope.correlation = correlation;
  envelope.argument = static_cast<std::uint32_t>(references.size());
  const auto target = row.target;
  outbox_.send(target, envelope, payload);
  if (dead(target)) fail_request(slot);
  return correlation;
}

void Owner::fail_request(std::uint32_t slot) {
  const auto& request = requests_[slot];
  wire::ByteBuffer buffer;
  wire::Encoder encoder(buffer);
  encoder(ErrorDetail{.text = "rank " + std::to_string(request.target.value) + ", where it ran or waited, died",
                      .rank = request.target.value});
  const Outcome outcome{.error = request.kind == Kind::submit ? Errc::rank_died : Errc::actor_died,
                        .bytes = buffer.view()};
  finish(correlation_of(slot), {&outcome, 1}, {});
}

void Owner::cancel(std::uint64_t correlation, std::uint8_t flags) {
  if (!find_request(correlation)) return;
  auto& row = requests_[slot_of(correlation)];
  row.cancelled = static_cast<std::uint8_t>(row.cancelled.value_or(0) | flags);
  outbox_.send(row.target, {.subject = row.actor, .correlation = correlation, .flags = flags, .kind = Kind::cancel},
               {});
}

// A stolen task was stolen again. The giver tells so when it sends the task, the thief when it has it. In between the
// task is lost when either dies.
void Owner::on_moved(const Envelope& envelope) {
  if (!find_request(envelope.correlation)) return;
  const auto slot = slot_of(envelope.correlation);
  auto& row = requests_[slot];
  const Rank thief{envelope.argument};
  const bool ended = thief == envelope.source;
  const auto moves = 2 * envelope.sender + ended;
  if (moves <= row.moves) return;  // it has moved on since
  row.moves = moves;
  row.target = thief;
  row.giver = ended ? Rank{} : envelope.source;
  if (dead(thief)) return fail_request(slot);
  if (ended && row.cancelled) cancel(envelope.correlation, *row.cancelled);
}

void Owner::cancel_object(ObjectId id, std::uint8_t flags) {
  if (!dead(id.owner)) outbox_.send(id.owner, {.subject = id, .flags = flags, .kind = Kind::cancel}, {});
}

void Owner::reply(Rank caller, std::uint64_t correlation, ActorId subject, std::span<const Outcome> outcomes,
                  std::span<const Carried> covered, std::uint8_t flags) {
  const bool reachable = !dead(caller);
  scratch_.clear();
  const bool simple = outcomes.size() == 1 && covered.empty() && outcomes[0].references.empty() && !outcomes[0].stored;
  Envelope envelope{.subject = subject, .correlation = correlation, .flags = flags, .kind = Kind::reply};
  if (simple) {
    envelope.error = static_cast<std::uint16_t>(outcomes[0].error);
    if (reachable) outbox_.send(caller, envelope, outcomes[0].bytes);
    return;
  }
  envelope.flags |= structured;
  scratch_.put(static_cast<std::uint64_t>(outcomes.size()));
  for (const auto& outcome : outcomes) {
    if (reachable) register_receiver(outcome.references, caller);
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
  // A reference that came with the request and is still held here becomes a registration, made by the caller. Cover by
  // another caller or a registration by a third rank is not enough: that rank may be kept alive by this one alone.
  std::vector<ObjectId> released;
  for (const auto& carried : covered) {
    const auto row = table_.find(carried.id);
    if (row == table_.end() || mine(carried.id)) continue;
    RINGRAY_ASSERT(row->second.cover > 0);
    --row->second.cover;
    --covers_;
  }
  for (const auto& carried : covered) {
    const auto row = table_.find(carried.id);
    if (row == table_.end() || mine(carried.id)) continue;
    auto& e = row->second;
    const auto by = reachable ? caller : self_;
    const bool vouched = std::any_of(e.registered.begin(), e.registered.end(),
                                     [&](const auto& r) { return r.by == by || r.by == carried.id.owner; });
    const bool direct = caller == carried.id.owner && !e.home.valid();  // what was sent arrives before the reply
    if ((e.handles > 0 || (e.sent && !direct)) && !vouched) {
      if (reachable) {
        count_registered(e, self_, caller, 1);
        scratch_.put(carried.id);
        ++envelope.argument;
      } else {
        register_self(carried.id, e);
      }
    }
    if (e.cover > 0) continue;
    e.sent = false;
    if (e.handles == 0) released.push_back(carried.id);
  }
  if (reachable) outbox_.send(caller, envelope, scratch_.view());
  for (const auto& id : released)
    if (const auto row = table_.find(id); row != table_.end()) collect(row);
}

// A reply that does not decode ends its request all the same.
void Owner::on_reply(const Envelope& envelope, View payload) {
  if (find_request(envelope.correlation))
    requests_[slot_of(envelope.correlation)].target = envelope.source;  // the task may have moved
  try {
    if (envelope.error >= static_cast<unsigned>(Errc::count)) throw CorruptDataError("a reply's error is unknown");
    if (envelope.flags & structured) return on_structured_reply(envelope, payload);
  } catch (const CorruptDataError& e) {
    wire::ByteBuffer buffer;
    wire::Encoder encoder(buffer);
    encoder(ErrorDetail{.text = e.what(), .rank = self_.value});
    const Outcome outcome{.error = Errc::corrupt_data, .bytes = buffer.view()};
    finish(envelope.correlation, {&outcome, 1}, {});
    throw;
  }
  const Outcome outcome{.error = static_cast<Errc>(envelope.error), .bytes = payload};
  finish(envelope.correlation, {&outcome, 1}, {});
}

void Owner::on_structured_reply(const Envelope& envelope, View payload) {
  wire::Decoder decoder(payload);
  const auto count = decoder.get<std::uint64_t>();
  if (count == 0 || count > 127) throw CorruptDataError("a reply has no result, or more than 127");
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
  if (const auto* request = find_request(envelope.correlation))
    for (const auto& id : kept)
      if (std::none_of(request->pinned.begin(), request->pinned.end(), [&](const auto& c) { return c.id == id; }))
        throw CorruptDataError("a reply keeps a reference that it was not given");
  for (const auto& outcome : outcomes) receive_registered(outcome.references, envelope.source);
  if (!find_request(envelope.correlation))  // failed before, because of a rank that had given the task on
    for (unsigned k = 0; k < count; ++k)
      if (outcomes[k].stored)
        outbox_.send(envelope.source, {.subject = result_id(envelope.correlation, k), .kind = Kind::discard}, {});
  finish(envelope.correlation, outcomes, kept);
}

void Owner::finish(std::uint64_t correlation, std::span<const Outcome> outcomes, std::span<const ObjectId> kept) {
  const auto* found = find_request(correlation);
  if (!found) {  // ended before, by the death of its rank as seen from here
    for (const auto& outcome : outcomes)
      for (const auto& carried : outcome.references) drop(carried.id);
    return;
  }
  const auto slot = slot_of(correlation);
  const auto request = requests_[slot].end();
  free_requests_.push_back(slot);
  --active_requests_;
  for (const auto& id : kept) {
    const auto at =
        std::find_if(request.pinned.begin(), request.pinned.end(), [&](const auto& c) { return c.id == id; });
    if (mine(id))
      add_borrower(id, request.target, self_, 1);
    else
      register_other(*at, request.target);
  }
  environment_.replied(request, correlation, outcomes);
  for (const auto& carried : request.pinned) drop(carried.id);
}

}  // namespace ringray::owner
