// Requests from other ranks, from their message to their record.
//
// Decoding may run users' functions, which happens under the baton only for records that are harmless. A worker decodes
// the others. Messages about one actor stay in order: while one of them is being decoded the next ones wait behind it.

#include "ringray/base/log.hpp"
#include "ringray/runtime/actor.hpp"
#include "ringray/runtime/core.hpp"
#include "ringray/runtime/function.hpp"
#include "ringray/runtime/stream.hpp"
#include "ringray/runtime/unheard.hpp"

namespace ringray::runtime {
namespace {

bool is_one_way(Kind kind) { return kind == Kind::send || kind == Kind::publish; }
Quality quality_of(const Envelope& envelope) {
  if (envelope.flags > static_cast<std::uint8_t>(Quality::exactly_once))
    throw CorruptDataError("it was published with a quality that does not exist");
  return static_cast<Quality>(envelope.flags);
}

}  // namespace

/// A request: opened under the baton, decoded with or without it, begun under it.
struct Core::Arrival {
  Envelope envelope;
  Rank caller;
  View options, body;
  Taken taken;
  std::vector<std::uint64_t> names;  // of results, when they had one before the task was sent; 0: this one had none
  ActorRecord* actor = nullptr;      // calls
  Record* record = nullptr;
  Errc code = Errc::corrupt_data;
  std::string problem;

