// Actors: how calls reach them, how they end, how they are found.

#include "ringray/base/check.hpp"
#include "ringray/base/log.hpp"
#include "ringray/base/metrics.hpp"
#include "ringray/runtime/core.hpp"
#include "ringray/runtime/function.hpp"
#include "ringray/runtime/outgoing.hpp"
#include "ringray/runtime/unheard.hpp"

namespace ringray::runtime {
namespace {

// Envelope::argument of Kind::actor_state.
enum ActorState_ : std::uint32_t { is_it_coming, coming_or_not, register_me, registered_or_not, detached_one_is_gone };

void fail_call(Record& record, Errc code, std::string text) {
  if (!record.claim()) return;
  fail_record(record, code, {.text = std::move(text), .task = record.name(), .rank = here_rank().value});
  record.kind().clear(record);
  finish(record);
}

std::uint32_t current_caller() {
  const auto* now = running();
  return now ? now->caller : 0;
}

}  // namespace

ActorState::ActorState() noexcept : ObjectState(event_type<ActorState>(), nullptr) {}

ActorState::~ActorState() {
  const auto* e = extra();
  if (local) {
    if (begun().in_this_run() && !detached && !(e && e->foreign) && !(e && e->home.valid()))
      local->end(ActorRecord::Ending::after_queued, "its last handle is gone");
    local->release();
  }
  if (e && e->error == Errc::actor_died && !e->detail.exception_type.empty() && !called_ && !e->seen && !e->foreign &&
      !is_outside())
    warn_uncalled(e->detail);
  clear_value();
}

// --- calling

namespace {

std::string why_dead(const ActorState& state) {
  return "the actor is dead: " + (state.done() && state.failed()
                                      ? state.extra()->detail.text
                                      : "rank " + std::to_string(state.home.value) + ", where it lived, died");
}

std::string too_many_pending(const ActorState& state) {
  return "the actor has " + std::to_string(state.max_pending_calls) +
         " calls waiting (its max_pending_calls); get some results first";
}

}  // namespace

bool Core::may_hear(const ActorState& state) const {
  return !(state.done() && state.failed()) && membership_.alive(state.home);
}

void Core::call(ActorState& state, Record& record, const std::string& group, bool one_way) {
  state.note_call();
  record.caller = current_caller();
  record.serial = next_serial();
  if (const auto* now = running()) record.parent = now->serial;
  if (state.max_pending_calls > 0) {
    if (state.pending_calls.fetch_add(1, std::memory_order_relaxed) >= state.max_pending_calls) {
      state.pending_calls.fetch_sub(1, std::memory_order_relaxed);
      if (one_way) record.release();
      throw PendingCallsLimitError(too_many_pending(state));
    }
    state.retain();
    record.make_more().limiter = &state;
  }
  base::count(state.local ? Metric::calls_local : Metric::calls_remote);
  if (state.local) {
    record.target = state.local;
    if (!group.empty()) {
      const auto lane = state.local->lane(group);
      if (!lane) {
        stop_limiting(record);
        if (one_way) record.release();
        throw ConfigError("the actor has no concurrency group '" + group + "'; groups are named when it is spawned");
      }
      record.make_more().lane = *lane;
    }
    one_way ? record.set_one_way() : record.retain();
    return state.local->submit(record);
  }
  if (!may_hear(state)) return fail_call(record, Errc::actor_died, why_dead(state));
  wire::ByteBuffer options;
  if (!group.empty()) {
    wire::Encoder encoder(options);
    encoder(group);
  }
  if (!record.claim()) return;
  record.retain();  // the request's
  try {
    send_request(Kind::call, state.home, record, &record, state.extra()->id,
                 group.empty() ? std::uint8_t{0} : owner::has_options, options.view());
  } catch (...) {
    fail_with_current_exception(record);
    record.kind().clear(record);
    finish(record);
    record.release();
  }
}

void Core::send_one_way(ActorState& state, const std::string& group, const OneWayCall& call) {
  state.note_call();
  if (state.max_pending_calls > 0 && state.pending_calls.load(std::memory_order_relaxed) >= state.max_pending_calls)
    throw PendingCallsLimitError(too_many_pending(state));
  base::count(Metric::calls_remote);
  if (!may_hear(state))
    return warn_failed_send(call.type.name(nullptr), "an actor", Errc::actor_died, {.text = why_dead(state)});
  Outgoing message;
  if (!group.empty()) {
    wire::ByteBuffer options;
    wire::Encoder encoder(options);
    encoder(group);
    message.put_options(options.view());
  }
  call.encode(call.arguments, message.encoder);
  message.check_size(0);
  with([&] {
    const auto& references = message.name_references(*this);
    const auto actor = state.extra()->id;
    if (!references.empty()) owner_.register_receiver(references, state.home);
    owner_.sent_one_way(actor);
    send(state.home,
         {.subject = actor,
          .callable = wire::to_wire(call.type),
          .sender = current_caller(),
          .argument = static_cast<std::uint32_t>(references.size()),
          .flags = group.empty() ? std::uint8_t{0} : owner::has_options,
          .kind = Kind::send},
         message.finish());
    keep_moving();
  });
}

// --- ending

void Core::kill(ActorState& state, bool restart) {
  if (state.local) state.local->end(restart ? ActorRecord::Ending::restart : ActorRecord::Ending::now, "it was killed");
  const auto id = with([&] {
    const auto* e = state.extra();
    if (!e || !e->id.valid()) return ObjectId{};
    if (!state.local && membership_.alive(state.home)) {
      send(state.home, {.subject = e->id, .flags = restart ? std::uint8_t{0} : owner::no_restart, .kind = Kind::kill},
           {});
      keep_moving();
    }
    return e->id;
  });
  // Only rank 0 knows whether it has a name, which is to be free when kill returns.
  if (id.valid() && !restart) static_cast<void>(ask(control::RemoveActor{id}));
}

void Core::kill_now(const Envelope& envelope) {
  const auto at = actors_.find(envelope.subject);
  if (at == actors_.end()) {
    if (envelope.flags & owner::graceful) dead_actors_.erase(envelope.subject);  // nobody can call it any more
    return;
  }
  auto& actor = *at->second;
  if (envelope.flags & owner::graceful)
    actor.end(ActorRecord::Ending::after_queued, "its last handle is gone");
  else if (envelope.flags & owner::no_restart)
    actor.end(ActorRecord::Ending::now, "it was killed");
  else
    actor.end(ActorRecord::Ending::restart, "it was killed");
}

void Core::actor_gone(ActorRecord& actor) {
  with([&] {
    actor.gone = true;
    if (starting_actor(&actor)) queue_.remove(&actor);
    if (actor.grant) queue_.finished(std::exchange(actor.grant, 0));
    if (leaving_) maybe_goodbye();
    if (!actor.id.valid()) return;
    if (actor.options().detached) {
      if (actor.id.owner == self_)
        detached_is_gone(actor.id);
      else if (membership_.alive(actor.id.owner))
        send(actor.id.owner, {.subject = actor.id, .argument = detached_one_is_gone, .kind = Kind::actor_state}, {});
    }
    if (const auto at = actors_.find(actor.id); at != actors_.end()) {
      actors_.erase(at);
      if (actor.id.owner != self_ || owner_.known(actor.id)) dead_actors_[actor.id] = {actor.cause(), actor.title()};
      actor.release();
    }
    if (!actor.options().name.empty() || actor.subscribed)
      client_.ask(control::RemoveActor{actor.id}, 0, base::now(), *this);
    keep_moving();
  });
}

// --- finding

// The name alone is also that of a class in another source file's anonymous namespace.
std::string class_on_wire(const ActorType& type) {
  return type.name() + "@" + std::to_string(wire::code_to_wire(&type));
}

ActorState* Core::find_actor(const std::string& name_space, const std::string& name, const ActorType& type) {
  while (true) {
    const auto answer = ask(control::LookupActor{name_space.empty() ? config_.namespace_ : name_space, name});
    if (!answer) throw_error(answer.error().code, {.text = answer.error().text});
    const auto* found = std::get_if<control::ActorFound>(&*answer);
    if (!found || !found->record) return nullptr;
    if (const auto& actual = found->record->type; actual != class_on_wire(type))
      throw ConfigError("the actor '" + name + "' is of class " + actual.substr(0, actual.rfind('@')) + ", not " +
                        type.name() + " (its handle would call what it does not have); ask for it by its own class");
    const Carried carried{found->record->actor, found->record->location, 0};
    const auto owner = carried.id.owner;
    ObjectState* state = nullptr;
    execution::Work* event = nullptr;
    with([&] {
      if (owner == self_ ? owner_.known(carried.id) : !membership_.alive(owner) && found->record->detached) {
        owner_.acquire(carried);  // a detached actor outlives who counts its handles
        state = adopt(carried);
      } else if (owner != self_ && membership_.alive(owner)) {
        event = new_event();
        event->retain();
        lookups_[carried.id].push_back({event, &state});
        send(owner,
             {.subject = carried.id,
              .correlation = carried.home.value,
              .argument = register_me,
              .kind = Kind::actor_state},
             {});
        transport_->flush();
      }
    });
    if (event) {
      const observe::Wait wait("the owner of actor", {&name, [](const void* it) {
                                                        return "'" + *static_cast<const std::string*>(it) + "'";
                                                      }});
      event->wait();
      event->release();
      if (!state && found->record->detached && !membership_.alive(owner)) continue;  // it died meanwhile
    }
    with([&] {  // others may look up the same one, or hear from its owner
      if (state && !state->done() && state->extra()->foreign) state->complete();
    });
    return static_cast<ActorState*>(state);
  }
}

void Core::ask_whether_coming(ObjectId id) {
  send(id.owner, {.subject = id, .argument = is_it_coming, .kind = Kind::actor_state}, {});
}

// The handle goes that kept it without handles.
void Core::detached_is_gone(ObjectId actor) {
  if (detached_actors_.erase(actor) > 0) owner_.drop(actor);
}

// The construction request, if there is one, came before this answer.
void Core::not_coming(ObjectId id) {
  if (!actors_.contains(id) && !dead_actors_.contains(id)) dead_actors_[id] = {"it ended before the call came"};
  deliver_early(id);
}

void Core::on_actor_state(const Envelope& envelope, View) {
  const auto id = envelope.subject;
  const auto answer = [&](std::uint32_t what, bool good) {
    send(envelope.source,
         {.subject = id,
          .correlation = envelope.correlation,
          .argument = what,
          .error = static_cast<std::uint16_t>(good ? Errc::none : Errc::actor_died),
          .kind = Kind::actor_state},
         {});
  };
  switch (envelope.argument) {
    case is_it_coming:
      return answer(coming_or_not, owner_.known(id));
    case coming_or_not:
      return in_order(envelope, {});
    case detached_one_is_gone:
      return detached_is_gone(id);
    case register_me:
      return answer(registered_or_not, owner_.register_borrower(id, envelope.source));
    case registered_or_not: {
      const auto waiting = lookups_.find(id);
      if (waiting == lookups_.end()) return;
      const auto lookup = waiting->second.back();
      waiting->second.pop_back();
      if (waiting->second.empty()) lookups_.erase(waiting);
      if (envelope.error == 0) {
        const Carried carried{id, Rank{envelope.correlation}, 0};
        owner_.receive_registered({&carried, 1}, envelope.source);
        *lookup.found = adopt(carried);
      }
      lookup.event->complete();
      lookup.event->release();
      return;
    }
    default:
      throw CorruptDataError("an actor state message of unknown form");
  }
}

}  // namespace ringray::runtime
