// SimRank: the random programs.

#include <algorithm>
#include <cstring>

#include "world.hpp"

namespace ringray::sim {
namespace {

constexpr std::uint64_t step_within_ns = 20'000, queue_within_ns = 150'000;
constexpr std::size_t locals_max = 12, kept_max = 8;
constexpr std::uint32_t depth_max = 5;

bool anything(const Carried&) { return true; }
bool an_actor(const Carried& carried) { return carried.home.valid(); }
bool no_method_result(const Carried& carried) { return !(carried.flags & not_nested); }  // may be its own
bool nests(const Carried& carried) { return carried.flags == 0; }
bool a_value(const Carried& carried) { return !carried.home.valid() && !(carried.flags & tainted); }

}  // namespace

SimRank::SimRank(World& world, Rank self, std::uint32_t ranks, std::uint64_t seed)
    : world_(world),
      self_(self),
      random_(seed),
      owner_(self, 0, *this, *this),
      stealing_(self, ranks, random_(), *this, *this) {}

void SimRank::send(Rank target, Envelope envelope, View payload) {
  world_.network().send(self_, target, envelope, payload, Event::What::message);
}

void SimRank::send_bulk(Rank target, Envelope envelope, wire::Lease) {
  world_.network().send(self_, target, envelope, {}, Event::What::bulk);
}

void SimRank::enqueue(std::unique_ptr<Task> task, std::uint64_t within_ns) {
  task->key = world_.next_serial();
  task->random = base::Random(task->body.seed);
  task->steps = 2 + static_cast<unsigned>(task->random.below(8));
  world_.network().later({.what = Event::What::step, .target = self_, .task = task->key}, within_ns);
  tasks_[task->key] = std::move(task);
}

void SimRank::start_root() {
  auto task = std::make_unique<Task>();
  task->body = {.serial = world_.next_serial(), .seed = random_(), .results = 0};
  task->wants_reply = false;
  enqueue(std::move(task), step_within_ns);
}

void SimRank::let_go() {
  give_back_all(stash_);
  for (auto& [id, actor] : actors_)  // actors may refer to each other in circles
    for (auto& carried : std::exchange(actor.kept, {})) graves_.push_back(carried);
}

Rank SimRank::any_rank(base::Random& random) const {
  for (;;) {
    const Rank rank{random.below(world_.plan().ranks)};
    if (!dead_.contains(rank.value)) return rank;
  }
}

const Carried* SimRank::pick(Task& task, bool (*fits)(const Carried&)) {
  const auto count = task.locals.size();
  if (count == 0) return nullptr;
  const auto start = task.random.below(count);
  for (std::size_t i = 0; i < count; ++i)
    if (const auto& carried = task.locals[(start + i) % count]; fits(carried)) return &carried;
  return nullptr;
}

std::vector<Carried> SimRank::some(Task& task, unsigned most, bool (*fits)(const Carried&)) {
  std::vector<Carried> chosen;
  for (auto count = task.random.below(most + 1); count > 0; --count)
    if (const auto* carried = pick(task, fits)) chosen.push_back(*carried);
  return chosen;
}

void SimRank::step(std::uint64_t key) {
  const auto at = tasks_.find(key);
  if (at == tasks_.end()) return;
  auto& task = *at->second;
  if (std::erase(queue_, key) == 0 && task.actor.valid()) {
    const auto& calls = actors_.at(task.actor).calls;
    if (calls.front() != key) return;
  }
  if (!task.cancelled) {
    while (!task.ready.empty()) {
      if (!await_ready(task.ready.back(), key)) return;
      task.ready.pop_back();
    }
    while (!task.needs.empty()) {
      const auto id = task.needs.back();
      if (!await_value(id, key)) return;
      task.needs.pop_back();
      const auto inner = states_.at(id).inner;
      for (const auto& carried : inner)
        if (task.locals.size() < locals_max) task.locals.push_back(copy(carried));
    }
  }
  if (task.actor.valid()) {
    act_in_actor(task);
    return end(task);
  }
  if (task.cancelled || task.steps == 0) return end(task);
  --task.steps;
  act(task);
  world_.network().later({.what = Event::What::step, .target = self_, .task = key}, step_within_ns);
}

void SimRank::act(Task& task) {
  auto& random = task.random;
  const auto roll = random.below(100);
  if (task.locals.size() >= locals_max || (roll >= 54 && roll < 66)) {
    if (task.locals.empty()) return;
    const auto at = random.below(task.locals.size());
    const auto carried = task.locals[at];
    task.locals.erase(task.locals.begin() + static_cast<std::ptrdiff_t>(at));
    return give_back(carried);
  }
  if (roll < 14) return put(task);
  if (roll < 36) return submit(task);
  if (roll < 54) {
    if (const auto* carried = pick(task, a_value)) (roll < 48 ? task.needs : task.ready).push_back(carried->id);
    return;
  }
  if (roll < 70) {
    const auto* carried = pick(task, anything);
    if (!carried) return;
    stash_.push_back(copy(*carried));
    if (stash_.size() <= kept_max) return;
    const auto oldest = stash_.front();
    stash_.erase(stash_.begin());
    return give_back(oldest);
  }
  if (roll < 73) {
    if (stash_.empty()) return;
    auto carried = copy(stash_[random.below(stash_.size())]);
    carried.flags |= tainted;
    return task.locals.push_back(carried);
  }
  if (roll < 79) return spawn(task);
  if (roll < 89) return call(task, false);
  if (roll < 94) return call(task, true);
  if (roll < 96)
    if (const auto* carried = pick(task, a_value)) cancel(*carried);
}

void SimRank::put(Task& task) {
  const auto carried = own(owner_.create(nullptr));
  auto& state = states_.at(carried.id);
  state.done = true;
  state.large = task.random.chance(0.3);
  for (const auto& reference : some(task, 3, nests)) state.inner.push_back(copy(reference));
  task.locals.push_back(carried);
}

std::vector<std::byte> SimRank::payload_of(const Body& body, std::span<const Carried> references) const {
  std::vector<std::byte> payload(sizeof body + references.size_bytes());
  std::memcpy(payload.data(), &body, sizeof body);
  if (!references.empty()) std::memcpy(payload.data() + sizeof body, references.data(), references.size_bytes());
  return payload;
}

void SimRank::submit(Task& task) {
  if (task.body.depth >= depth_max || !world_.spend()) return;
  auto& random = task.random;
  Body body{.serial = world_.next_serial(), .seed = random(), .depth = task.body.depth + 1};
  body.results = 1 + static_cast<std::uint32_t>(random.below(2));
  const auto arguments = some(task, 3, anything);
  for (std::size_t i = 0; i < arguments.size(); ++i)
    if (a_value(arguments[i]) && random.chance(0.5)) body.by_value |= 1u << i;
  const auto target = random.chance(0.4) ? self_ : any_rank(random);
  if (target == self_) {
    auto local = std::make_unique<Task>();
    local->body = body;
    for (const auto& carried : arguments) local->locals.push_back(copy(carried));
    for (std::uint32_t k = 0; k < body.results; ++k) {
      local->results.push_back(own(owner_.create(nullptr)));
      task.locals.push_back(copy(local->results.back()));
    }
    if (body.by_value != 0)
      for (std::size_t i = 0; i < arguments.size(); ++i)
        if (body.by_value >> i & 1) local->needs.push_back(arguments[i].id);
    const bool may_move = body.by_value == 0;
    auto* raw = local.get();
    enqueue(std::move(local), queue_within_ns);
    if (may_move) queue_.push_back(raw->key);
    if (stealing_.wanted()) stealing_.surplus();
    return;
  }
  auto* pending = expect();
  const auto correlation = owner_.request({.kind = Kind::submit, .target = target, .token = pending}, {},
                                          payload_of(body, arguments), arguments);
  for (std::uint32_t k = 0; k < body.results; ++k) {
    const auto id = owner_.result_id(correlation, k);
    owner_.adopt_result(id, nullptr);
    pending->results.push_back(own(id));
    states_.at(id).correlation = correlation;
    task.locals.push_back(copy(pending->results.back()));
  }
  ++world_.tally["submits"];
}

SimRank::Pending* SimRank::expect(std::vector<Carried> results) {
  auto pending = std::make_unique<Pending>(Pending{std::move(results)});
  auto* token = pending.get();
  pending_.emplace(token, std::move(pending));
  return token;
}

void SimRank::spawn(Task& task) {
  if (!world_.spend()) return;
  const auto home = any_rank(task.random);
  const auto carried = own(owner_.create(nullptr, home), home);
  task.locals.push_back(carried);
  ++world_.tally["spawns"];
  if (home == self_) {
    states_.at(carried.id).done = true;
    actors_[carried.id];
    return;
  }
  const auto arguments = some(task, 2, anything);
  auto* pending = expect({copy(carried)});
  states_.at(carried.id).done = true;
  owner_.request({.kind = Kind::spawn, .target = home, .token = pending, .actor = carried.id}, {.subject = carried.id},
                 payload_of({.serial = world_.next_serial()}, arguments), arguments);
}

void SimRank::call(Task& task, bool one_way) {
  const auto* picked = pick(task, an_actor);
  if (!picked || !world_.spend()) return;
  const auto actor = *picked;
  if (dead_.contains(actor.home.value)) return;
  const auto arguments = some(task, 2, anything);
  const Body body{.serial = world_.next_serial(), .seed = task.random(), .order = ++call_order_[actor.id]};
  ++world_.tally[one_way ? "sends" : "calls"];
  // A handle may come to the actor's rank before the actor does: such calls go by message, as in the runtime.
  if (const auto at = actors_.find(actor.id); at != actors_.end() && !at->second.dying) {
    auto local = std::make_unique<Task>();
    local->body = body;
    local->actor = actor.id;
    for (const auto& carried : arguments) local->locals.push_back(copy(carried));
    if (!one_way) {
      local->results.push_back(own(owner_.create(nullptr)));
      task.locals.push_back(copy(local->results.back()));
      task.locals.back().flags |= not_nested;
    }
    auto* raw = local.get();
    enqueue(std::move(local), step_within_ns);
    at->second.calls.push_back(raw->key);
  } else if (one_way) {
    owner_.register_receiver(arguments, actor.home);
    owner_.sent_one_way(actor.id);
    send(actor.home,
         {.subject = actor.id, .argument = static_cast<std::uint32_t>(arguments.size()), .kind = Kind::send},
         payload_of(body, arguments));
  } else {
    auto* pending = expect();
    const auto correlation =
        owner_.request({.kind = Kind::call, .target = actor.home, .token = pending, .actor = actor.id},
                       {.subject = actor.id}, payload_of(body, arguments), arguments);
    const auto id = owner_.result_id(correlation, 0);
    owner_.adopt_result(id, nullptr);
    pending->results.push_back(own(id));
    task.locals.push_back(copy(pending->results.back()));
    task.locals.back().flags |= not_nested;
  }
}

void SimRank::cancel(const Carried& carried) {
  ++world_.tally["cancels"];
  if (carried.id.owner != self_) return owner_.cancel_object(carried.id, 0);
  cancel_requested(carried.id, &states_.at(carried.id), 0);
}

// An actor's method: keeps some of its arguments, forgets others.
void SimRank::act_in_actor(Task& task) {
  auto& actor = actors_.at(task.actor);
  for (const auto& carried : task.locals)
    if (task.random.chance(0.4)) {
      auto kept = copy(carried);
      kept.flags |= tainted;
      actor.kept.push_back(kept);
    }
  while (actor.kept.size() > kept_max || (!actor.kept.empty() && task.random.chance(0.2))) {
    const auto oldest = actor.kept.front();
    actor.kept.erase(actor.kept.begin());
    give_back(oldest);
  }
  for (const auto& carried : actor.kept)
    if (task.random.chance(0.2)) task.locals.push_back(copy(carried));
}

void SimRank::end(Task& task) {
  const std::unique_ptr<Task> ended = std::move(tasks_.at(task.key));
  tasks_.erase(task.key);
  world_.executed(task.body.serial);
  const auto actor = task.actor;
  const bool failed = task.cancelled || task.random.chance(0.1);
  std::vector<std::vector<Carried>> inner(task.caller.valid() ? (actor.valid() ? 1 : task.body.results)
                                                              : task.results.size());
  for (auto& one : inner)
    if (!failed)
      for (const auto& carried : some(task, 2, actor.valid() ? no_method_result : nests)) {
        one.push_back(copy(carried));
        if (actor.valid()) one.back().flags |= tainted;
      }
  give_back_all(task.locals);
  if (!task.caller.valid()) {
    for (std::size_t k = 0; k < task.results.size(); ++k) {
      states_.at(task.results[k].id).large = task.random.chance(0.3);
      complete(task.results[k], std::move(inner[k]), failed);
    }
    give_back_all(task.results);
  } else if (task.wants_reply) {
    std::vector<owner::Outcome> outcomes(inner.size());
    for (std::size_t k = 0; k < inner.size(); ++k)
      outcomes[k] = {
          .error = !failed          ? Errc::none
                   : task.cancelled ? Errc::task_cancelled
                                    : Errc::task_failed,
          .references = inner[k],
          .stored = !failed && task.body.inline_only == 0 && task.caller != self_ && task.random.chance(0.35)};
    answer(task, outcomes, inner);
  } else {
    for (auto& one : inner) give_back_all(one);
  }
  if (actor.valid()) {
    auto& calls = actors_.at(actor).calls;
    calls.pop_front();
    if (!calls.empty())
      world_.network().later({.what = Event::What::step, .target = self_, .task = calls.front()}, step_within_ns);
    else if (actors_.at(actor).dying)
      end_actor(actor, false);
  }
  if (tasks_.empty()) stealing_.hungry();
}

void SimRank::answer(Task& task, std::vector<owner::Outcome>& outcomes, std::vector<std::vector<Carried>>& inner) {
  executing_.erase({task.caller, task.correlation});
  const bool reachable = !dead_.contains(task.caller.value);
  for (std::size_t k = 0; k < outcomes.size(); ++k)
    if (outcomes[k].stored && reachable)
      stored_[{task.caller, 0, task.correlation | std::uint64_t{k} << 56}] = inner[k];
  owner_.reply(task.caller, task.correlation, task.actor, outcomes, task.covered);
  for (std::size_t k = 0; k < outcomes.size(); ++k)
    if (!outcomes[k].stored || !reachable) give_back_all(inner[k]);
}

// --- stealing

std::uint32_t SimRank::give(Rank thief) {
  std::uint32_t given = 0;
  for (auto count = (queue_.size() + 1) / 2; count > 0; --count) {
    const auto key = queue_.front();
    auto& task = *tasks_.at(key);
    if (task.caller == thief) break;
    if (task.caller.valid()) {
      give_on(task, thief);
    } else {
      auto* pending = expect(task.results);
      task.body.inline_only = 1;
      const auto correlation =
          owner_.request({.kind = Kind::submit, .target = thief, .token = pending}, {.flags = owner::movable},
                         payload_of(task.body, task.locals), task.locals);
      for (const auto& result : pending->results) states_.at(result.id).correlation = correlation;
      give_back_all(task.locals);
    }
    queue_.erase(queue_.begin());
    tasks_.erase(key);
    ++given;
    ++world_.tally["stolen"];
  }
  return given;
}

// As runtime::Core::send_on.
void SimRank::give_on(Task& task, Rank thief) {
  const auto moves = static_cast<std::uint32_t>(task.moves + 1);
  executing_.erase({task.caller, task.correlation});
  send(thief,
       {.subject = {task.caller, 0, moves},
        .correlation = task.correlation,
        .flags = owner::movable,
        .kind = Kind::submit},
       payload_of(task.body, {}));
  send(task.caller, {.correlation = task.correlation, .sender = moves, .argument = thief.value, .kind = Kind::moved},
       {});
  ++world_.tally["given on"];
}

}  // namespace ringray::sim
