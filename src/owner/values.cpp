// Owner: where values are and how they reach those who want them.

#include "ringray/owner/owner.hpp"

#include <algorithm>

#include "ringray/base/check.hpp"

namespace ringray::owner {
namespace {

constexpr std::uint64_t references_only = 1;  // Envelope::correlation of located: the bytes come as bulk

ErrorDetail detail_of(std::string text, Rank rank) { return {.text = std::move(text), .rank = rank.value}; }

}  // namespace

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

bool Owner::expects(ObjectId id) const {
  const auto row = table_.find(id);
  return row != table_.end() && row->second.fetch;
}

std::uint64_t Owner::bytes(ObjectId id) const {
  const auto row = table_.find(id);
  return row == table_.end() ? 0 : row->second.bytes;
}

void Owner::want(ObjectId id, Want what) {
  const auto row = table_.find(id);
  RINGRAY_ASSERT(row != table_.end(), "wanted an object without holding a reference");
  auto& e = row->second;
  if (!e.fetch) e.fetch = std::make_unique<Fetch>();
  auto& asked = what == Want::value   ? e.fetch->asked_value
                : what == Want::place ? e.fetch->asked_place
                                      : e.fetch->asked_ready;
  if (asked) return;
  asked = true;
  if (mine(id)) {
    RINGRAY_ASSERT(e.holder.valid() && e.holder != self_, "wanted a value that is here");
    if (dead(e.holder)) return fail_fetch(id, e, Errc::object_lost, "the rank that held the only copy died");
    outbox_.send(e.holder, {.subject = id, .argument = self_.value, .kind = Kind::pull}, {});
  } else if (dead(id.owner)) {
    fail_fetch(id, e, Errc::owner_died, "rank " + std::to_string(id.owner.value) + ", which owned the object, died");
  } else {
    const auto flags = what == Want::ready ? ready_only : what == Want::place ? place_only : std::uint8_t{0};
    outbox_.send(id.owner, {.subject = id, .argument = self_.value, .flags = flags, .kind = Kind::locate}, {});
  }
}

void Owner::fail_fetch(ObjectId id, Entry& e, Errc error, std::string text) {
  const auto token = e.token;
  abandon(std::move(e.fetch));
  wire::ByteBuffer buffer;
  wire::Encoder encoder(buffer);
  encoder(detail_of(std::move(text), self_));
  environment_.arrived(id, token, {.form = Arrival::Form::failed, .error = error, .bytes = buffer.view()});
}

void Owner::want_again(ObjectId id) {
  if (!expects(id)) return;
  table_.find(id)->second.fetch->asked_value = false;
  want(id, Want::value);
}

// References that came before the bytes did, which nobody wants now.
void Owner::abandon(std::unique_ptr<Fetch> fetch) {
  for (const auto& carried : fetch->references) drop(carried.id);
}

void Owner::fail_asker(ObjectId id, Rank asker, std::string text) {
  wire::ByteBuffer buffer;
  wire::Encoder encoder(buffer);
  encoder(detail_of(std::move(text), self_));
  outbox_.send(asker, {.subject = id, .error = static_cast<std::uint16_t>(Errc::object_lost), .kind = Kind::located},
               buffer.view());
}

void Owner::send_ready(ObjectId id, Rank asker, Rank holder, std::uint64_t bytes) {
  outbox_.send(
      asker, {.subject = id, .correlation = bytes, .sender = holder.value, .flags = ready_only, .kind = Kind::located},
      {});
}

void Owner::answer(ObjectId id, Asker asker) {
  if (dead(asker.rank)) return;  // a lend to it would never be returned
  const auto row = table_.find(id);
  const bool owned = mine(id);
  if (owned && row == table_.end()) return fail_asker(id, asker.rank, "the object was freed before it was asked for");
  if (owned && row->second.holder.valid() && row->second.holder != self_) {
    const auto holder = row->second.holder;
    if (asker.what != Want::value) {
      send_ready(id, asker.rank, holder, row->second.bytes);
    } else if (dead(holder)) {
      fail_asker(id, asker.rank, "the rank that held the only copy died");
    } else {
      auto& readers = directed_[id];
      if (std::find(readers.begin(), readers.end(), asker.rank) == readers.end()) readers.push_back(asker.rank);
      outbox_.send(holder, {.subject = id, .argument = asker.rank.value, .kind = Kind::pull}, {});
    }
    return;
  }
  if (owned && asker.what != Want::value && row->second.holder == self_)  // in the store, or on the disk
    return send_ready(id, asker.rank, self_, row->second.bytes);
  const auto held = environment_.held(id, owned ? row->second.token : nullptr, asker.rank);
  if (held.form == Held::Form::later) {
    askers_[id].push_back(asker);
    return;
  }
  if (held.form == Held::Form::failed) {
    outbox_.send(asker.rank, {.subject = id, .error = static_cast<std::uint16_t>(held.error), .kind = Kind::located},
                 held.bytes);
    return;
  }
  const bool large = held.form != Held::Form::inline_bytes;
  if (asker.what == Want::ready || (asker.what == Want::place && held.form == Held::Form::bulk)) {
    if (held.form == Held::Form::lent) environment_.returned(id, asker.rank);
    return send_ready(id, asker.rank, self_, large ? held.lease.size() + held.size : 0);
  }
  if (asker.rank == self_ && held.form == Held::Form::bulk) {  // made here for its owner, who sent the question back
    if (row == table_.end() || !row->second.fetch) return;
    row->second.fetch.reset();
    return environment_.arrived(id, row->second.token, {.form = Arrival::Form::local});
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
    auto& e = row->second;
    e.fetch->asked_ready = e.fetch->asked_place = false;
    if (envelope.error == 0) {
      e.holder = Rank{envelope.sender};
      e.bytes = envelope.correlation;
    }
    if (envelope.error != 0 || !e.fetch->asked_value) abandon(std::move(e.fetch));
    environment_.arrived(id, token,
                         {.form = envelope.error != 0 ? Arrival::Form::failed : Arrival::Form::ready,
                          .error = static_cast<Errc>(envelope.error),
                          .bytes = payload});
    return;
  }
  std::vector<Carried> references;
  references_of(payload, envelope.argument, references);
  receive_registered(references, envelope.source);
  if (!wanted) {  // the last reference went while the value was on its way
    for (const auto& carried : references) drop(carried.id);
    return;
  }
  auto& e = table_.find(id)->second;  // receive_registered may have rehashed
  if (envelope.correlation == references_only) {
    if (e.fetch->references_done)  // of an earlier transfer, whose reader gave up and came back
      for (const auto& carried : std::exchange(e.fetch->references, {})) drop(carried.id);
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
  receive_registered(references, envelope.source);
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

void Owner::bulk_arrived(const Envelope& envelope, Errc status, std::string why) {
  const auto row = table_.find(envelope.subject);
  if (row == table_.end() || !row->second.fetch) return;
  auto& e = row->second;
  if (status != Errc::none)
    return fail_fetch(envelope.subject, e, status,
                      why.empty() ? "the transfer of the object's bytes failed"
                                  : "there is no room here for an object of another rank: " + why);
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

}  // namespace ringray::owner
