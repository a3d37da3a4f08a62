// Tasks that run on another rank than their owner's: sent, received, answered, stolen.

#include "ringray/base/check.hpp"
#include "ringray/base/log.hpp"
#include "ringray/base/metrics.hpp"
#include "ringray/runtime/bound_record.hpp"
#include "ringray/runtime/cancellation.hpp"
#include "ringray/runtime/core.hpp"
#include "ringray/runtime/outgoing.hpp"
#include "ringray/runtime/stream.hpp"

namespace ringray::runtime {

namespace {

/// Whether the executing rank would do anything differently without them. Where it runs is decided already.
bool matters_elsewhere(const TaskOptions& options) {
  return !options.name.empty() || !options.resources.empty() || options.placement.in_bundle.valid() ||
         options.retry_exceptions || !options.durable.empty() || options.backpressure != 0;
}

/// The names that results have already. False: none has.
bool put_names(Record& record, wire::ByteBuffer& payload) {
  const auto name_of = [&](unsigned k) {
    const auto* e = record.result(k).extra();
    return e && e->id.valid() ? e->id.sequence : 0;
  };
  bool any = false;
  for (unsigned k = 0; k < record.kind().results; ++k) any |= name_of(k) != 0;
  for (unsigned k = 0; any && k < record.kind().results; ++k) payload.put(name_of(k));
  return any;
}

}  // namespace

// Takes over one count: the request's, until the reply.
void Core::send_task(Record& record, Rank target, std::uint8_t flags) {
  if (holding() && !record.kind().harmless)
    return afterwards_.push_back([this, &record, target, flags] { send_task(record, target, flags); });
  if (!record.claim()) return record.release();
  wire::ByteBuffer options;
  const bool tells_options = record.more && matters_elsewhere(record.more->options);
  if (tells_options) {
    flags = owner::has_options;  // and it stays where it is sent
    with([&] { load_.add(target, record.more->options.resources); });
    wire::Encoder encoder(options);
    encoder(record.more->options);
  }
  try {
    send_request(Kind::submit, target, record, &record, {},
                 static_cast<std::uint8_t>(flags | (record.kind().generator ? owner::streaming : 0)), options.view());
  } catch (...) {
    if (tells_options) with([&] { load_.remove(target, record.more->options.resources); });
    fail_with_current_exception(record);
    record.kind().clear(record);
    finish(record);
    return record.release();
  }
}

/// Encodes and sends a record. Not under the baton: users' serialize functions run here.
void Core::send_request(Kind kind, Rank target, Record& record, owner::Token token, ActorId actor, std::uint8_t flags,
                        View options) {
  Outgoing request;
  if (flags & owner::has_options) request.put_options(options);
  record.kind().encode(record, request.encoder);
  request.check_size(record.kind().results * sizeof(std::uint64_t));
  record.retain();  // the reply may come before the rest is done: on another thread, or at once if the target is dead
  with([&] {
    const auto& references = request.name_references(*this);
    if (kind == Kind::submit && put_names(record, request.payload()))
      flags = static_cast<std::uint8_t>((flags | owner::named) & ~owner::movable);
    const auto callable = wire::to_wire(record.kind());
    const auto correlation =
        owner_.request({.kind = kind, .target = target, .token = token, .actor = actor, .callable = callable},
                       {.subject = actor, .callable = callable, .sender = record.caller, .flags = flags},
                       request.finish(), references);
    if (owner_.find_request(correlation)) name_request(record, target, correlation);
    keep_moving();
  });
  if (kind != Kind::spawn) record.kind().clear(record);
  record.release();
}

void Core::name_request(Record& record, Rank target, std::uint64_t correlation) {
  record.remote = correlation;
  if (Cancellations::any() && cancellations().is_cancelled(record))  // while it was being encoded
    owner_.cancel(correlation, cancellations().is_cancelled_with_children(record) ? owner::recursive : std::uint8_t{0});
  if (auto* stream = record.more ? record.more->stream : nullptr) {
    stream->correlation = correlation;
    stream->producer = target;
    streams_[correlation] = &record;
  }
  for (unsigned k = 1; k < record.kind().results; ++k)
    record.result(k).make_extra().result = owner_.result_id(correlation, k).sequence;
}

/// A result arrived for a state of this rank.
void Core::settle_state(ObjectState& state, const owner::Outcome& outcome, Rank holder) {
  if (outcome.error != Errc::none) {
    ErrorDetail detail;
    try {
      wire::Decoder decoder(outcome.bytes);
      detail = wire::decode<ErrorDetail>(decoder);
    } catch (const Error&) {
      detail.text = "the error's description is damaged";
    }
    state.set_error(outcome.error, std::move(detail));
    return;
  }
  const auto* type = state.value_type();
  if (outcome.stored) {
    auto& e = state.make_extra();
    promote(state);
    for (const auto& c : outcome.references) e.references.push_back(adopt(c));
    if (holder == self_) {  // a call that came back as a message: the value is this rank's own now
      is_stored(state, outcome.stored_bytes);
      if (const auto stored = stored_references_.extract(e.id))
        for (auto* reference : stored.mapped()) reference->release();
    } else {
      e.remote_value = true;
      owner_.set_holder(e.id, holder, outcome.stored_bytes);
    }
    return;
  }
  if (!type) return state.set_value(&state, false);
  if (type->eager && outcome.references.empty() && state.storage()) {
    try {
      wire::Decoder decoder(outcome.bytes);
      state.set_value(type->decode(decoder, state.storage()), false);
    } catch (const Error& error) {
      state.set_error(error.code(), error.detail());
    }
    return;
  }
  auto& e = state.make_extra();
  e.bytes.assign(outcome.bytes.begin(), outcome.bytes.end());
  for (const auto& c : outcome.references) e.references.push_back(adopt(c));
  e.encoded = true;
}

namespace {

/// An error that comes from no task: its rank died, or refused the request.
void name_failed(ObjectState& result, const Record& record) {
  if (auto& detail = result.extra()->detail; detail.task.empty()) detail.task = record.name();
}

}  // namespace

void Core::replied(const owner::Request& request, std::uint64_t correlation, std::span<const owner::Outcome> outcomes) {
  if (request.kind == Kind::spawn) return actor_started(request, outcomes);
  auto& record = *static_cast<Record*>(request.token);
  if (record.more) load_.remove(request.target, record.more->options.resources);
  const auto results = record.kind().results;
  for (unsigned k = 0; k < results; ++k) {
    const auto& outcome = outcomes.size() == results ? outcomes[k] : outcomes[0];
    settle_state(record.result(k), outcome, request.target);
    if (outcome.error == Errc::none) continue;
    name_failed(record.result(k), record);
  }
  if (outcomes.size() == 1 && record.failed()) {
    share_error(record);
    if (record.extra()->detail.task != record.name()) expect_no_look(record);
  }
  if (auto* more = record.more.get()) {
    if (more->stream) {
      streams_.erase(correlation);
      if (record.failed()) stream_failed(*more->stream, record);
      more->stream->end();
    }
    stop_limiting(record);
    for (auto* result : more->more_results) result->complete();
  }
  const auto serial = record.serial;
  record.complete();
  if (Cancellations::any()) cancellations().ended(serial);
  record.release();
}

// --- from another rank

void Core::refuse(Rank caller, std::uint64_t correlation, ObjectId subject, std::span<const Carried> covered, Errc code,
                  std::string text) {
  wire::ByteBuffer buffer;
  wire::Encoder encoder(buffer);
  encoder(ErrorDetail{.text = std::move(text), .rank = self_.value});
  const owner::Outcome outcome{.error = code, .bytes = buffer.view()};
  owner_.reply(caller, correlation, subject, {&outcome, 1}, covered);
}

namespace {

/// One, or many: the usual one needs no memory of its own.
template <class T>
class OneOrMany {
 public:
  explicit OneOrMany(std::size_t count) : many_(count == 1 ? nullptr : new T[count]), count_(count) {}
  T& operator[](std::size_t k) noexcept { return many_ ? many_[k] : one_; }
  operator std::span<const T>() const noexcept { return {many_ ? many_.get() : &one_, count_}; }

