// Actors: where and how they are made.

#include "ringray/base/log.hpp"
#include "ringray/runtime/core.hpp"
#include "ringray/runtime/function.hpp"

namespace ringray::runtime {
namespace {

/// The handle's state ends with the construction.
void follow_constructor(ActorState& state, Record& constructor) {
  struct Follow final : execution::Waiter {
    ActorState* state;
    Record* constructor;
  };
  auto* follow = new Follow;
  follow->state = &state;
  follow->constructor = &constructor;
  state.retain();
  constructor.retain();
  follow->notify = [](execution::Waiter& waiter) noexcept {
    auto& self = static_cast<Follow&>(waiter);
    if (self.constructor->failed()) {
      auto detail = self.constructor->extra()->detail;
      self.constructor->extra()->seen = true;
      self.state->set_error(Errc::actor_died, std::move(detail));
    }
    self.state->complete();
    self.constructor->release();
    self.state->release();
    delete &self;
  };
  if (!constructor.add_waiter(*follow)) follow->notify(*follow);
}

}  // namespace

void store_instance(Record& record, void* instance) noexcept { record.target->set_instance(instance); }

ObjectState* Core::start_actor(ActorState& state, const ActorType& type, ActorOptions options, Record& constructor) {
  std::string why;
  constructor.serial = next_serial();
  const auto home = place(
      options.resources, options.placement, nullptr, [&] { return title_of(type, options); }, why);
  state.max_pending_calls = options.max_pending_calls;
  state.detached = options.detached;
  state.home = home.value_or(self_);
  if (!home) {
    state.set_error(Errc::unschedulable, {.text = why, .task = type.name(), .rank = self_.value});
    state.complete();
    constructor.release();
    return &state;
  }
  if (options.name_space.empty()) options.name_space = config_.namespace_;
  const bool named = !options.name.empty();
  if (named || options.detached || state.home != self_) {
    with([&] { promote(state); });
  }
  const auto id = state.extra() ? state.extra()->id : ObjectId{};
  if (named) {
    const auto answer = ask(control::ReserveName{options.name_space, options.name, id, options.get_if_exists});
    const auto* found = answer ? std::get_if<control::ActorFound>(&*answer) : nullptr;
    if (!answer || !std::holds_alternative<control::NameReserved>(*answer)) {  // nothing is spawned
      state.set_error(Errc::actor_died, {.text = "it was never spawned: its name was taken"});
      state.complete();
      constructor.release();
    }
    if (found && found->record) {
      if (auto* existing = find_actor(options.name_space, options.name, type)) return existing;
      throw ActorUnavailableError("the actor '" + options.name + "' ended while it was looked up; try again");
    }
    if (!answer) throw_error(answer.error().code, {.text = answer.error().text});
    if (!std::holds_alternative<control::NameReserved>(*answer))
      throw NameTakenError("an actor named '" + options.name +
                           "' is alive in this namespace (names are unique); choose " +
                           "another name, or set get_if_exists");
  }
  if (options.detached)
    with([&] {
      owner_.acquire({id, state.home, 0});
      detached_actors_[id] = state.home;
    });
  if (state.home == self_) {
    auto* actor = new ActorRecord(type, options, &constructor);
    state.local = actor;
    follow_constructor(state, constructor);
    if (id.valid()) {
      with([&] {
        actor->id = id;
        actor->retain();
        actors_[id] = actor;
      });
    }
    actor->retain();  // open_actor's
    if (attach_arguments(constructor)) open_actor(*actor);
  } else {
    wire::ByteBuffer encoded;
    wire::Encoder encoder(encoded);
    encoder(options);
    state.retain();  // the request's
    try {
      send_request(Kind::spawn, state.home, constructor, &state, id, owner::has_options, encoded.view());
    } catch (...) {
      state.set_error(Errc::actor_died, {.text = "its constructor's arguments cannot travel: " + caught_text(),
                                         .task = type.name(),
                                         .rank = self_.value});
      state.complete();
      state.release();
      constructor.release();
      if (named) static_cast<void>(ask(control::RemoveActor{id}));
      if (options.detached) with([&] { detached_is_gone(id); });
      return &state;
    }
    constructor.release();
  }
  if (named) {
    const auto answer = ask(control::RegisterActor{{.space = options.name_space,
                                                    .name = options.name,
                                                    .actor = id,
                                                    .location = state.home,
                                                    .detached = options.detached,
                                                    .type = class_on_wire(type)}});
    if (!answer) throw_error(answer.error().code, {.text = answer.error().text});
    const bool died = with([&] {
      has_named_actors_ = true;  // forget_rank frees their names
      return !membership_.alive(state.home);
    });
    if (died) static_cast<void>(ask(control::RemoveActor{id}));
  }
  return &state;
}

void Core::open_actor(ActorRecord& actor) {
  const auto& options = actor.options();
  if (options.resources.empty() && !options.placement.in_bundle.valid()) {
    actor.open();
    return actor.release();
  }
  with([&] {
    if (actor.dead()) return actor.release();
    if (bundle_is_gone(options.placement.in_bundle)) {
      actor.end(ActorRecord::Ending::now, group_removed);
      return actor.release();
    }
    starting_actors_[&actor] = &actor;
    queue_.push({.token = &actor, .need = options.resources, .bundle = options.placement.in_bundle, .user = actor.id});
  });
}

ActorRecord* Core::starting_actor(scheduler::TaskQueue::Token token) {
  const auto at = starting_actors_.find(token);
  if (at == starting_actors_.end()) return nullptr;
  auto* actor = at->second;
  starting_actors_.erase(at);
  actor->release();  // others hold it: its table row or its handle
  return actor;
}

void Core::actor_started(const owner::Request& request, std::span<const owner::Outcome> outcomes) {
  auto& state = *static_cast<ActorState*>(request.token);
  if (outcomes[0].error != Errc::none) {
    ErrorDetail detail;
    try {
      wire::Decoder decoder(outcomes[0].bytes);
      detail = wire::decode<ErrorDetail>(decoder);
    } catch (const Error&) {
      detail.text = "the error's description is damaged";
    }
    state.set_error(Errc::actor_died, std::move(detail));
  }
  state.complete();
  state.release();
}

}  // namespace ringray::runtime
