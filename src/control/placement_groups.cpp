#include "ringray/control/placement_groups.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "ringray/base/check.hpp"

namespace ringray::control {

PlacementGroups::PlacementGroups(const scheduler::Membership& membership, GroupTimes times)
    : membership_(membership), times_(times), bundled_(membership.size()) {}

Result<bool> PlacementGroups::create(GroupSpecification specification, base::Nanoseconds now, wire::Outbox& outbox) {
  const auto id = specification.id;
  if (groups_.contains(id)) return false;
  if (!id.valid() || specification.strategy >= Strategy::count)
    return failure(Errc::corrupt_data, "a placement group needs an id and a known strategy");
  if (!membership_.alive(id.owner, id.epoch))
    return failure(Errc::owner_died, "the rank that creates the placement group is dead");
  if (specification.bundles.empty()) return failure(Errc::config, "a placement group needs bundles; give at least one");
  for (std::size_t i = 0; i < specification.bundles.size(); ++i) {
    const auto& bundle = specification.bundles[i];
    if (const auto problem = bundle.problem()) return failure(Errc::config, fmt::format("bundle {}: {}", i, *problem));
    if (bundle.empty()) return failure(Errc::config, fmt::format("bundle {} is empty; give it resources", i));
  }
  if (!specification.name.empty() && find(specification.name) != nullptr)
    return failure(Errc::name_taken, fmt::format("placement group '{}' exists", specification.name));
  Group group;
  group.record.ranks.resize(specification.bundles.size());
  group.attempts.resize(specification.bundles.size());
  group.record.specification = std::move(specification);
  group.order = ++last_order_;
  group.next_try = now;
  auto& created = groups_.emplace(id, std::move(group)).first->second;
  waiting_.emplace(created.order, id);
  judge_feasibility(created);
  advance(now, outbox);
  return true;
}

bool PlacementGroups::remove(GroupId id, base::Nanoseconds now, wire::Outbox& outbox) {
  const auto found = groups_.find(id);
  if (found == groups_.end()) return false;
  if (attempt_ && attempt_->group == id) abort_attempt(now, outbox);
  const auto& group = found->second;
  for (std::uint32_t i = 0; i < group.record.ranks.size(); ++i)
    if (group.record.ranks[i].valid())
      release(group.record.ranks[i], {id, i}, group.attempts[i], Why::removed, now, outbox);
  waiting_.erase(group.order);
  groups_.erase(found);
  settled_.push_back(id);
  advance(now, outbox);
  return true;
}

const GroupRecord* PlacementGroups::find(GroupId id) const {
  const auto found = groups_.find(id);
  return found == groups_.end() ? nullptr : &found->second.record;
}

const GroupRecord* PlacementGroups::find(const std::string& name) const {
  for (const auto& [id, group] : groups_)
    if (!name.empty() && group.record.specification.name == name) return &group.record;
  return nullptr;
}

std::vector<GroupRecord> PlacementGroups::list() const {
  std::vector<GroupRecord> records;
  for (const auto& [id, group] : groups_) records.push_back(group.record);
  return records;
}

std::vector<PlanRank> PlacementGroups::plan_ranks(const Group& group, base::Nanoseconds now) const {
  std::vector<PlanRank> ranks;
  for (const auto rank : membership_.alive_ranks()) {
    if (group.avoid.contains(rank)) continue;
    const auto& record = *membership_.find(rank);
    auto free = record.total - bundled_[rank.value];
    const auto hint = hints_.find(rank);
    if (hint != hints_.end() && now < hint->second.until) free = least(free, hint->second.free);
    ranks.push_back({rank, record.host, std::move(free)});
  }
  return ranks;
}

// Whether the living ranks, were they idle, could hold what is not placed yet.
void PlacementGroups::judge_feasibility(Group& group) {
  auto& record = group.record;
  if (record.state == GroupState::ready) return;
  const auto& bundles = record.specification.bundles;
  std::vector<PlanRank> ranks;
  for (const auto rank : membership_.alive_ranks()) {
    const auto& known = *membership_.find(rank);
    ranks.push_back({rank, known.host, known.total});
    for (std::size_t i = 0; i < bundles.size(); ++i)
      if (record.ranks[i] == rank) ranks.back().free -= bundles[i];
  }
  const PlanRequest request{bundles, record.ranks, record.specification.strategy};
  if (plan_bundles(request, ranks).outcome == Plan::Outcome::impossible) {
    record.reason = shortage(request, ranks);
    waiting_.erase(group.order);
    if (record.state != GroupState::infeasible) settled_.push_back(record.specification.id);
    record.state = GroupState::infeasible;
  } else if (record.state == GroupState::infeasible) {
    const bool lost = std::any_of(record.ranks.begin(), record.ranks.end(), [](Rank rank) { return rank.valid(); });
    record.state = lost ? GroupState::rescheduling : GroupState::pending;
    record.reason.clear();
    waiting_.emplace(group.order, record.specification.id);
  }
}

void PlacementGroups::advance(base::Nanoseconds now, wire::Outbox& outbox) {
  for (auto at = waiting_.begin(); !attempt_ && at != waiting_.end(); ++at) {
    auto& group = groups_.at(at->second);
    if (now >= group.next_try) try_to_place(group, now, outbox);
  }
}

void PlacementGroups::try_to_place(Group& group, base::Nanoseconds now, wire::Outbox& outbox) {
  auto& record = group.record;
  const PlanRequest request{record.specification.bundles, record.ranks, record.specification.strategy};
  auto ranks = plan_ranks(group, now);
  const auto plan = plan_bundles(request, ranks);
  if (plan.outcome == Plan::Outcome::found) return start(group, plan, now, outbox);
  record.reason = "waits for resources in use: " + shortage(request, ranks);
  group.avoid.clear();
  group.backoff = std::clamp(group.backoff * 2, times_.retry_first, times_.retry_last);
  group.next_try = now + group.backoff;
}

void PlacementGroups::start(Group& group, const Plan& plan, base::Nanoseconds now, wire::Outbox& outbox) {
  const auto& record = group.record;
  attempt_ = Attempt{.number = ++last_attempt_, .group = record.specification.id, .started = now, .sent = now};
  for (std::uint32_t i = 0; i < record.ranks.size(); ++i) {
    if (record.ranks[i].valid()) continue;
    const auto rank = plan.ranks[i];
    const auto& bundle = record.specification.bundles[i];
    attempt_->bundles.push_back(i);
    attempt_->ranks.push_back(rank);
    attempt_->words.push_back(Word::none);
    bundled_[rank.value] += bundle;
    if (const auto hint = hints_.find(rank); hint != hints_.end()) {
      if (bundle.fits_in(hint->second.free))
        hint->second.free -= bundle;
      else
        hints_.erase(hint);  // it was out of date, or the plan would not be so
    }
  }
  for (std::size_t entry = 0; entry < attempt_->bundles.size(); ++entry) send_reserve(entry, outbox);
}

void PlacementGroups::send_reserve(std::size_t entry, wire::Outbox& outbox) const {
  const auto& bundles = groups_.at(attempt_->group).record.specification.bundles;
  const auto payload = encode(bundles[attempt_->bundles[entry]]);
  outbox.send(attempt_->ranks[entry],
              wire::Envelope{.subject = attempt_->group,
                             .correlation = attempt_->number,
                             .argument = attempt_->bundles[entry],
                             .kind = wire::Kind::reserve},
              payload.view());
}

void PlacementGroups::send_unreserve(const ReleaseKey& key, wire::Outbox& outbox) const {
  outbox.send(key.rank,
              wire::Envelope{.subject = key.bundle.group,
                             .correlation = key.attempt,
                             .argument = key.bundle.index,
                             .kind = wire::Kind::unreserve},
              {});
}

// Precondition: the group is known still, or the rank is dead.
void PlacementGroups::release(Rank rank, BundleKey bundle, std::uint64_t attempt, Why why, base::Nanoseconds now,
                              wire::Outbox& outbox) {
  if (!membership_.alive(rank)) return;  // rank_died has forgotten what it held
  const ReleaseKey key{rank, bundle, attempt};
  releasing_[key] = {groups_.at(bundle.group).record.specification.bundles[bundle.index], why, now};
  send_unreserve(key, outbox);
}

void PlacementGroups::on_reserved(const wire::Envelope& envelope, wire::View payload, base::Nanoseconds now,
                                  wire::Outbox& outbox) {
  const auto rank = envelope.source;
  const BundleKey key{envelope.subject, envelope.argument};
  const bool held = (envelope.flags & bundle_held) != 0;
  if (!membership_.alive(rank)) return;
  if (const auto free = decode<Resources>(payload)) note_free(rank, *free, now);
  const auto released = releasing_.find({rank, key, envelope.correlation});
  if (!held && released != releasing_.end()) {
    bundled_[rank.value] -= released->second.resources;
    const auto why = released->second.why;
    releasing_.erase(released);
    if (why == Why::removed) wake_all(now);
    return advance(now, outbox);
  }
  if (!attempt_ || attempt_->group != key.group || attempt_->number != envelope.correlation) return;
  const auto entry = std::find(attempt_->bundles.begin(), attempt_->bundles.end(), key.index);
  if (entry == attempt_->bundles.end()) return;
  const auto at = static_cast<std::size_t>(entry - attempt_->bundles.begin());
  if (attempt_->ranks[at] != rank || attempt_->words[at] != Word::none) return;
  attempt_->words[at] = held ? Word::held : Word::refused;
  if (const auto free = decode<Resources>(payload)) note_free(rank, *free, now);
  if (!held) {
    auto& group = groups_.at(key.group);
    const auto& bundle = group.record.specification.bundles[key.index];
    const auto hint = hints_.find(rank);
    if (hint == hints_.end() || bundle.fits_in(hint->second.free)) group.avoid.insert(rank);
  }
  if (std::find(attempt_->words.begin(), attempt_->words.end(), Word::none) == attempt_->words.end())
    finish_attempt(now, outbox);
}

void PlacementGroups::finish_attempt(base::Nanoseconds now, wire::Outbox& outbox) {
  if (std::find(attempt_->words.begin(), attempt_->words.end(), Word::refused) != attempt_->words.end()) {
    abort_attempt(now, outbox);
  } else {
    const auto done = *std::exchange(attempt_, std::nullopt);
    auto& group = groups_.at(done.group);
    for (std::size_t i = 0; i < done.bundles.size(); ++i) {
      group.record.ranks[done.bundles[i]] = done.ranks[i];
      group.attempts[done.bundles[i]] = done.number;
    }
    group.record.state = GroupState::ready;
    group.record.reason.clear();
    group.avoid.clear();
    group.backoff = {};
    waiting_.erase(group.order);
    settled_.push_back(done.group);
  }
  advance(now, outbox);
}

void PlacementGroups::abort_attempt(base::Nanoseconds now, wire::Outbox& outbox) {
  const auto undone = *std::exchange(attempt_, std::nullopt);
  auto& group = groups_.at(undone.group);
  for (std::size_t i = 0; i < undone.bundles.size(); ++i) {
    const auto rank = undone.ranks[i];
    if (!membership_.alive(rank)) continue;
    if (undone.words[i] == Word::refused)
      bundled_[rank.value] -= group.record.specification.bundles[undone.bundles[i]];
    else
      release(rank, {undone.group, undone.bundles[i]}, undone.number, Why::undone, now, outbox);
  }
  group.next_try = now;  // another plan; when there is none, later
}

void PlacementGroups::rank_died(Rank rank, base::Nanoseconds now, wire::Outbox& outbox) {
  bundled_[rank.value] = {};
  hints_.erase(rank);
  std::erase_if(releasing_, [&](const auto& item) { return item.first.rank == rank; });
  if (attempt_ && std::find(attempt_->ranks.begin(), attempt_->ranks.end(), rank) != attempt_->ranks.end())
    abort_attempt(now, outbox);
  std::vector<GroupId> orphans;
  for (auto& [id, group] : groups_) {
    auto& record = group.record;
    if (!record.specification.detached && !membership_.alive(id.owner, id.epoch)) {
      orphans.push_back(id);
      continue;
    }
    bool lost = false;
    for (auto& place : record.ranks)
      if (place == rank) {
        place = Rank{};
        lost = true;
      }
    if (lost && record.state == GroupState::ready) {
      record.state = GroupState::rescheduling;
      record.reason = fmt::format("rank {} died", rank.value);
      group.next_try = now;
      waiting_.emplace(group.order, id);
    }
    judge_feasibility(group);
  }
  for (const auto id : orphans) remove(id, now, outbox);
  advance(now, outbox);
}

void PlacementGroups::note_free(Rank rank, Resources free, base::Nanoseconds now) {
  if (attempt_) {  // what it was asked for and has not answered will be gone
    const auto& bundles = groups_.at(attempt_->group).record.specification.bundles;
    for (std::size_t i = 0; i < attempt_->bundles.size(); ++i) {
      const auto& bundle = bundles[attempt_->bundles[i]];
      if (attempt_->ranks[i] == rank && attempt_->words[i] == Word::none) free -= least(bundle, free);
    }
  }
  hints_[rank] = {std::move(free), now + times_.hint_life};
}

void PlacementGroups::wake_all(base::Nanoseconds now) {
  for (const auto& [order, id] : waiting_) groups_.at(id).next_try = now;
}

void PlacementGroups::tick(base::Nanoseconds now, wire::Outbox& outbox) {
  for (auto& [key, releasing] : releasing_) {
    if (now - releasing.sent < times_.resend_after) continue;
    releasing.sent = now;
    send_unreserve(key, outbox);
  }
  if (attempt_ && now - attempt_->started >= times_.give_up_after) {
    auto& group = groups_.at(attempt_->group);
    for (std::size_t i = 0; i < attempt_->ranks.size(); ++i)
      if (attempt_->words[i] == Word::none) group.avoid.insert(attempt_->ranks[i]);
    abort_attempt(now, outbox);
  } else if (attempt_ && now - attempt_->sent >= times_.resend_after) {
    attempt_->sent = now;
    for (std::size_t i = 0; i < attempt_->words.size(); ++i)
      if (attempt_->words[i] == Word::none) send_reserve(i, outbox);
  }
  advance(now, outbox);
}

}  // namespace ringray::control
