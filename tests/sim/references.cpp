// SimRank: references, values, and what the Owner asks of its rank.

#include <fmt/format.h>

#include <algorithm>

#include "world.hpp"

namespace ringray::sim {
namespace {

constexpr std::uint64_t encode_within_ns = 30'000;
constexpr std::size_t value_bytes = 16;

}  // namespace

State& SimRank::state_of(const Carried& carried) {
  const auto [at, fresh] = states_.try_emplace(carried.id);
  auto& state = at->second;
  if (fresh) {
    state.carried = carried;
    if (carried.home.valid()) state.done = true;
    owner_.set_token(carried.id, &state);
    if (carried.id.owner == self_ && !carried.home.valid()) state.done = state.failed = true;  // freed before: lost
  }
  return state;
}

Carried SimRank::own(ObjectId id, Rank home) {
  auto& state = states_[id];
  state.carried = {id, home, 0};
  state.references = 1;
  world_.hold(id, 1);
  owner_.set_token(id, &state);
  return state.carried;
}

// The Owner counted the handle.
Carried SimRank::adopt(Carried carried) {
  ++state_of(carried).references;
  world_.hold(carried.id, 1);
  return carried;
}

Carried SimRank::copy(Carried carried) {
  owner_.acquire(carried);
  return adopt(carried);
}

void SimRank::forget(ObjectId id) {
  const auto at = states_.find(id);
  auto& state = at->second;
  graves_.insert(graves_.end(), state.inner.begin(), state.inner.end());
  if (state.lender.valid()) owner_.unpin(id, state.lender);
  states_.erase(at);
}

void SimRank::give_back(const Carried& carried) {
  const auto id = carried.id;
  auto& state = states_.at(id);
  world_.hold(id, -1);
  if (--state.references == 0 && id.owner != self_) {
    owner_.set_token(id, nullptr);
    forget(id);
  }
  owner_.drop(id);
}

void SimRank::give_back_all(std::vector<Carried>& all) {
  for (const auto& carried : std::exchange(all, {})) give_back(carried);
}

void SimRank::drain() {
  while (!graves_.empty()) {
    const auto carried = graves_.back();
    graves_.pop_back();
    give_back(carried);
  }
}

void SimRank::wake(State& state) {
  for (const auto task : std::exchange(state.waiters, {}))
    world_.network().later({.what = Event::What::step, .target = self_, .task = task}, 2'000);
}

bool SimRank::here(const State& state) const {
  if (state.failed || state.fetched) return true;
  return state.carried.id.owner == self_ && state.done && !state.remote;
}

// True: it is here; else the task is told.
bool SimRank::await_value(ObjectId id, std::uint64_t task) {
  auto& state = states_.at(id);
  if (here(state)) return true;
  const bool mine = id.owner == self_;
  // Half of the borrowers ask first where it is, as those do that cannot read the holder's memory.
  const bool place_first = !mine && !state.done && (id.sequence + self_.value) % 2 == 0;
  if (place_first) {
    if (!std::exchange(state.place_asked, true)) owner_.want(id, owner::Want::place);
  } else if ((!mine || (state.done && state.remote)) && !std::exchange(state.value_asked, true)) {
    owner_.want(id, owner::Want::value);
  }
  if (here(state)) return true;
  state.waiters.push_back(task);
  return false;
}

bool SimRank::await_ready(ObjectId id, std::uint64_t task) {
  auto& state = states_.at(id);
  if (state.done || here(state)) return true;
  if (id.owner != self_ && !state.value_asked && !std::exchange(state.ready_asked, true))
    owner_.want(id, owner::Want::ready);
  if (state.done || here(state)) return true;
  state.waiters.push_back(task);
  return false;
}

void SimRank::complete(const Carried& result, std::vector<Carried> inner, bool failed) {
  auto& state = states_.at(result.id);
  if (state.done) world_.problem("an object was completed twice");
  state.done = true;
  state.failed = failed;
  state.correlation = 0;
  state.inner.insert(state.inner.end(), inner.begin(), inner.end());
  wake(state);
  owner_.settled(result.id);
}

void SimRank::replied(const owner::Request& request, std::uint64_t, std::span<const owner::Outcome> outcomes) {
  const auto pending = pending_.extract(request.token);
  const auto& results = pending.mapped()->results;
  ++world_.tally["replies"];
  if (outcomes[0].error == Errc::actor_died && world_.plan().kills == 0) world_.problem("an actor died too early");
  for (std::size_t k = 0; k < results.size() && request.kind != Kind::spawn; ++k) {
    const auto& outcome = outcomes.size() == results.size() ? outcomes[k] : outcomes[0];
    auto& state = states_.at(results[k].id);
    if (outcome.stored) {
      state.remote = true;
      owner_.set_holder(results[k].id, request.target, outcome.stored_bytes);
      ++world_.tally["stored"];
    }
    std::vector<Carried> inner;
    for (const auto& carried : outcome.references) inner.push_back(adopt(carried));
    complete(results[k], std::move(inner), outcome.error != Errc::none);
  }
  for (const auto& result : results) give_back(result);
}

void SimRank::arrived(ObjectId id, owner::Token token, owner::Arrival arrival) {
  using Form = owner::Arrival::Form;
  if (!token) {
    for (const auto& carried : arrival.references) owner_.drop(carried.id);
    if (arrival.form == Form::lent) owner_.unpin(id, arrival.holder);
    return;
  }
  auto& state = *static_cast<State*>(token);
  state.done = true;
  if (arrival.form != Form::ready) {
    state.fetched = true;
    if (arrival.form == Form::failed) {
      state.failed = true;
      if (arrival.error == Errc::none) world_.problem("a fetch failed without an error");
      if (world_.plan().kills == 0 && arrival.error != Errc::task_failed && arrival.error != Errc::task_cancelled)
        world_.problem(fmt::format("a fetch failed with {}", error_name(arrival.error)));
    }
    if (arrival.form == Form::lent) state.lender = arrival.holder;
    for (const auto& carried : arrival.references) state.inner.push_back(adopt(carried));
    if (arrival.form == Form::local)
      for (const auto& carried : stored_.at(id)) state.inner.push_back(copy(carried));
    ++world_.tally[arrival.form == Form::lent     ? "lent"
                   : arrival.form == Form::stored ? "bulk"
                   : arrival.form == Form::local  ? "local"
                                                  : "inline"];
  }
  wake(state);
}

owner::Held SimRank::held(ObjectId id, owner::Token token, Rank reader) {
  using Form = owner::Held::Form;
  static const std::byte bytes[value_bytes]{};
  const auto from_store = [&](const std::vector<Carried>& inner) -> owner::Held {
    held_references_ = inner;
    if (reader != self_ && reader.value / 4 == self_.value / 4) {  // of one host
      ++lent_[{id, reader}];
      return {.form = Form::lent, .offset = 1, .size = value_bytes, .references = held_references_};
    }
    return {.form = Form::bulk, .lease = {bytes, std::make_shared<int>()}, .references = held_references_};
  };
  if (!token) {
    const auto at = stored_.find(id);
    if (at == stored_.end()) {
      if (world_.plan().kills == 0) world_.problem("a stored value was discarded while somebody reads it");
      return {.form = Form::failed, .error = Errc::object_lost};
    }
    return from_store(at->second);
  }
  auto& state = *static_cast<State*>(token);
  if (!state.done) return {};
  if (state.failed) return {.form = Form::failed, .error = state.fetched ? Errc::object_lost : Errc::task_failed};
  if (!state.encoded && !state.inner.empty()) {  // a worker encodes it
    if (std::exchange(state.encoding, true)) return {};
    copy(state.carried);
    world_.network().later({.what = Event::What::settle, .target = self_, .envelope = {.subject = id}},
                           encode_within_ns);
    return {};
  }
  if (state.large) return from_store(state.inner);
  held_references_ = state.inner;
  return {.form = Form::inline_bytes, .bytes = {bytes, value_bytes}, .references = held_references_};
}

void SimRank::settle(ObjectId id) {
  auto& state = states_.at(id);
  state.encoded = true;
  owner_.settled(id);
  give_back(state.carried);
}

void SimRank::garbage(ObjectId id, owner::Token token, Rank home) {
  if (id.owner != self_) {
    const auto at = stored_.find(id);
    if (at == stored_.end()) return world_.problem("a value was discarded that is not stored here");
    graves_.insert(graves_.end(), at->second.begin(), at->second.end());
    stored_.erase(at);
    return;
  }
  world_.freed(id);
  ++world_.tally["freed"];
  if (token) forget(id);
  if (!home.valid()) return;
  if (home == self_)
    end_actor(id, false);
  else if (!dead_.contains(home.value))
    send(home, {.subject = id, .flags = owner::graceful, .kind = Kind::kill}, {});
}

void SimRank::returned(ObjectId id, Rank reader) {
  const auto at = lent_.find({id, reader});
  if (at == lent_.end()) return world_.problem("a lend was returned twice");
  if (--at->second == 0) lent_.erase(at);
}

void SimRank::cancel_requested(ObjectId, owner::Token token, std::uint8_t flags) {
  if (!token) return;
  const auto& state = *static_cast<State*>(token);
  if (state.correlation != 0) owner_.cancel(state.correlation, flags);
}

std::string SimRank::problem_now() const {
  for (const auto& [id, state] : states_) {
    const auto counts = owner_.counts(id);
    const auto handles = counts ? counts->handles : 0;
    if (handles < state.references)
      return fmt::format("rank {} has {} references to an object and {} handles", self_.value, state.references,
                         handles);
  }
  return {};
}

std::string SimRank::problem_at_end() const {
  const auto sizes =
      fmt::format("{} tasks, {} owned, {} borrowed, {} requests, {} states, {} stored, {} lends, {} early, {} actors",
                  tasks_.size(), owner_.owned(), owner_.borrowed(), owner_.requests(), states_.size(), stored_.size(),
                  lent_.size(), early_.size(), actors_.size());
  if (tasks_.empty() && owner_.empty() && states_.empty() && stored_.empty() && lent_.empty() && early_.empty() &&
      actors_.empty())
    return {};
  auto text = sizes + " are left";
  owner_.for_each_request([&](const auto& request, auto correlation) {
    text += fmt::format("; waits for reply {:x} to '{}' from rank {}", correlation, wire::kind_name(request.kind),
                        request.target.value);
  });
  for (const auto& [key, task] : tasks_) {
    text += fmt::format("; task {} of rank {}, {:x}, actor {:x}", key, task->caller.value, task->correlation,
                        task->actor.sequence);
    for (const auto& id : task->needs) text += fmt::format(" needs {}.{:x}", id.owner.value, id.sequence);
    for (const auto& id : task->ready) text += fmt::format(" waits for {}.{:x}", id.owner.value, id.sequence);
  }
  for (const auto& [id, state] : states_) {
    const auto counts = owner_.counts(id);
    text += fmt::format(
        "; {}.{:x}: done {} remote {} {} references, {} handles, {} registrations, {} cover, {} borrowers",
        id.owner.value, id.sequence, state.done, state.remote, state.references, counts ? counts->handles : -1,
        counts ? counts->registrations : -1, counts ? counts->cover : -1, counts ? counts->borrowers : -1);
  }
  return text;
}

}  // namespace ringray::sim
