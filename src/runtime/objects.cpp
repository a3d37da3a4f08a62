// Objects that have a name in the job: promotion, fetching, lending.

#include <fmt/format.h>

#include <cstring>

#include "ringray/base/check.hpp"
#include "ringray/execution/fiber.hpp"
#include "ringray/runtime/bound_record.hpp"
#include "ringray/runtime/core.hpp"
#include "ringray/runtime/function.hpp"

namespace ringray::runtime {
namespace {

execution::Work& fetched_event(Extra& extra) {
  if (auto* work = extra.fetched.load(std::memory_order_acquire)) return *work;
  auto* fresh = new_event();
  execution::Work* none = nullptr;
  if (extra.fetched.compare_exchange_strong(none, fresh, std::memory_order_acq_rel)) return *fresh;
  fresh->release();
  return *none;
}

void complete_fetch(ObjectState& state) {
  auto& event = fetched_event(*state.extra());
  state.retain();
  event.retain();
  if (!event.done()) event.complete();
  if (!state.done()) state.complete();
  event.release();
  state.release();
}

std::vector<std::byte> copy(View bytes) { return {bytes.begin(), bytes.end()}; }

ErrorDetail decode_detail(View bytes) {
  wire::Decoder decoder(bytes);
  return wire::decode<ErrorDetail>(decoder);
}

}  // namespace

/// The sequence of the id that a result of a request to another rank has; 0: it is none.
std::uint64_t Core::requested_as(const ObjectState& state) const {
  if (state.type().run == &run_task || state.type().help == &help_call)
    if (const auto correlation = static_cast<const Record&>(state).remote)
      return owner_.result_id(correlation, 0).sequence;
  return state.extra() ? state.extra()->result : 0;
}

ObjectId Core::promote(ObjectState& state) {
  auto& e = state.make_extra();
  if (e.id.valid()) return e.id;
  state.allow_weak();
  if (const auto result = requested_as(state)) {
    const ObjectId id{self_, 0, result};
    owner_.adopt_result(id, &state);
    e.id = id;
  } else {
    auto* actor = &state.type() == &event_type<ActorState>() ? static_cast<ActorState*>(&state) : nullptr;
    if (actor) e.home = actor->home;
    e.id = owner_.create(&state, e.home);
    if (actor && actor->local && actor->local->gone) {
      dead_actors_[e.id] = {actor->local->cause(), actor->local->title()};
    } else if (actor && actor->local) {
      actor->local->id = e.id;
      actor->local->retain();
      actors_[e.id] = actor->local;
    }
  }
  watch_completion(state);
  return e.id;
}

Carried Core::carried(ObjectState& state) {
  const auto id = promote(state);
  return {id, state.extra()->home, 0};
}

// Other ranks may ask for the value before it exists.
void Core::watch_completion(ObjectState& state) {
  struct Watch final : execution::Waiter {
    ObjectState* state;
  };
  if (state.done()) return;
  auto* watch = new Watch;
  watch->state = &state;
  watch->notify = [](execution::Waiter& waiter) noexcept {
    auto& self = static_cast<Watch&>(waiter);
    auto* s = self.state;
    delete &self;
    if (s->begun().in_this_run()) core().with([&] { core().owner().settled(s->extra()->id); });
    s->release();
  };
  state.retain();
  if (!state.add_waiter(*watch)) {
    delete watch;
    state.release();
  }
}

// A state that the owner's table names has a handle until its burial, so it may be needed again after its last
// reference has gone: whoever let go of that waits for the baton, or the state lies in graves_.
void Core::hold(ObjectState& state) {
  if (state.try_retain()) return;
  state.revive();
  ++state.extra()->revived;
}

ObjectState* Core::adopt(const Carried& carried) {
  if (auto* token = static_cast<ObjectState*>(owner_.token(carried.id))) {
    if (token->extra()->parked) {  // the table's count and the incoming handle become the caller's
      token->extra()->parked = false;
      return token;
    }
    hold(*token);
    owner_.drop(carried.id);  // the state has a handle already
    return token;
  }
  ObjectState* state;
  if (carried.home.valid()) {
    auto* actor = new ActorState;
    actor->home = carried.home;
    if (carried.home == self_) {
      if (const auto at = actors_.find(carried.id); at != actors_.end()) {
        actor->local = at->second;
        actor->local->retain();
      }
    }
    state = actor;
  } else {
    state = new ForeignState;
  }
  auto& e = state->make_extra();
  e.id = carried.id;
  e.home = carried.home;
  e.foreign = carried.id.owner != self_;
  state->allow_weak();
  owner_.set_token(carried.id, state);
  if (!e.foreign) {  // an object of this rank has a state as long as anybody refers to it
    state->set_error(carried.home.valid() ? Errc::actor_died : Errc::object_lost,
                     {.text = "it was freed, because a rank that vouched for those who held it died"});
    state->complete();
  }
  return state;
}

void Core::bury(ObjectState& state, void (*remove)(ObjectState&) noexcept) {
  if (holding()) return graves_.push_back({&state, remove});
  bool removable = true;
  with([&] {
    const auto* e = state.extra();
    if (e && e->id.valid()) removable = release_row(state);
  });
  if (removable) remove(state);
}

// The last reference on this rank is gone. False: the state stays, because it has references again or others refer to
// it.
bool Core::release_row(ObjectState& state) {
  auto& e = *state.extra();
  if (e.revived > 0) {
    --e.revived;
    return false;
  }
  const auto id = e.id;
  if (e.foreign && e.lender.valid()) owner_.unpin(id, e.lender);
  if (const auto pull = std::exchange(e.pull, 0)) begin_pulls(admission_.cancel(pull));
  if (owner_.token(id) != &state) {  // a newer state took the place while this one was on its way out
    owner_.drop(id);
    return true;
  }
  if (e.foreign) {
    if (e.in_store) store_->erase(id);
    forget_whole(id);  // its references may be missing still
    owner_.set_token(id, nullptr);
    owner_.drop(id);
    return true;
  }
  owner_.drop(id);
  if (!e.id.valid()) return true;  // garbage(): nobody else refers to it
  state.revive();
  e.parked = true;
  return false;
}

void Core::garbage(ObjectId id, owner::Token token, Rank home) {
  if (auto* state = static_cast<ObjectState*>(token)) {
    auto& e = *state->extra();
    if (e.lender.valid()) owner_.unpin(id, e.lender);
    if (e.in_store) store_->erase(id);
    e.id = {};
    if (std::exchange(e.parked, false)) state->release();
  } else if (id.owner != self_ || !home.valid()) {
    store_->erase(id);
    if (const auto at = stored_references_.find(id); at != stored_references_.end()) {
      const auto references = std::move(at->second);
      stored_references_.erase(at);
      for (auto* state : references) state->release();
    }
  }
  if (!home.valid() || id.owner != self_) return;
  const Envelope end{.subject = id, .flags = owner::graceful, .kind = Kind::kill};
  if (home == self_)
    in_order(end, {});  // behind the calls that are still being decoded
  else if (membership_.alive(home))
    send(home, end, {});
}

void Core::returned(ObjectId id, Rank reader) { store_->unlend(id, reader); }

void Core::ask_ready(ObjectState& state) {
  with([&] {
    auto& e = *state.extra();
    if (state.done() || e.ready_asked || e.value_asked || !e.foreign) return;
    e.ready_asked = true;
    owner_.want(e.id, owner::Want::ready);
  });
}

void Core::fetch(ObjectState& state, PullClass why) {
  with([&] {
    auto& e = state.make_extra();
    fetched_event(e);
    if (e.value_asked || (!e.foreign && !e.remote_value)) return;
    if (e.foreign && stored_references_.contains(e.id)) {
      e.value_asked = true;
      return read_own_copy(state);
    }
    if (all_share_arenas_) {
      e.value_asked = true;
    } else if (!state.done()) {
      if (!std::exchange(e.place_asked, true)) owner_.want(e.id, owner::Want::place);
      return;
    } else if (const auto bytes = bytes_to_pull(e)) {
      if (why != PullClass::arguments && e.pull == 0) {
        e.pull = ++last_pull_;
        begin_pulls(admission_.activate(e.pull, why, {{e.id, bytes}}));
      }
      return;
    } else {
      e.value_asked = true;
    }
    owner_.want(e.id, owner::Want::value);
  });
}

// This rank made the value for its owner and borrows it now. It may lie on the disk.
void Core::read_own_copy(ObjectState& state) {
  auto& e = *state.extra();
  const auto use = [this, &e](Lease lease) {
    const auto stored = stored_references_.find(e.id);
    if (!lease || stored == stored_references_.end()) return false;
    e.lease = std::move(lease);
    e.references = stored->second;
    for (auto* r : e.references) r->retain();
    return true;
  };
  if (use(store_->lease_at_once(e.id))) return complete_fetch(state);
  hold(state);
  afterwards_.push_back([this, &state, &e, use] {
    auto lease = store_->lease(e.id);
    with([&] {
      if (!lease || !use(*lease)) {
        e.detail.text = lease ? "it was freed while it was read" : lease.error().text;
        e.error = lease ? Errc::object_lost : lease.error().code;
      }
      complete_fetch(state);
    });
    state.release();
  });
}

void Core::arrived(ObjectId id, owner::Token token, owner::Arrival arrival) {
  using Form = owner::Arrival::Form;
  auto* state = static_cast<ObjectState*>(token);
  if (!state) {
    for (const auto& c : arrival.references) owner_.drop(c.id);
    if (arrival.form == Form::lent) owner_.unpin(id, arrival.holder);
    return forget_whole(id);
  }
  hold(*state);
  auto& e = *state->extra();
  if (arrival.form == Form::ready) {
    if (!state->done()) state->complete();
    return state->release();
  }
  pulled(id, e);
  if (arrival.form == Form::failed) {
    try {
      e.detail = decode_detail(arrival.bytes);
    } catch (const Error&) {
      e.detail.text = "the error's description is damaged";
    }
    e.error = arrival.error;
  } else if (arrival.form == Form::local) {
    read_own_copy(*state);
    return state->release();
  } else {
    for (const auto& c : arrival.references) e.references.push_back(adopt(c));
    if (arrival.form == Form::inline_bytes) {
      e.bytes = copy(arrival.bytes);
      e.encoded = true;
    } else if (arrival.form == Form::lent) {
      if (auto lease = neighbours_.view(arrival.holder, arrival.offset, arrival.size)) {
        e.lease = std::move(*lease);
        e.lender = arrival.holder;
      } else {
        owner_.unpin(id, arrival.holder);
        e.detail.text = lease.error().text;
        e.error = lease.error().code;
      }
    } else {
      e.lease = store_->seal(id, std::move(incoming_.at(id).bytes), store::Copy::secondary);
      e.in_store = true;
    }
  }
  forget_whole(id);
  complete_fetch(*state);
  state->release();
}

owner::Held Core::held(ObjectId id, owner::Token token, Rank reader) {
  using Form = owner::Held::Form;
  auto* state = static_cast<ObjectState*>(token);
  held_references_.clear();
  const auto from_store = [&](const std::vector<ObjectState*>& references) -> owner::Held {
    static const Failure freed{Errc::object_lost, "it was freed while it was read from the disk"};
    auto lease = store_->lease_at_once(id);  // pinned, so that a lend waits for nothing
    if (!lease) {
      if (brought_.id != id) return bring(id);
      const auto& error = brought_.lease->has_value() ? freed : brought_.lease->error();
      wire::Encoder encoder((scratch_.clear(), scratch_));
      encoder(ErrorDetail{.text = error.text, .rank = self_.value});
      return {.form = Form::failed, .error = error.code, .bytes = scratch_.view()};
    }
    for (auto* r : references) held_references_.push_back(carried(*r));
    if (config_.arena && neighbours_.knows(reader)) {
      const auto position = store_->lend(id, reader);
      if (position && position->offset != store::ObjectStore::Position::outside)
        return {
            .form = Form::lent, .offset = position->offset, .size = position->bytes, .references = held_references_};
    }
    return {.form = Form::bulk, .lease = std::move(lease), .references = held_references_};
  };
  // Made here for another owner; this rank may borrow it as well.
  if (const auto stored = stored_references_.find(id); stored != stored_references_.end())
    return from_store(stored->second);
  if (!state) return from_store({});
  if (!state->done()) return {};
  auto& e = *state->extra();
  if (e.error != Errc::none) {
    e.seen = true;
    wire::Encoder encoder((scratch_.clear(), scratch_));
    encoder(e.detail);
    return {.form = Form::failed, .error = e.error, .bytes = scratch_.view()};
  }
  if (e.in_store) return from_store(e.references);
  if (!e.encoded) {
    if (!state->value_type()) {
      e.encoded = true;  // void: nothing to send
    } else if (state->value_type()->eager) {
      wire::ByteBuffer buffer;
      wire::Encoder encoder(buffer);
      state->value_type()->encode(state->value(), encoder);
      e.bytes = copy(buffer.view());
      e.encoded = true;
    } else {
      encode_value(*state);
      return {};
    }
  }
  for (auto* r : e.references) held_references_.push_back(carried(*r));
  return {.form = Form::inline_bytes, .bytes = e.bytes, .references = held_references_};
}

// Users' serialize functions run after the baton is given back.
void Core::encode_value(ObjectState& state) {
  if (std::exchange(state.extra()->encoding, true)) return;
  hold(state);
  afterwards_.push_back([this, &state] {
    auto& e = *state.extra();
    auto encoded = encode_for_travel(*state.value_type(), state.value(), e.id);
    with([&] {
      if (encoded.error) {
        e.error = encoded.error->code;
        e.detail.text = encoded.error->text;
      }
      e.references = std::move(encoded.references);
      if (encoded.in_store)
        is_stored(state, encoded.stored_bytes);
      else
        e.bytes = copy(encoded.bytes.view());
      e.encoded = true;
      e.encoding = false;
      owner_.settled(e.id);
      transport_->flush();
    });
    state.release();
  });
}

// Encodes a value: small ones into `bytes`, large ones into the store under `id`.
Core::Encoded Core::encode_for_travel(const ValueType& type, const void* value, ObjectId id, std::size_t room) {
  Encoded out;
  try {
    wire::Encoder encoder(out.bytes);
    type.encode(value, encoder);
    for (auto* r : encoder.references()) {
      auto* state = static_cast<ObjectState*>(r);
      state->retain();
      out.references.push_back(state);
    }
    const auto references_bytes = out.references.size() * sizeof(Carried);
    if (references_bytes > room) {
      out.error =
          Failure{Errc::task_failed, fmt::format("it refers to {} objects, more than the {} of one message; put() "
                                                 "parts of it",
                                                 out.references.size(), room / sizeof(Carried))};
      return out;
    }
    if (out.bytes.size() <= config_.inline_bytes_max.value && out.bytes.size() + references_bytes <= room) return out;
    auto buffer = store_->create(out.bytes.size());
    if (!buffer) {
      out.error = buffer.error();
      return out;
    }
    std::memcpy(buffer->data(), out.bytes.data(), out.bytes.size());
    out.stored_bytes = out.bytes.size();
    store_->seal(id, std::move(*buffer), store::Copy::primary);
    out.in_store = true;
  } catch (...) {
    out.error = Failure{Errc::task_failed, "its value could not be encoded: " + caught_text().substr(0, 512)};
  }
  return out;
}

void Core::is_stored(ObjectState& state, std::uint64_t bytes) {
  auto& e = *state.extra();
  e.in_store = true;
  e.encoded = true;
  owner_.set_holder(e.id, self_, bytes);
}

ObjectState* store_encoded(View bytes, std::span<void* const> references, const ValueType* type) {
  auto& c = core();
  auto* state = new ForeignState;
  state->set_value_type(type);
  auto& e = state->make_extra();
  for (auto* r : references) {
    auto* reference = static_cast<ObjectState*>(r);
    reference->retain();
    e.references.push_back(reference);
  }
  auto buffer = c.store().create(bytes.size());
  if (!buffer) {
    state->release();
    throw_error(buffer.error().code, {.text = buffer.error().text});
  }
  std::memcpy(buffer->data(), bytes.data(), bytes.size());
  c.with([&] { c.promote(*state); });
  c.store().seal(e.id, std::move(*buffer), store::Copy::primary);
  c.with([&] { c.is_stored(*state, bytes.size()); });
  state->complete();
  return state;
}

std::size_t inline_bytes_max() noexcept { return core().config().inline_bytes_max.value; }

}  // namespace ringray::runtime
