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

Owner::Entry& Owner::entry(const Carried& carried) {
  const auto row = table_.find(carried.id);
  if (row != table_.end()) return row->second;
  if (mine(carried.id) || !carried.id.valid())
    throw CorruptDataError("a reference names an object that this rank does not own any more");
  auto& fresh = table_[carried.id];
  fresh.home = carried.home;
  return fresh;
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
    auto& e = row->second;
    if (--e.cover == 0 && e.handles > 0 && e.registrations == 0) {  // nobody else speaks for this rank any more
      e.registrations = 1;
      route(carried.id, e.home,
            {.subject = carried.id, .correlation = self_.value, .argument = 1, .kind = Kind::borrow});
    }
    collect(row);
  }
}

}  // namespace ringray::owner