  bool wants_reply() const { return !is_one_way(envelope.kind); }
  std::span<const Carried> covered() const {
    return wants_reply() ? std::span<const Carried>(taken.references) : std::span<const Carried>{};
  }
};

namespace {

bool is_request(Kind kind) {
  return kind == Kind::submit || kind == Kind::call || is_one_way(kind) || kind == Kind::spawn;
}

/// A task that was stolen more than once comes from its last thief's victim; its subject names the caller, and says how
/// often it was given on.
Rank caller_of(const Envelope& envelope) {
  return envelope.kind == Kind::submit && envelope.subject.owner.valid() ? envelope.subject.owner : envelope.source;
}

/// Whether no user's function takes part. What does not decode needs none.
bool decodes_at_once(const Envelope& envelope) {
  const auto type = wire::from_wire(envelope.callable);
  return !type || static_cast<const RecordType*>(*type)->harmless;
}

std::vector<std::byte> copy(View payload) { return {payload.begin(), payload.end()}; }

}  // namespace

/// The usual one-way call. False: it takes the way of the others.
bool Core::on_letter(const Envelope& envelope, View payload) {
  const auto published = envelope.kind == Kind::publish ? std::optional(quality_of(envelope)) : std::nullopt;
  if (envelope.argument != 0 || (!published && envelope.flags != 0)) return false;
  if (!arriving_.empty() && arriving_.contains(envelope.subject)) return false;
  const auto actor = actors_.find(envelope.subject);
  if (actor == actors_.end()) return false;
  const auto descriptor = wire::from_wire(envelope.callable);
  if (!descriptor) return false;
  const auto& type = *static_cast<const RecordType*>(*descriptor);
  return type.apply && actor->second->accept(type, envelope.source, envelope.sender, payload, published);
}

void Core::on_request(const Envelope& envelope, View payload) {
  if (envelope.kind == Kind::publish && envelope.error != 0) return warn_mismatch(envelope, payload);
  if (is_one_way(envelope.kind) && on_letter(envelope, payload)) return;
  if (envelope.kind != Kind::submit) return deliver(envelope, payload, take_in(envelope, payload));
  const RequestKey key{caller_of(envelope), envelope.correlation};
  if (arriving_tasks_.contains(key)) throw CorruptDataError("a task came twice");
  auto taken = take_in(envelope, payload);
  if (envelope.subject.owner.valid() && membership_.alive(envelope.subject.owner))  // it has heard from the giver
    send(envelope.subject.owner,
         {.correlation = envelope.correlation,
          .sender = static_cast<std::uint32_t>(envelope.subject.sequence),
          .argument = self_.value,
          .kind = Kind::moved},
         {});
  if (decodes_at_once(envelope)) return act(envelope, payload, std::move(taken));
  arriving_tasks_.try_emplace(key, ArrivingTask{{envelope, copy(payload), std::move(taken)}});
  spawn_fiber([this, key] { receive_task(key); });
}

Core::Taken Core::take_in(const Envelope& envelope, View payload) {
  Taken taken;
  if (envelope.argument == 0) return taken;
  owner::references_of(payload, envelope.argument, taken.references);
  is_one_way(envelope.kind) ? owner_.receive_registered(taken.references, envelope.source)
                            : owner_.receive_covered(taken.references);
  for (const auto& c : taken.references) taken.states.push_back(adopt(c));
  return taken;
}

/// A call, or an actor's construction.
void Core::deliver(const Envelope& envelope, View payload, Taken&& taken) {
  if (!decodes_at_once(envelope)) arriving_.try_emplace(envelope.subject);
  in_order(envelope, payload, std::move(taken));
}

/// What concerns an actor: now, or behind what came before.
void Core::in_order(const Envelope& envelope, View payload, Taken&& taken) {
  const auto at = arriving_.empty() ? arriving_.end() : arriving_.find(envelope.subject);
  if (at == arriving_.end()) return act(envelope, payload, std::move(taken));
  at->second.push_back({envelope, copy(payload), std::move(taken)});
  if (at->second.size() == 1) spawn_fiber([this, actor = envelope.subject] { receive_in_order(actor); });
}

void Core::act(const Envelope& envelope, View payload, Taken&& taken) {
  if (envelope.kind == Kind::kill) return kill_now(envelope);
  if (!is_request(envelope.kind)) return not_coming(envelope.subject);
  Arrival arrival;
  if (!open(arrival, envelope, payload, std::move(taken))) return;
  decode(arrival);
  begin(arrival);
}

void Core::receive_task(RequestKey key) {
  Arrival arrival;
  const bool wanted = with([&] {
    const auto at = arriving_tasks_.find(key);
    if (at == arriving_tasks_.end()) return false;  // cancelled, or its caller died
    auto& task = at->second;
    open(arrival, task.message.envelope, task.message.payload, std::move(task.message.taken));
    return task.decoding = true;
  });
  if (!wanted) return;
  decode(arrival);
  with([&] {
    begin(arrival);
    arriving_tasks_.erase(key);
    keep_moving();
  });
}

void Core::receive_in_order(ObjectId id) {
  for (bool more = true; more;) {
    Arrival arrival;
    const bool decodes = with([&] {
      auto& message = arriving_.at(id).front();
      if (is_request(message.envelope.kind))
        return open(arrival, message.envelope, message.payload, std::move(message.taken));
      act(message.envelope, message.payload, {});
      return false;
    });
    if (decodes) decode(arrival);
    with([&] {
      if (decodes) begin(arrival);
      const auto at = arriving_.find(id);
      at->second.pop_front();
      more = !at->second.empty();
      if (!more) arriving_.erase(at);
      if (!more && leaving_) maybe_goodbye();
      keep_moving();
    });
  }
}

// True: the request is to be decoded. Else it was dealt with.
bool Core::open(Arrival& arrival, const Envelope& envelope, View payload, Taken&& taken) {
  if (envelope.kind == Kind::call || is_one_way(envelope.kind)) {
    const auto at = actors_.find(envelope.subject);
    if (at == actors_.end()) {
      unknown_actor(envelope, payload, std::move(taken));
      return false;
    }
    arrival.actor = at->second;
  }
  arrival.envelope = envelope;
  arrival.caller = caller_of(envelope);
  arrival.taken = std::move(taken);
  arrival.body = owner::body_of(payload, envelope.argument);
  if (arrival.actor) arrival.actor->retain();
  return true;
}

void Core::decode(Arrival& arrival) {
  const auto& envelope = arrival.envelope;
  try {
    if (envelope.flags & owner::has_options) {
      wire::Decoder decoder(arrival.body);
      const auto bytes = decoder.get<std::uint64_t>();
      arrival.options = decoder.take(bytes);
      arrival.body = decoder.rest();
    }
    const auto type = wire::from_wire(envelope.callable);
    if (!type) throw CorruptDataError(type.error().text);
    if (envelope.kind == Kind::submit && envelope.flags & owner::named) {
      arrival.names.resize(static_cast<const RecordType*>(*type)->results);
      const auto bytes = arrival.names.size() * sizeof(std::uint64_t);
      if (arrival.body.size() < bytes) throw CorruptDataError("the names of its results are missing");
      wire::Decoder(arrival.body.last(bytes)).read(arrival.names.data(), bytes);
      arrival.body = arrival.body.first(arrival.body.size() - bytes);
    }
    const std::vector<void*> pointers(arrival.taken.states.begin(), arrival.taken.states.end());
    wire::Decoder decoder(arrival.body, pointers);
    arrival.record = static_cast<const RecordType*>(*type)->decode(decoder);
    arrival.record->serial = next_serial();
  } catch (...) {
    arrival.problem = caught_text();
  }
}

void Core::begin(Arrival& arrival) {
  for (auto* state : std::exchange(arrival.taken.states, {})) state->release();
  switch (arrival.envelope.kind) {
    case Kind::submit:
      return begin_task(arrival);
    case Kind::spawn:
      return begin_actor(arrival);
    default:
      begin_call(arrival);
      arrival.actor->release();
  }
}

void Core::begin_task(Arrival& arrival) {
  const auto& envelope = arrival.envelope;
  auto* record = arrival.record;
  if (record && envelope.flags & owner::has_options) {
    try {
      wire::Decoder decoder(arrival.options);
      record->make_more().options = wire::decode<TaskOptions>(decoder);
    } catch (...) {
      arrival.problem = caught_text();
      std::exchange(record, nullptr)->release();
    }
  }
  if (!record)
    return refuse(arrival.caller, envelope.correlation, envelope.subject, arrival.taken.references, Errc::corrupt_data,
                  "a task could not be decoded: " + arrival.problem);
  record->origin = std::make_unique<Origin>(
      Origin{{}, arrival.caller, envelope.correlation, envelope.subject, std::move(arrival.taken.references), true});
  record->origin->movable = (envelope.flags & owner::movable) && record->origin->covered.empty();
  for (unsigned k = 0; k < arrival.names.size(); ++k)
    if (arrival.names[k]) record->result(k).make_extra().result = arrival.names[k];
  executing_.add(*record);
  if (envelope.flags & owner::streaming) {
    auto& more = record->make_more();
    more.stream = new StreamState(more.options.backpressure);
  }
  const auto asked = arriving_tasks_.find({arrival.caller, envelope.correlation});
  if (asked != arriving_tasks_.end() && asked->second.closed && record->more && record->more->stream)
    record->more->stream->close();
  const bool orphan = !membership_.alive(arrival.caller);  // from a rank that did not know it yet
  const bool cancelled = asked != arriving_tasks_.end() && asked->second.cancelled;
  if (!orphan && !cancelled) return start_here(*record);
  afterwards_.push_back([this, record, recursively = orphan || asked->second.recursively] {
    cancel(*record, recursively);
    record->release();
  });
}

void Core::begin_actor(Arrival& arrival) {
  const auto& envelope = arrival.envelope;
  auto* constructor = arrival.record;
  ActorOptions options;
  std::string problem = std::move(arrival.problem);
  if (constructor) {
    try {
      if (!constructor->kind().actor) throw CorruptDataError("the callable makes no actor");
      wire::Decoder decoder(arrival.options);
      options = wire::decode<ActorOptions>(decoder);
    } catch (...) {
      problem = caught_text();
    }
  }
  if (!membership_.alive(envelope.source)) problem = "the rank that owned it died";
  if (!problem.empty()) {
    if (constructor) constructor->release();
    problem = "an actor could not be decoded: " + problem;
    dead_actors_[envelope.subject] = {problem};
    refuse(envelope.source, envelope.correlation, envelope.subject, arrival.taken.references, Errc::actor_died,
           problem);
    return deliver_early(envelope.subject);
  }
  constructor->origin = std::make_unique<Origin>(
      Origin{{}, envelope.source, envelope.correlation, envelope.subject, std::move(arrival.taken.references), true});
  auto* actor = new ActorRecord(constructor->kind().actor(), std::move(options), constructor);
  actor->id = envelope.subject;
  actors_[envelope.subject] = actor;
  actor->retain();  // open_actor's
  if (attach_arguments(*constructor)) open_actor(*actor);
  deliver_early(envelope.subject);
}

void Core::begin_call(Arrival& arrival) {
  const auto& envelope = arrival.envelope;
  auto* record = arrival.record;
  if (record && envelope.flags & owner::has_options) {
    try {
      wire::Decoder decoder(arrival.options);
      const auto group = wire::decode<std::string>(decoder);
      const auto lane = arrival.actor->lane(group);
      if (!lane) {
        arrival.code = Errc::config;
        throw ConfigError("the actor has no concurrency group '" + group + "'; groups are named when it is spawned");
      }
      record->make_more().lane = *lane;
    } catch (...) {
      arrival.problem = caught_text();
      std::exchange(record, nullptr)->release();
    }
  }
  if (!record && !arrival.wants_reply()) return warn_dropped_send(envelope, arrival.actor->title(), arrival.problem);
  if (!record)
    return refuse(envelope.source, envelope.correlation, envelope.subject, arrival.covered(), arrival.code,
                  arrival.problem);
  if (!arrival.wants_reply()) {
    arrival.taken.references.clear();
    record->set_one_way();
    if (envelope.kind == Kind::publish) {
      record->set_published(quality_of(envelope));
      if (!arrival.actor->admit(quality_of(envelope))) return record->release();
    }
  }
  record->origin = std::make_unique<Origin>(Origin{{},
                                                   envelope.source,
                                                   envelope.correlation,
                                                   envelope.subject,
                                                   std::move(arrival.taken.references),
                                                   arrival.wants_reply()});
  record->caller = envelope.sender;
  record->target = arrival.actor;
  if (arrival.wants_reply() && record->kind().arguments) executing_.add(*record);
  arrival.actor->submit(*record);
}

// A request that never becomes a record.
void Core::turn_away(const Envelope& envelope, Taken&& taken, Errc code, std::string text) {
  for (auto* state : taken.states) state->release();
  if (envelope.kind != Kind::send)
    return refuse(caller_of(envelope), envelope.correlation, envelope.subject, taken.references, code, std::move(text));
  const auto dead = dead_actors_.find(envelope.subject);
  warn_dropped_send(envelope, dead == dead_actors_.end() ? "an actor" : dead->second.who, text);
}

void Core::unknown_actor(const Envelope& envelope, View payload, Taken&& taken) {
  const auto id = envelope.subject;
  if (envelope.kind == Kind::publish) {  // it existed when it subscribed, so it has ended
    for (auto* state : taken.states) state->release();
    return;
  }
  if (!dead_actors_.contains(id) && !membership_.alive(id.owner))  // nothing more comes from it
    dead_actors_[id] = {"the rank that owned it died"};
  if (const auto at = dead_actors_.find(id); at != dead_actors_.end())
    return turn_away(envelope, std::move(taken), Errc::actor_died, "the actor is dead: " + at->second.why);
  // The caller may have heard of the actor before its construction request came here: the owner knows.
  auto& early = early_calls_[id];
  early.push_back({envelope, copy(payload), std::move(taken)});
  if (early.size() == 1) ask_whether_coming(id);
}

void Core::deliver_early(ObjectId id) {
  const auto at = early_calls_.find(id);
  if (at == early_calls_.end()) return;
  auto calls = std::move(at->second);
  early_calls_.erase(at);
  // They came before what waits behind the message that is being handled.
  if (const auto waiting = arriving_.find(id); waiting != arriving_.end())
    return waiting->second.splice(std::next(waiting->second.begin()), calls);
  for (auto& call : calls) deliver(call.envelope, call.payload, std::move(call.taken));
}

// A task that is not decoded yet never will be.
void Core::cancel_arriving(const Envelope& envelope) {
  const auto at = arriving_tasks_.find({envelope.source, envelope.correlation});
  if (at == arriving_tasks_.end()) return;
  auto& task = at->second;
  if (task.decoding) {
    task.cancelled = true;
    task.recursively |= (envelope.flags & owner::recursive) != 0;
    return;
  }
  turn_away(at, Errc::task_cancelled, "the task was cancelled before it started");
}

void Core::turn_away(ArrivingTasks::iterator task, Errc code, std::string text) {
  auto message = std::move(task->second.message);
  arriving_tasks_.erase(task);
  turn_away(message.envelope, std::move(message.taken), code, std::move(text));
}

}  // namespace ringray::runtime
