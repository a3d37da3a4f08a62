#include "ringray/control/names.hpp"

#include <algorithm>
#include <utility>

namespace ringray::control {

void Names::insert(Key key, Entry entry) {
  key_of_.emplace(entry.record.actor, key);
  entries_.emplace(std::move(key), std::move(entry));
}

void Names::reserve(const Asker& asker, const ReserveName& request, Answers& answers) {
  Key key(request.space, request.name);
  const auto found = entries_.find(key);
  if (found == entries_.end()) {
    if (!request.actor.valid() || key_of_.contains(request.actor)) {
      answers.emplace_back(asker, Refusal{Errc::invalid_transition, "an actor has one name"});
      return;
    }
    insert(std::move(key), {ActorRecord{.space = request.space, .name = request.name, .actor = request.actor}});
    answers.emplace_back(asker, NameReserved{});
  } else if (found->second.record.actor == request.actor && !found->second.live) {
    answers.emplace_back(asker, NameReserved{});
  } else if (!request.get_if_exists) {
    answers.emplace_back(asker, NameTaken{found->second.record});
  } else if (found->second.live) {
    answers.emplace_back(asker, ActorFound{found->second.record});
  } else {
    found->second.waiters.push_back({asker, request});
  }
}

void Names::enter(const Asker& asker, const RegisterActor& request, Answers& answers) {
  const auto& record = request.record;
  Key key(record.space, record.name);
  const auto named = key_of_.find(record.actor);
  if (!record.actor.valid() || (named != key_of_.end() && named->second != key)) {
    answers.emplace_back(asker, Refusal{Errc::invalid_transition, "an actor has one name"});
    return;
  }
  const auto found = entries_.find(key);
  if (found == entries_.end()) {
    answers.emplace_back(asker, Flag{false});  // the actor ended before its creator said that it lives
  } else if (found->second.record.actor != record.actor) {
    answers.emplace_back(asker, NameTaken{found->second.record});
  } else {
    auto& entry = found->second;
    entry.record = record;
    answers.emplace_back(asker, Flag{!std::exchange(entry.live, true)});
    for (const auto& waiter : std::exchange(entry.waiters, {}))
      answers.emplace_back(waiter.asker, ActorFound{entry.record});
  }
}

void Names::look_up(const Asker& asker, const LookupActor& request, Answers& answers) {
  const auto found = entries_.find({request.space, request.name});
  if (found == entries_.end())
    answers.emplace_back(asker, ActorFound{});
  else if (found->second.live)
    answers.emplace_back(asker, ActorFound{found->second.record});
  else
    found->second.waiters.push_back({asker, request});
}

void Names::remove(const Asker& asker, const RemoveActor& request, Answers& answers) {
  const auto named = key_of_.find(request.actor);
  answers.emplace_back(asker, Flag{named != key_of_.end()});
  if (named != key_of_.end()) free(Key(named->second), answers);
}

void Names::remove_on(const Asker& asker, const RemoveActorsOn& request, Answers& answers) {
  std::vector<Key> over;
  for (const auto& [key, entry] : entries_) {
    const auto& actor = entry.record.actor;
    if (entry.live && entry.record.location == request.rank && actor.owner == asker.rank && actor.epoch == asker.epoch)
      over.push_back(key);
  }
  answers.emplace_back(asker, Flag{!over.empty()});
  for (const auto& key : over) free(key, answers);
}

void Names::free(const Key& key, Answers& answers) {
  const auto found = entries_.find(key);
  auto waiters = std::move(found->second.waiters);
  key_of_.erase(found->second.record.actor);
  entries_.erase(found);
  // The first waiter that would create the actor becomes the creator; who only looks waits for it.
  const auto creator = std::find_if(waiters.begin(), waiters.end(), [&](const Waiter& waiter) {
    const auto* request = std::get_if<ReserveName>(&waiter.request);
    return request != nullptr && request->actor.valid() && !key_of_.contains(request->actor);
  });
  if (creator == waiters.end()) {
    for (const auto& waiter : waiters) answers.emplace_back(waiter.asker, ActorFound{});
    return;
  }
  const auto chosen = std::move(*creator);
  waiters.erase(creator);
  reserve(chosen.asker, std::get<ReserveName>(chosen.request), answers);
  entries_.at(key).waiters = std::move(waiters);
}

void Names::rank_died(Rank rank, const scheduler::Membership& membership, Answers& answers) {
  std::vector<Key> over;
  for (auto& [key, entry] : entries_) {
    std::erase_if(entry.waiters, [&](const Waiter& waiter) { return waiter.asker.rank == rank; });
    const auto& record = entry.record;
    const bool owned = membership.alive(record.actor.owner, record.actor.epoch);
    const bool runs = entry.live && record.detached && membership.alive(record.location);
    if (!owned && !runs) over.push_back(key);
  }
  for (const auto& key : over) free(key, answers);
}

}  // namespace ringray::control
