// SimRank: what comes in.

#include <algorithm>
#include <cstring>

#include "world.hpp"

namespace ringray::sim {
namespace {

constexpr std::uint64_t start_within_ns = 100'000;
enum : std::uint32_t { is_it_coming, coming_or_not };  // Envelope::argument of actor_state

Body body_of(View payload) {
  Body body;
  std::memcpy(&body, payload.data(), sizeof body);
  return body;
}

}  // namespace

void SimRank::on_message(const Envelope& envelope, View payload) {
  switch (envelope.kind) {
    case Kind::submit:
      return on_submit(envelope, payload);
    case Kind::spawn:
      return on_spawn(envelope, payload);
    case Kind::call:
    case Kind::send:
      return on_call(envelope, payload);
    case Kind::kill:
      return end_actor(envelope.subject, false);
    case Kind::actor_state:
      return on_actor_state(envelope);
    case Kind::steal:
    case Kind::loot:
      return stealing_.on_message(envelope);
    case Kind::cancel:
      if (envelope.correlation != 0) return on_cancel(envelope);
      [[fallthrough]];
    default:
      return owner_.on_message(envelope, payload);
  }
}

void SimRank::on_bulk(const Envelope& envelope) { owner_.bulk_arrived(envelope, Errc::none); }

void SimRank::on_submit(const Envelope& envelope, View payload) {
  auto task = std::make_unique<Task>();
  owner::references_of(payload, envelope.argument, task->covered);
  owner_.receive_covered(task->covered);
  for (const auto& carried : task->covered) task->locals.push_back(adopt(carried));
  task->body = body_of(payload);
  task->caller = envelope.subject.owner.valid() ? envelope.subject.owner : envelope.source;
  task->correlation = envelope.correlation;
  task->moves = envelope.subject.sequence;
  if (task->moves > 0)
    send(task->caller,
         {.correlation = task->correlation,
          .sender = static_cast<std::uint32_t>(task->moves),
          .argument = self_.value,
          .kind = Kind::moved},
         {});
  const bool may_move = (envelope.flags & owner::movable) && task->covered.empty();
  for (std::size_t i = 0; i < task->covered.size(); ++i)
    if (task->body.by_value >> i & 1) task->needs.push_back(task->covered[i].id);
  auto* raw = task.get();
  enqueue(std::move(task), start_within_ns);
  executing_[{raw->caller, raw->correlation}] = raw->key;
  if (may_move) queue_.push_back(raw->key);
  if (stealing_.wanted()) stealing_.surplus();
}

void SimRank::on_spawn(const Envelope& envelope, View payload) {
  std::vector<Carried> references;
  owner::references_of(payload, envelope.argument, references);
  owner_.receive_covered(references);
  auto& actor = actors_[envelope.subject];
  for (auto carried : references) {
    carried.flags |= tainted;
    actor.kept.push_back(adopt(carried));
  }
  const owner::Outcome outcome;
  owner_.reply(envelope.source, envelope.correlation, envelope.subject, {&outcome, 1}, references);
  deliver_early(envelope.subject);
}

void SimRank::on_call(const Envelope& envelope, View payload) {
  const auto at = actors_.find(envelope.subject);
  if (at == actors_.end() || at->second.dying) {
    if (at != actors_.end() || dead_actors_.contains(envelope.subject)) return refuse(envelope, payload);
    auto& early = early_[envelope.subject];
    early.emplace_back(envelope, std::vector<std::byte>(payload.begin(), payload.end()));
    if (early.size() > 1) return;
    ++world_.tally["early"];
    if (dead_.contains(envelope.subject.owner.value)) {
      dead_actors_.insert(envelope.subject);
      return deliver_early(envelope.subject);
    }
    return send(envelope.subject.owner,
                {.subject = envelope.subject, .argument = is_it_coming, .kind = Kind::actor_state}, {});
  }
  auto& actor = at->second;
  auto task = std::make_unique<Task>();
  std::vector<Carried> references;
  owner::references_of(payload, envelope.argument, references);
  task->wants_reply = envelope.kind == Kind::call;
  task->wants_reply ? owner_.receive_covered(references) : owner_.receive_registered(references, envelope.source);
  for (const auto& carried : references) task->locals.push_back(adopt(carried));
  if (task->wants_reply) task->covered = references;
  task->body = body_of(payload);
  task->caller = envelope.source;
  task->correlation = envelope.correlation;
  task->actor = envelope.subject;
  auto& last = actor.last_order[envelope.source];
  if (task->body.order <= last) world_.problem("calls of one caller to one actor came out of order");
  last = task->body.order;
  auto* raw = task.get();
  enqueue(std::move(task), start_within_ns);
  actor.calls.push_back(raw->key);
}

void SimRank::refuse(const Envelope& envelope, View payload) {
  if (world_.plan().kills == 0) world_.problem("a call came after its actor's end though its caller holds a handle");
  std::vector<Carried> references;
  owner::references_of(payload, envelope.argument, references);
  const bool covered = envelope.kind == Kind::call;
  covered ? owner_.receive_covered(references) : owner_.receive_registered(references, envelope.source);
  for (const auto& carried : references) owner_.drop(carried.id);
  const owner::Outcome outcome{.error = Errc::actor_died};
  if (covered) owner_.reply(envelope.source, envelope.correlation, envelope.subject, {&outcome, 1}, references);
}

void SimRank::deliver_early(ObjectId id) {
  const auto at = early_.find(id);
  if (at == early_.end()) return;
  const auto calls = std::move(at->second);
  early_.erase(at);
  for (const auto& [envelope, payload] : calls) on_call(envelope, payload);
}

void SimRank::on_actor_state(const Envelope& envelope) {
  const auto id = envelope.subject;
  if (envelope.argument == is_it_coming)
    return send(envelope.source, {.subject = id, .argument = coming_or_not, .kind = Kind::actor_state}, {});
  if (!actors_.contains(id)) dead_actors_.insert(id);
  deliver_early(id);
}

void SimRank::on_cancel(const Envelope& envelope) {
  const auto at = executing_.find({envelope.source, envelope.correlation});
  if (at == executing_.end()) return;
  tasks_.at(at->second)->cancelled = true;
  world_.network().later({.what = Event::What::step, .target = self_, .task = at->second}, 2'000);
}

// After the calls that are queued, unless now.
void SimRank::end_actor(ObjectId id, bool now) {
  const auto at = actors_.find(id);
  if (at == actors_.end()) return;
  auto& actor = at->second;
  actor.dying = true;
  if (!now && !actor.calls.empty()) return;
  for (const auto key : std::exchange(actor.calls, {})) {
    const auto task = std::move(tasks_.at(key));
    tasks_.erase(key);
    give_back_all(task->locals);
    const owner::Outcome outcome{.error = Errc::actor_died};
    if (!task->caller.valid()) {
      for (const auto& result : task->results) complete(result, {}, true);
      give_back_all(task->results);
    } else if (task->wants_reply) {
      owner_.reply(task->caller, task->correlation, id, {&outcome, 1}, task->covered);
    }
  }
  graves_.insert(graves_.end(), actor.kept.begin(), actor.kept.end());
  actors_.erase(id);
  dead_actors_.insert(id);
}

// As runtime::Core::forget_rank.
void SimRank::on_rank_died(Rank rank) {
  dead_.insert(rank.value);
  stealing_.on_rank_died(rank);
  std::erase_if(lent_, [&](const auto& one) { return one.first.second == rank; });
  owner_.on_rank_died(rank);
  std::vector<ObjectId> orphans, unanswered, values;
  for (const auto& [id, actor] : actors_)
    if (id.owner == rank) orphans.push_back(id);
  for (const auto& id : orphans) end_actor(id, true);
  for (const auto& [id, calls] : early_)
    if (id.owner == rank) unanswered.push_back(id);
  for (const auto& id : unanswered) {
    dead_actors_.insert(id);
    deliver_early(id);
  }
  for (const auto& [id, inner] : stored_)
    if (id.owner == rank) values.push_back(id);
  for (const auto& id : values) garbage(id, nullptr, {});
}

}  // namespace ringray::sim
