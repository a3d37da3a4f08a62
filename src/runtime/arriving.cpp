// Requests from other ranks, from their message to their record.
//
// Decoding may run users' functions, which happens under the baton only for records that are harmless. A worker decodes
// the others. Messages about one actor stay in order: while one of them is being decoded the next ones wait behind it.

#include "ringray/base/log.hpp"
#include "ringray/runtime/actor.hpp"
#include "ringray/runtime/core.hpp"
#include "ringray/runtime/function.hpp"
#include "ringray/runtime/stream.hpp"

namespace ringray::runtime {

/// A request: opened under the baton, decoded with or without it, begun under it.
struct Core::Arrival {
  Envelope envelope;
  Rank caller;
  View options, body;
  std::vector<Carried> references;
  std::vector<ObjectState*> states;  // the references'; counted
  ActorRecord* actor = nullptr;      // calls
  Record* record = nullptr;
  Errc code = Errc::corrupt_data;
  std::string problem;

  bool wants_reply() const { return envelope.kind != Kind::send; }
  std::span<const Carried> covered() const {
    return wants_reply() ? std::span<const Carried>(references) : std::span<const Carried>{};
  }
};

namespace {

bool is_request(Kind kind) {
  return kind == Kind::submit || kind == Kind::call || kind == Kind::send || kind == Kind::spawn;
}

/// A task that was stolen more than once comes from its last thief's victim; its subject names the caller, and says how
/// often it was given on.
Rank caller_of(const Envelope& envelope) {
  return envelope.kind == Kind::submit && envelope.subject.owner.valid() ? envelope.subject.owner : envelope.source;
}

std::vector<std::byte> copy(View payload) { return {payload.begin(), payload.end()}; }

}  // namespace

void Core::on_request(const Envelope& envelope, View payload) {
  const auto type = wire::from_wire(envelope.callable);
  const bool harmless = !type || static_cast<const RecordType*>(*type)->harmless;
  if (envelope.kind != Kind::submit) {
    if (!harmless) arriving_.try_emplace(envelope.subject);
    return in_order(envelope, payload);
  }
  if (envelope.subject.owner.valid())  // the owner has heard from the giver
    send(envelope.subject.owner,
         {.correlation = envelope.correlation,
          .sender = static_cast<std::uint32_t>(envelope.subject.sequence),
          .argument = self_.value,
          .kind = Kind::moved},
         {});
  if (harmless) return act(envelope, payload);
  const RequestKey key{caller_of(envelope), envelope.correlation};
  if (!arriving_tasks_.try_emplace(key, ArrivingTask{{envelope, copy(payload)}}).second)
    throw CorruptDataError("a task came twice");
  spawn_fiber([this, key] { receive_task(key); });
}

/// What concerns an actor: now, or behind what came before.
void Core::in_order(const Envelope& envelope, View payload) {
  const auto at = arriving_.empty() ? arriving_.end() : arriving_.find(envelope.subject);
  if (at == arriving_.end()) return act(envelope, payload);
  at->second.push_back({envelope, copy(payload)});
  if (at->second.size() == 1) spawn_fiber([this, actor = envelope.subject] { receive_in_order(actor); });
}

void Core::act(const Envelope& envelope, View payload) {
  if (envelope.kind == Kind::kill) return kill_now(envelope);
  if (!is_request(envelope.kind)) return not_coming(envelope.subject);
  Arrival arrival;
  if (!open(arrival, envelope, payload)) return;
  decode(arrival);
  begin(arrival);
}

void Core::receive_task(RequestKey key) {
  Arrival arrival;
  const bool wanted = with([&] {
    const auto at = arriving_tasks_.find(key);
    if (at == arriving_tasks_.end()) return false;  // cancelled, or its caller died
    auto& task = at->second;
    try {
      open(arrival, task.message.envelope, task.message.payload);
    } catch (const CorruptDataError& error) {
      log_refused(task.message.envelope, error);
      arriving_tasks_.erase(at);
      return false;
    }
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
      const auto& message = arriving_.at(id).front();
      try {
        if (is_request(message.envelope.kind)) return open(arrival, message.envelope, message.payload);
        act(message.envelope, message.payload);
      } catch (const CorruptDataError& error) {
        log_refused(message.envelope, error);
      }
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
bool Core::open(Arrival& arrival, const Envelope& envelope, View payload) {
  if (envelope.kind == Kind::call || envelope.kind == Kind::send) {
    const auto at = actors_.find(envelope.subject);
    if (at == actors_.end()) {
      unknown_actor(envelope, payload);
      return false;
    }
    arrival.actor = at->second;
  }
  arrival.envelope = envelope;
  arrival.caller = caller_of(envelope);
  if (envelope.argument != 0) {
    owner::references_of(payload, envelope.argument, arrival.references);
    arrival.wants_reply() ? owner_.receive_covered(arrival.references)
                          : owner_.receive_registered(arrival.references, envelope.source);
    for (const auto& c : arrival.references) arrival.states.push_back(adopt(c));
  }
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
    const std::vector<void*> pointers(arrival.states.begin(), arrival.states.end());
    wire::Decoder decoder(arrival.body, pointers);
    arrival.record = static_cast<const RecordType*>(*type)->decode(decoder);
    arrival.record->serial = next_serial();
  } catch (...) {
    arrival.problem = caught_text();
  }
}

void Core::begin(Arrival& arrival) {
  for (auto* state : std::exchange(arrival.states, {})) state->release();
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
    return refuse(arrival.caller, envelope.correlation, envelope.subject, arrival.references, Errc::corrupt_data,
                  "a task could not be decoded: " + arrival.problem);
  record->origin = std::make_unique<Origin>(
      Origin{{}, arrival.caller, envelope.correlation, envelope.subject, std::move(arrival.references), true});
  record->origin->movable = (envelope.flags & owner::movable) && record->origin->covered.empty();
  executing_.add(*record);
  if (envelope.flags & owner::streaming) {
    auto& more = record->make_more();
    more.stream = new StreamState(more.options.backpressure);
  }
  const auto asked = arriving_tasks_.find({arrival.caller, envelope.correlation});
  if (asked != arriving_tasks_.end() && asked->second.closed && record->more && record->more->stream)
    record->more->stream->close();
  if (asked == arriving_tasks_.end() || !asked->second.cancelled) return start_here(*record);
  afterwards_.push_back([this, record, recursively = asked->second.recursively] {
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
    dead_actors_[envelope.subject] = problem;
    refuse(envelope.source, envelope.correlation, envelope.subject, arrival.references, Errc::actor_died, problem);
    return deliver_early(envelope.subject);
  }
  constructor->origin = std::make_unique<Origin>(
      Origin{{}, envelope.source, envelope.correlation, envelope.subject, std::move(arrival.references), true});
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
  if (!record)
    return refuse(envelope.source, envelope.correlation, envelope.subject, arrival.covered(), arrival.code,
                  arrival.problem, arrival.wants_reply());
  if (!arrival.wants_reply()) arrival.references.clear();
  record->origin = std::make_unique<Origin>(Origin{{},
                                                   envelope.source,
                                                   envelope.correlation,
                                                   envelope.subject,
                                                   std::move(arrival.references),
                                                   arrival.wants_reply()});
  record->caller = envelope.sender;
  record->target = arrival.actor;
  if (arrival.wants_reply() && record->kind().arguments) executing_.add(*record);
  arrival.actor->submit(*record);
}

// A request that never becomes a record.
void Core::turn_away(const Envelope& envelope, View payload, Errc code, std::string text) {
  std::vector<Carried> references;
  owner::references_of(payload, envelope.argument, references);
  const bool covered = envelope.kind != Kind::send;
  covered ? owner_.receive_covered(references) : owner_.receive_registered(references, envelope.source);
  for (const auto& c : references) owner_.drop(c.id);
  if (!covered) references.clear();
  refuse(caller_of(envelope), envelope.correlation, envelope.subject, references, code, std::move(text), covered);
}

void Core::unknown_actor(const Envelope& envelope, View payload) {
  const auto id = envelope.subject;
  if (!dead_actors_.contains(id) && !membership_.alive(id.owner))  // nothing more comes from it
    dead_actors_[id] = "the rank that owned it died";
  if (const auto at = dead_actors_.find(id); at != dead_actors_.end())
    return turn_away(envelope, payload, Errc::actor_died, "the actor is dead: " + at->second);
  // The caller may have heard of the actor before its construction request came here: the owner knows.
  auto& early = early_calls_[id];
  early.push_back({envelope, copy(payload)});
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
  for (const auto& call : calls) on_request(call.envelope, call.payload);
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
  const auto message = std::move(task.message);
  arriving_tasks_.erase(at);
  turn_away(message.envelope, message.payload, Errc::task_cancelled, "the task was cancelled before it started");
}

}  // namespace ringray::runtime
