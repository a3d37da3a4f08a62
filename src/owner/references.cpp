// Owner: who holds references, and when an object is free.

#include "ringray/owner/owner.hpp"

#include <algorithm>

#include "ringray/base/check.hpp"

namespace ringray::owner {
namespace {

constexpr std::uint64_t created_bit = 1ull << 63;  // ids from create(), as opposed to results of requests

}  // namespace

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

bool Owner::existed(ObjectId id) const noexcept {
  if (id.sequence & created_bit) return (id.sequence & ~created_bit) <= next_;
  const auto correlation = id.sequence & ((std::uint64_t{1} << 56) - 1);
  const auto slot = slot_of(correlation);
  return slot < requests_.size() && correlation >> slot_bits <= requests_[slot].generation;
}

Owner::Entry& Owner::entry(const Carried& carried) {
  const auto row = table_.find(carried.id);
  if (row != table_.end()) return row->second;
  // Only a registration that died with its rank lets an object be freed while somebody refers to it. This rank may hear
  // of the death later than of the reference.
  const bool lost = mine(carried.id) && existed(carried.id);
  if (!carried.id.valid() || (mine(carried.id) && !lost))
    throw CorruptDataError("a reference names an object that this rank never owned");
  auto& fresh = table_[carried.id];
  fresh.home = carried.home;
  fresh.lost = lost;
  if (lost) ++owned_;
  return fresh;
}

void Owner::acquire(const Carried& carried) { ++entry(carried).handles; }

void Owner::drop(ObjectId id) {
  const auto row = table_.find(id);
  RINGRAY_ASSERT(row != table_.end() && row->second.handles > 0, "dropped a reference that is not held");
  --row->second.handles;
  collect(row);
}

void Owner::sent_one_way(ObjectId id) {
  if (covers_ == 0) return;
  const auto row = table_.find(id);
  if (row != table_.end() && row->second.cover > 0) row->second.sent = true;
}

// Frees the row when nothing needs it: an owned object for good, a borrowed one by telling its owner.
void Owner::collect(Table::iterator row) {
  auto& [id, e] = *row;
  if (e.handles > 0) return;
  if (mine(id) ? !e.registered.empty() : e.cover > 0) return;  // covered: the reply will say that nothing is kept
  const auto freed = id;
  auto fetch = std::move(e.fetch);
  if (mine(freed)) {
    const auto token = e.token;
    const auto home = e.home;
    const auto holder = e.holder;
    table_.erase(row);
    --owned_;
    if (auto directed = directed_.extract(freed); directed && any_died_)  // the holder may be dead
      for (const auto& reader : directed.mapped())
        if (!dead(reader)) fail_asker(freed, reader, "the object was freed before it was read");
    if (auto waiting = askers_.extract(freed))
      for (const auto& asker : waiting.mapped())
        if (!dead(asker.rank)) fail_asker(freed, asker.rank, "the object was freed before its value existed");
    if (holder.valid() && holder != self_ && !dead(holder))
      outbox_.send(holder, {.subject = freed, .kind = Kind::discard}, {});
    environment_.garbage(freed, token, home);
  } else {
    for (const auto& registered : e.registered)
      route(freed, e.home,
            {.subject = freed,
             .correlation = self_.value,
             .sender = registered.by.value,
             .argument = static_cast<std::uint32_t>(registered.count),
             .kind = Kind::release});
    table_.erase(row);
  }
  if (fetch) abandon(std::move(fetch));
}

// Messages about an actor's references go through the actor's rank, behind the calls that were sent there before:
// a release that overtook a call would let the actor die too early.
void Owner::route(ObjectId id, Rank home, Envelope envelope) {
  if (dead(id.owner)) return;
  const bool detour = home.valid() && home != self_ && home != id.owner && !dead(home);
  outbox_.send(detour ? home : id.owner, envelope, {});
}

void Owner::count_registered(Entry& e, Rank borrower, Rank by, std::int32_t count) {
  auto& all = e.registered;
  auto at = std::find_if(all.begin(), all.end(), [&](const auto& r) { return r.borrower == borrower && r.by == by; });
  if (at == all.end()) at = all.insert(at, {borrower, by, 0});
  at->count += count;
  if (at->count != 0) return;
  *at = all.back();
  all.pop_back();
}

void Owner::add_borrower(ObjectId id, Rank borrower, Rank by, std::int32_t count) {
  const auto row = table_.find(id);
  if (row == table_.end()) return;  // freed, because the registration died with its rank
  auto& e = row->second;
  if (e.lost || dead(borrower) || (e.home.valid() && dead(e.home))) return collect(row);
  if (dead(by)) return collect(row);  // on_rank_died settled it
  count_registered(e, borrower, by, count);
  collect(row);
}

bool Owner::register_borrower(ObjectId id, Rank borrower) {
  if (!table_.contains(id)) return false;
  add_borrower(id, borrower, self_, 1);
  return true;
}

// Nobody else will: the rank that should have done it died.
void Owner::register_self(ObjectId id, Entry& e) {
  count_registered(e, self_, self_, 1);
  route(id, e.home,
        {.subject = id, .correlation = self_.value, .sender = self_.value, .argument = 1, .kind = Kind::borrow});
}

// Replaces registrations that a dead rank made, or was to make, by one of this rank's own.
void Owner::forget_registrar(ObjectId id, Entry& e, Rank by) {
  const auto made = std::erase_if(e.registered, [&](const auto& r) { return r.by == by; });
  if (made > 0 || e.cover > 0) register_self(id, e);
}

// The owner's side: a borrower may have been registered for a message that never came. It is given a registration by
// this rank in place of the dead one's, and gives it back when it holds nothing.
void Owner::replace_registrar(ObjectId id, Entry& e, Rank by) {
  std::vector<Rank> borrowers;
  for (const auto& r : e.registered)
    if (r.by == by && r.count > 0 && r.borrower != self_) borrowers.push_back(r.borrower);
  std::erase_if(e.registered, [&](const auto& r) { return r.by == by; });
  for (const auto& borrower : borrowers) {
    count_registered(e, borrower, self_, 1);
    outbox_.send(
        borrower,
        {.subject = id, .correlation = borrower.value, .sender = self_.value, .argument = 1, .kind = Kind::borrow}, {});
  }
}

void Owner::on_registered_by_owner(const Envelope& envelope) {
  const auto id = envelope.subject;
  if (const auto row = table_.find(id); row != table_.end())
    return count_registered(row->second, self_, id.owner, static_cast<std::int32_t>(envelope.argument));
  auto release = envelope;
  release.kind = Kind::release;
  outbox_.send(id.owner, release, {});
}

void Owner::register_receiver(std::span<const Carried> references, Rank receiver) {
  for (const auto& carried : references) {
    const bool actor = carried.home.valid();
    if (mine(carried.id)) {
      if (receiver != self_) add_borrower(carried.id, receiver, self_, 1);
    } else if (receiver != carried.id.owner || actor) {
      register_other(carried, receiver);
    } else {
      sent_one_way(carried.id);
    }
  }
}

// A rank that is only covered becomes registered by its reply, so that its release goes the way that this took: else
// the caller's release might arrive before it.
void Owner::register_other(const Carried& carried, Rank borrower) {
  sent_one_way(carried.id);
  route(carried.id, carried.home,
        {.subject = carried.id,
         .correlation = borrower.value,
         .sender = self_.value,
         .argument = 1,
         .kind = Kind::borrow});
}

void Owner::receive_registered(std::span<const Carried> references, Rank sender) {
  for (const auto& carried : references) {
    auto& e = entry(carried);
    ++e.handles;
    if (!mine(carried.id))
      count_registered(e, self_, sender, 1);
    else if (carried.home.valid() && sender != self_)
      add_borrower(carried.id, self_, sender,
                   -1);  // undoes the registration that the sender made through the actor's rank
  }
}

void Owner::receive_covered(std::span<const Carried> references) {
  for (const auto& carried : references) {
    auto& e = entry(carried);
    ++e.handles;
    if (!mine(carried.id)) ++e.cover, ++covers_;
  }
}

}  // namespace ringray::owner