 private:
  T one_;
  std::unique_ptr<T[]> many_;
  std::size_t count_;
};

}  // namespace

/// The usual answer: nothing, or one small plain value. False: it is another one.
bool Core::reply_shortly(Record& record) {
  const auto* type = record.value_type();
  if (record.failed() || record.kind().results != 1 || (type && !type->eager)) return false;
  const auto& origin = *record.origin;
  wire::ByteBuffer bytes;
  wire::Encoder encoder(bytes);
  if (type) type->encode(record.value(), encoder);
  with([&] {
    executing_.remove(record);
    const owner::Outcome outcome{.bytes = bytes.view()};
    owner_.reply(origin.caller, origin.correlation, origin.subject, {&outcome, 1}, origin.covered);
    keep_moving();
  });
  return true;
}

/// Encodes the results of a request from another rank and sends them. Not under the baton.
void Core::reply(Record& record) noexcept {
  auto& origin = *record.origin;
  if (!origin.wants_reply) return;
  if (reply_shortly(record)) return;
  struct Answer {
    Encoded encoded;
    std::vector<Carried> references;
  };
  const auto results = record.failed() ? 1 : record.kind().results;  // an error is that of all results
  OneOrMany<Answer> answers(results);
  OneOrMany<owner::Outcome> outcomes(results);
  const auto room = (message_room - origin.covered.size() * sizeof(ObjectId)) / results;
  const auto id_of = [&](unsigned k) {
    const auto* e = record.result(k).extra();
    return ObjectId{origin.caller, 0, e && e->result ? e->result : origin.correlation | std::uint64_t{k} << 56};
  };
  for (unsigned k = 0; k < results; ++k) {
    auto& state = record.result(k);
    if (state.failed() || !state.value_type()) continue;
    answers[k].encoded = encode_for_travel(*state.value_type(), state.value(), id_of(k), room);
    if (const auto& error = answers[k].encoded.error)
      state.set_error(error->code, {.text = error->text, .task = record.name()});
  }
  with([&] {
    const bool alive = membership_.alive(origin.caller);
    for (unsigned k = 0; k < results; ++k) {
      auto& state = record.result(k);
      auto& [encoded, references] = answers[k];
      if (state.failed()) {
        encoded.bytes.clear();
        wire::Encoder encoder(encoded.bytes);
        encoder(state.extra()->detail);
        state.extra()->seen = true;
        outcomes[k] = {.error = state.extra()->error, .bytes = encoded.bytes.view()};
        continue;
      }
      for (auto* r : encoded.references) references.push_back(carried(*r));
      outcomes[k] = {.bytes = encoded.bytes.view(),
                     .references = references,
                     .stored = encoded.in_store,
                     .stored_bytes = encoded.stored_bytes};
      if (encoded.in_store) stored_references_[id_of(k)] = std::exchange(encoded.references, {});
    }
    executing_.remove(record);
    owner_.reply(origin.caller, origin.correlation, origin.subject, outcomes, origin.covered);
    for (unsigned k = 0; k < results && !alive; ++k)  // nobody will ask for the value
      if (answers[k].encoded.in_store) garbage(id_of(k), nullptr, {});
    keep_moving();
  });
  for (unsigned k = 0; k < results; ++k)
    for (auto* state : answers[k].encoded.references) state->release();
}

// --- stealing

namespace {

bool may_move(const Record& record, Rank thief) {
  if (record.type().run != &run_task) return false;
  // Not back to its owner: nobody would count references that a rank sends to itself.
  if (record.origin) return record.origin->movable && record.origin->caller != thief;
  return !(record.extra() && record.extra()->id.valid()) && !record.kind().generator &&
         (!record.more || (record.more->options.placement.kind == Placement::Kind::automatic && !record.more->grant));
}

}  // namespace

// A task that this rank has stolen goes to another thief as if its owner had sent it there. Takes over one count.
void Core::send_on(Record& record, Rank thief) {
  if (holding() && !record.kind().harmless)
    return afterwards_.push_back([this, &record, thief] { send_on(record, thief); });
  if (!record.claim()) return record.release();
  const auto& origin = *record.origin;
  wire::ByteBuffer payload;
  try {
    wire::Encoder encoder(payload);
    record.kind().encode(record, encoder);
  } catch (...) {
    fail_with_current_exception(record);
    record.kind().clear(record);
    finish(record);
    return record.release();
  }
  with([&] {
    const auto moves = static_cast<std::uint32_t>(origin.subject.sequence + 1);
    executing_.remove(record);
    send(thief,
         {.subject = {origin.caller, 0, moves},
          .callable = wire::to_wire(record.kind()),
          .correlation = origin.correlation,
          .sender = record.caller,
          .flags = owner::movable,
          .kind = Kind::submit},
         payload.view());
    send(origin.caller,
         {.correlation = origin.correlation, .sender = moves, .argument = thief.value, .kind = Kind::moved}, {});
    if (Cancellations::any()) cancellations().ended(record.serial);
    keep_moving();
  });
  record.kind().clear(record);
  record.release();
}

std::uint32_t Core::give(Rank thief) {
  // Half of what has not started, the oldest first: those are nearest to the root of the task tree.
  constexpr std::size_t most = 64;
  const auto queued = pool_.queued_estimate();
  const auto count = std::min(most, queued == 0 ? 0 : std::max<std::size_t>(1, queued / 2));
  std::uint32_t given = 0;
  for (std::size_t i = 0; i < count; ++i) {
    auto* work = pool_.steal_for_other_rank();
    if (!work) break;
    auto& record = static_cast<Record&>(*work);
    if (!may_move(record, thief)) {
      pool_.schedule(*work);
      break;
    }
    record.origin ? send_on(record, thief) : send_task(record, thief, owner::movable);
    ++given;
  }
  if (given == 0) {
    if (const auto* record = membership_.find(thief)) {
      if (const auto token = queue_.take_stealable(record->total)) {
        send_task(*static_cast<Record*>(*token), thief);
        ++given;
      }
    }
  }
  base::count(Metric::tasks_stolen_out, given);
  return given;
}

}  // namespace ringray::runtime
