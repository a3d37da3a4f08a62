// Tasks: from submit to the last word about their result, here or on another rank.

#include <cxxabi.h>
#include <dlfcn.h>

#include <cstring>
#include <map>

#include "ringray/base/check.hpp"
#include "ringray/base/log.hpp"
#include "ringray/base/metrics.hpp"
#include "ringray/execution/fiber.hpp"
#include "ringray/observe/timeline.hpp"
#include "ringray/observe/waits.hpp"
#include "ringray/runtime/cancellation.hpp"
#include "ringray/runtime/core.hpp"
#include "ringray/runtime/function.hpp"
#include "ringray/runtime/stream.hpp"

namespace ringray::runtime {
namespace {

std::uint64_t next_serial() {
  // Blocks of serials per thread, so that submitting touches no shared line.
  static std::atomic<std::uint64_t> blocks{0};
  thread_local std::uint64_t next = 0, end = 0;
  if (next == end) {
    next = blocks.fetch_add(1, std::memory_order_relaxed) << 16 | 1;
    end = next + 0xffff;
  }
  return next++;
}

struct ArgumentWaiter final : execution::Waiter {
  Record* record;
  ObjectState* state;
};

void argument_arrived(Record& record) {
  if (record.missing.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (record.kind().actor)
    core().open_actor(*record.target);
  else if (record.target)
    record.target->arguments_here(record);
  else
    start_when_possible(record);
}

// Waits for the state, then for its bytes when they are elsewhere.
void argument_changed(execution::Waiter& waiter) noexcept;

bool await_argument(Record& record, ObjectState& state) {
  while (!here(state)) {
    execution::Work* event = &state;
    const auto* e = state.extra();
    if (state.done() || (e && e->foreign)) {
      core().fetch(state);
      if (state.done()) event = state.extra()->fetched.load(std::memory_order_acquire);
    }
    auto* waiter = new ArgumentWaiter;
    waiter->record = &record;
    waiter->state = &state;
    waiter->notify = &argument_changed;
    if (event->add_waiter(*waiter)) return true;
    delete waiter;
  }
  return false;
}

void argument_changed(execution::Waiter& waiter) noexcept {
  auto& self = static_cast<ArgumentWaiter&>(waiter);
  auto& record = *self.record;
  auto& state = *self.state;
  delete &self;
  if (!await_argument(record, state)) argument_arrived(record);
}

}  // namespace

Running* running() noexcept { return static_cast<Running*>(execution::context()); }

ScopedRunning::ScopedRunning(Running& now) noexcept : before_(std::exchange(execution::context(), &now)) {}
ScopedRunning::~ScopedRunning() { execution::context() = before_; }

std::string function_name(const void* code) {
  Dl_info info;
  if (dladdr(code, &info) != 0 && info.dli_sname && info.dli_saddr == code) {
    auto name = type_name(info.dli_sname);
    return name.substr(0, name.find('('));
  }
  return "task";
}

bool attach_arguments(Record& record) {
  if (!record.kind().arguments) return true;
  std::vector<ObjectState*> arguments;
  record.kind().arguments(record, arguments);
  bool all = true;
  for (auto* state : arguments) all &= here(*state);
  if (all) return true;
  record.missing.store(1, std::memory_order_relaxed);
  for (auto* state : arguments) {
    record.missing.fetch_add(1, std::memory_order_relaxed);
    if (!await_argument(record, *state)) record.missing.fetch_sub(1, std::memory_order_relaxed);
  }
  return record.missing.fetch_sub(1, std::memory_order_acq_rel) == 1;
}

// --- running

void fail_with_current_exception(Record& record) noexcept {
  ErrorDetail detail{.task = record.name(), .rank = here_rank().value};
  Errc code = Errc::task_failed;
  const auto nested = [&](const std::exception& e, const auto& self) -> void {
    try {
      std::rethrow_if_nested(e);
    } catch (const std::exception& inner) {
      detail.causes.push_back(type_name(typeid(inner).name()) + ": " + inner.what());
      self(inner, self);
    } catch (...) {
      detail.causes.push_back("an exception that is no std::exception");
    }
  };
  try {
    throw;
  } catch (const ExitActor&) {
    code = Errc::actor_died;
    detail.text = "the actor left by exit_actor";
    if (auto* now = running(); now && now->actor) now->actor->request_exit();
  } catch (const Error& e) {
    if (e.code() == Errc::task_cancelled) code = Errc::task_cancelled;
    detail.exception_type = type_name(typeid(e).name());
    detail.text = e.what();
    if (!e.detail().exception_type.empty()) detail.causes.push_back(e.detail().exception_type + ": " + e.detail().text);
    detail.causes.insert(detail.causes.end(), e.detail().causes.begin(), e.detail().causes.end());
    nested(e, nested);
  } catch (const std::exception& e) {
    detail.exception_type = type_name(typeid(e).name());
    detail.text = e.what();
    nested(e, nested);
  } catch (...) {
    if (const auto* type = abi::__cxa_current_exception_type()) detail.exception_type = type_name(type->name());
    detail.text = "an exception that is no std::exception";
  }
  fail_record(record, code, std::move(detail));
}

void fail_record(Record& record, Errc code, ErrorDetail detail) {
  if (record.more)
    for (auto* result : record.more->more_results) result->set_error(code, detail);
  record.set_error(code, std::move(detail));
}

void run_body(Record& record, void* instance) {
  const auto& kind = record.kind();
  const observe::Span span(observe::Timeline::recording() ? observe::Timeline::intern(record.name()) : "");
  bool started = false;
  if (cancellations().is_cancelled(record)) {
    fail_record(record, Errc::task_cancelled, {.text = "the task was cancelled", .task = record.name()});
  } else {
    const ObjectState* failed = nullptr;
    if (kind.arguments) {
      std::vector<ObjectState*> arguments;
      kind.arguments(record, arguments);
      for (auto* state : arguments)
        if (!failed && state->failed()) failed = state;
    }
    if (failed) {
      fail_record(record, failed->extra()->error, failed->extra()->detail);
    } else {
      started = true;
      if (kind.coroutine) record.retain();  // until coroutine_finished
      try {
        kind.invoke(record, instance);
        if (kind.coroutine) return;
      } catch (...) {
        fail_with_current_exception(record);
        if (kind.coroutine) record.release();
      }
    }
  }
  static_cast<void>(started);
  kind.clear(record);
  finish(record);
}

void coroutine_finished(Record& record) noexcept {
  record.kind().clear(record);
  finish(record);
  record.release();
}

void finish(Record& record) noexcept {
  if (auto* more = record.more.get()) {
    if (more->stoppable) cancellations().forget(record.serial);
    if (more->grant) core().end_task(record);
    if (more->stream) {
      if (record.failed() && !more->origin) stream_failed(*more->stream, record);
      more->stream->end();
    }
    if (auto* limiter = std::exchange(more->limiter, nullptr)) {
      limiter->pending_calls.fetch_sub(1, std::memory_order_relaxed);
      limiter->release();
    }
    if (more->origin) core().reply(record);
    for (auto* result : more->more_results) result->complete();
  }
  record.complete();
}

void run_task(execution::Work& work) {
  auto& record = static_cast<Record&>(work);
  Running now{&record, nullptr, record.serial, static_cast<std::uint32_t>(record.serial)};
  const ScopedRunning scope(now);
  run_body(record, nullptr);
}

bool help_call(execution::Work& work) {
  auto& record = static_cast<Record&>(work);
  return record.target && record.target->help(work);
}

// --- submitting

// All arguments are here: to the workers, or to the queue of those that need resources.
void start_when_possible(Record& record) {
  if (record.claimed()) return record.release();  // cancelled while it waited
  if (record.more && (!record.more->options.resources.empty() || record.more->options.placement.in_bundle.valid()))
    core().enqueue(record);
  else
    pool().schedule(static_cast<execution::Work&>(record));
}

/// Takes over one count.
void start_here(Record& record) {
  if (attach_arguments(record)) start_when_possible(record);
}

void submit(Record& record) {
  const auto* now = running();
  record.serial = next_serial();
  record.parent = now ? now->serial : 0;
  record.retain();
  if (!record.more || (record.more->options.placement.kind == Placement::Kind::automatic &&
                       record.more->options.resources.empty()))
    start_here(record);
  else
    core().submit(record);
}

void Core::enqueue(Record& record) {
  with([&] {
    const auto& options = record.more->options;
    record.more->pooled = true;
    queue_.push({.token = &record,
                 .need = options.resources,
                 .bundle = options.placement.in_bundle,
                 .stealable = options.placement.kind == Placement::Kind::automatic && !record.more->origin});
  });
}

void Core::start(scheduler::TaskQueue::Token token, scheduler::GrantId grant) {
  if (auto* actor = starting_actor(token)) {
    actor->grant = grant;
    return actor->open();
  }
  auto& record = *static_cast<Record*>(token);
  record.more->pooled = false;
  record.more->grant = grant;
  pool_.schedule(static_cast<execution::Work&>(record));
}

void Core::end_task(Record& record) {
  with([&] { queue_.finished(std::exchange(record.more->grant, 0)); });
}

void Core::task_waits(Record& record, bool waits) {
  with([&] { waits ? queue_.waits(record.more->grant) : queue_.goes_on(record.more->grant); });
}

scheduler::Choice Core::choose(const Resources& need, const Placement& placement) {
  return with([&]() -> scheduler::Choice {
    std::vector<scheduler::Holding> near_copies;
    if (placement.kind == Placement::Kind::near) {
      const auto holder = owner_.holder(placement.object);
      near_copies.push_back({holder.valid() ? holder : placement.object.owner, 1});
    }
    std::vector<scheduler::BundlePlace> bundles;
    if (placement.kind == Placement::Kind::bundle) {
      const auto at = groups_.find(placement.in_bundle.group);
      if (at != groups_.end())
        for (std::uint32_t i = 0; i < at->second.ranks.size(); ++i)
          bundles.push_back({i, at->second.ranks[i], at->second.specification.bundles[i]});
    }
    return scheduler::choose({.resources = need,
                              .placement = placement,
                              .here = self_,
                              .near_copies = near_copies,
                              .bundles = bundles,
                              .turn = placement.kind == Placement::Kind::spread ? spread_turn_++ : 0,
                              .random = random_()},
                             membership_, load_);
  });
}

/// Decides where something is to run; waits on its fiber when that depends on what is not there yet. Nothing: it can
/// never run, and `why` says so.
std::optional<Rank> Core::place(const Resources& need, const Placement& placement, std::string& why) {
  for (;;) {
    if (placement.kind == Placement::Kind::bundle && !with([&] { return groups_.contains(placement.in_bundle.group); })) {
      const auto answer = ask(control::WaitGroup{placement.in_bundle.group});
      if (!answer) {
        why = answer.error().text;
        return std::nullopt;
      }
      if (const auto* found = std::get_if<control::GroupFound>(&*answer); found && found->record)
        with([&] { groups_[placement.in_bundle.group] = *found->record; });
      else {
        why = "the placement group does not exist";
        return std::nullopt;
      }
    }
    const auto choice = choose(need, placement);
    if (const auto* rank = std::get_if<Rank>(&choice)) return *rank;
    if (const auto* never = std::get_if<scheduler::Unschedulable>(&choice)) {
      why = never->reason;
      if (config_.unschedulable == ringray::Unschedulable::error) return std::nullopt;
      if (with([&] { return reported_.insert(std::hash<std::string>{}(why)).second; }))
        log::warning("a task waits for what no rank has: {}. It starts when a rank has it; "
                     "--ringray.unschedulable=error makes this an error.", why);
    }
    pause_fiber(std::chrono::milliseconds(20));
  }
}

void Core::submit(Record& record) {
  const auto& options = record.more->options;
  // The usual cases are decided at once; what has to wait for something does so on a fiber of its own.
  if (options.placement.kind != Placement::Kind::bundle) {
    const auto choice = choose(options.resources, options.placement);
    if (const auto* rank = std::get_if<Rank>(&choice)) {
      if (*rank == self_) return start_here(record);
      return send_task(record, *rank);
    }
    if (const auto* never = std::get_if<scheduler::Unschedulable>(&choice);
        never && config_.unschedulable == ringray::Unschedulable::error) {
      if (!record.claim()) return record.release();
      fail_record(record, Errc::unschedulable, {.text = never->reason, .task = record.name()});
      record.kind().clear(record);
      finish(record);
      return record.release();
    }
  }
  spawn_fiber([this, &record] {
    std::string why;
    const auto rank = place(record.more->options.resources, record.more->options.placement, why);
    if (record.claimed()) return record.release();  // cancelled
    if (!rank) {
      if (record.claim()) {
        fail_record(record, Errc::unschedulable, {.text = why, .task = record.name()});
        record.kind().clear(record);
        finish(record);
      }
      return record.release();
    }
    if (*rank == self_) return start_here(record);
    send_task(record, *rank);
  });
}

// --- to another rank

// Takes over one count: the request's, until the reply.
void Core::send_task(Record& record, Rank target) {
  if (!record.claim()) return record.release();
  wire::ByteBuffer options;
  if (record.more) {
    wire::Encoder encoder(options);
    encoder(record.more->options);
  }
  try {
    send_request(Kind::submit, target, record, &record, {},
                 static_cast<std::uint8_t>((record.more ? owner::has_options : 0) |
                                           (record.kind().generator ? owner::streaming : 0)),
                 options.view());
  } catch (...) {
    fail_with_current_exception(record);
    record.kind().clear(record);
    finish(record);
    return record.release();
  }
  base::count(Metric::tasks_stolen_out);
}

/// Encodes and sends a record. Not under the baton: users' serialize functions run here.
void Core::send_request(Kind kind, Rank target, Record& record, owner::Token token, ActorId actor, std::uint8_t flags,
                        View options) {
  wire::ByteBuffer payload;
  if (flags & owner::has_options) {
    payload.put(static_cast<std::uint64_t>(options.size()));
    payload.append(options.data(), options.size());
  }
  wire::Encoder encoder(payload);
  record.kind().encode(record, encoder);
  std::vector<Carried> references;
  with([&] {
    for (auto* r : encoder.references()) references.push_back(carried(*static_cast<ObjectState*>(r)));
    payload.append(references.data(), references.size() * sizeof(Carried));
    RINGRAY_ASSERT(payload.size() <= transport::payload_bytes_max, "arguments of more than 128 KiB in one message");
    Envelope envelope{.subject = actor,
                      .callable = wire::to_wire(record.kind()),
                      .sender = record.caller,
                      .flags = flags};
    if (kind == Kind::send) {
      owner_.register_receiver(references, target);
      owner_.sent_one_way(actor);
      envelope.argument = static_cast<std::uint32_t>(references.size());
      envelope.kind = kind;
      send(target, envelope, payload.view());
    } else {
      const auto correlation = owner_.request(
          {.kind = kind, .target = target, .token = token, .actor = actor, .callable = envelope.callable}, envelope,
          payload.view(), references);
      record.make_more().remote = correlation;
      if (auto* stream = record.more->stream) {
        stream->correlation = correlation;
        stream->producer = target;
        streams_[correlation] = &record;
      }
      for (unsigned k = 0; k < record.kind().results; ++k)
        record.result(k).make_extra().result = owner_.result_id(correlation, k).sequence;
    }
    flush_if_due();
  });
  for (auto* state : encoder.counted()) static_cast<ObjectState*>(state)->release();
  if (kind != Kind::spawn) record.kind().clear(record);
}

/// A result arrived for a state of this rank.
void Core::settle_state(ObjectState& state, const owner::Outcome& outcome, ObjectId result, Rank holder) {
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
    e.remote_value = true;
    if (!e.id.valid()) {
      RINGRAY_ASSERT(e.result == result.sequence);
      promote(state);
    }
    RINGRAY_ASSERT(e.id == result, "a stored result has another name than its owner gave it");
    owner_.set_holder(e.id, holder, outcome.stored_bytes);
    for (const auto& c : outcome.references) e.references.push_back(adopt(c));
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

void Core::replied(const owner::Request& request, std::uint64_t correlation,
                   std::span<const owner::Outcome> outcomes) {
  if (request.kind == Kind::spawn) return actor_started(request, outcomes);
  auto& record = *static_cast<Record*>(request.token);
  record.more->remote = 0;
  const auto results = record.kind().results;
  for (unsigned k = 0; k < results; ++k) {
    const auto& outcome = outcomes.size() == results ? outcomes[k] : outcomes[0];
    settle_state(record.result(k), outcome, owner_.result_id(correlation, k), request.target);
  }
  if (record.more->stream) {
    streams_.erase(correlation);
    if (record.failed()) stream_failed(*record.more->stream, record);
    record.more->stream->end();
  }
  if (auto* limiter = std::exchange(record.more->limiter, nullptr)) {
    limiter->pending_calls.fetch_sub(1, std::memory_order_relaxed);
    limiter->release();
  }
  for (auto* result : record.more->more_results) result->complete();
  record.complete();
  record.release();
}

// --- from another rank

Record* Core::decode_record(std::uint64_t callable, View body, std::span<ObjectState* const> references) {
  const auto descriptor = wire::from_wire(callable);
  if (!descriptor) throw CorruptDataError(descriptor.error().text);
  const std::vector<void*> pointers(references.begin(), references.end());
  wire::Decoder decoder(body, pointers);
  return static_cast<const RecordType*>(*descriptor)->decode(decoder);
}

void Core::refuse(Rank caller, std::uint64_t correlation, ObjectId subject, std::span<const Carried> covered, Errc code,
                  std::string text, bool wants_reply) {
  if (!wants_reply) {
    log::warning("a one-way call from rank {} was dropped: {}", caller.value, text);
    return;
  }
  wire::ByteBuffer buffer;
  wire::Encoder encoder(buffer);
  encoder(ErrorDetail{.text = std::move(text), .rank = self_.value});
  const owner::Outcome outcome{.error = code, .bytes = buffer.view()};
  owner_.reply(caller, correlation, subject, {&outcome, 1}, covered);
}

void Core::on_submit(const Envelope& envelope, View payload) {
  std::vector<Carried> references;
  owner::references_of(payload, envelope.argument, references);
  auto body = owner::body_of(payload, envelope.argument);
  const Rank caller = envelope.subject.owner.valid() ? envelope.subject.owner : envelope.source;
  owner_.receive_covered(references);
  std::vector<ObjectState*> states;
  for (const auto& c : references) states.push_back(adopt(c));
  Record* record = nullptr;
  std::string problem;
  try {
    TaskOptions options;
    if (envelope.flags & owner::has_options) {
      wire::Decoder decoder(body);
      const auto bytes = decoder.get<std::uint64_t>();
      wire::Decoder inner(decoder.take(bytes));
      options = wire::decode<TaskOptions>(inner);
      body = decoder.rest();
    }
    record = decode_record(envelope.callable, body, states);
    auto& more = record->make_more();
    more.options = std::move(options);
    more.origin = std::make_unique<Origin>(
        Origin{caller, envelope.correlation, envelope.subject, std::move(references), true});
  } catch (const std::exception& e) {
    problem = std::string("a task could not be decoded: ") + e.what();
  }
  for (auto* state : states) state->release();
  if (!record) return refuse(caller, envelope.correlation, envelope.subject, references, Errc::corrupt_data, problem);
  record->serial = next_serial();
  executing_[execution_key(caller, envelope.correlation)] = record;
  if (envelope.flags & owner::streaming) {
    record->more->stream = new StreamState(record->more->options.backpressure);
  }
  start_here(*record);
}

/// Encodes the results of a request from another rank and sends them. Not under the baton.
void Core::reply(Record& record) noexcept {
  auto& origin = *record.more->origin;
  if (!origin.wants_reply) {
    if (record.failed()) log::warning("a one-way call failed: {}", describe_error(record));
    return;
  }
  const auto results = record.kind().results;
  std::vector<Encoded> encoded(results);
  std::vector<owner::Outcome> outcomes(results);
  wire::ByteBuffer error_bytes;
  for (unsigned k = 0; k < results; ++k) {
    auto& state = record.result(k);
    if (!state.failed() && state.value_type()) {
      const ObjectId id{origin.caller, 0, origin.correlation | std::uint64_t{k} << 56};
      encoded[k] = encode_for_travel(*state.value_type(), state.value(), id);
      if (encoded[k].error) state.set_error(encoded[k].error->code, {.text = encoded[k].error->text, .task = record.name()});
    }
  }
  with([&] {
    std::vector<std::vector<Carried>> references(results);
    for (unsigned k = 0; k < results; ++k) {
      auto& state = record.result(k);
      if (state.failed()) {
        error_bytes.clear();
        wire::Encoder encoder(error_bytes);
        encoder(state.extra()->detail);
        outcomes[k] = {.error = state.extra()->error, .bytes = error_bytes.view()};
        continue;
      }
      for (auto* r : encoded[k].references) references[k].push_back(carried(*r));
      outcomes[k] = {.bytes = encoded[k].bytes.view(),
                     .references = references[k],
                     .stored = encoded[k].in_store,
                     .stored_bytes = encoded[k].stored_bytes};
      if (encoded[k].in_store && !encoded[k].references.empty()) {
        const ObjectId id{origin.caller, 0, origin.correlation | std::uint64_t{k} << 56};
        stored_references_[id] = std::move(encoded[k].references);
        encoded[k].references.clear();
      }
    }
    executing_.erase(execution_key(origin.caller, origin.correlation));
    if (membership_.alive(origin.caller))
      owner_.reply(origin.caller, origin.correlation, origin.subject, outcomes, origin.covered);
    flush_if_due();
  });
  for (auto& one : encoded)
    for (auto* state : one.references) state->release();
}

// --- stealing

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
    const bool may_move = work->type().run == &run_task && !(record.extra() && record.extra()->id.valid()) &&
                          !record.kind().generator &&
                          (!record.more || (record.more->options.placement.kind == Placement::Kind::automatic &&
                                            !record.more->origin && !record.more->grant));
    if (!may_move) {
      pool_.schedule(*work);
      break;
    }
    send_task(record, thief);
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
  return given;
}

// --- cancelling

bool Core::cancel(ObjectState& state, bool recursive) {
  const auto flags = recursive ? owner::recursive : std::uint8_t{0};
  if (state.done()) return false;
  bool foreign = false;
  with([&] {
    const auto* e = state.extra();
    if (e && e->foreign) {
      foreign = true;
      owner_.cancel_object(e->id, flags);
    }
  });
  if (foreign) return true;
  if (state.type().run != &run_task && state.type().help != &help_call) return false;
  auto& record = static_cast<Record&>(state);
  if (record.claim()) {
    const bool queued = with([&] { return record.more && record.more->pooled && queue_.remove(&record); });
    if (queued) record.more->pooled = false;
    fail_record(record, Errc::task_cancelled, {.text = "the task was cancelled before it started", .task = record.name()});
    if (record.target == nullptr || record.missing.load() == 0) record.kind().clear(record);
    finish(record);
    if (queued) record.release();
    return true;
  }
  const auto remote = with([&] { return record.more ? record.more->remote : 0; });
  if (remote) {
    with([&] {
      owner_.cancel(remote, flags);
      flush_if_due();
    });
    return true;
  }
  cancellations().cancel(record.serial, recursive);
  if (recursive) cancel_remote_children(record.serial);
  return true;
}

void Core::cancel_remote_children(std::uint64_t parent) {
  std::vector<std::uint64_t> children;
  with([&] {
    owner_.for_each_request([&](const owner::Request& request, std::uint64_t correlation) {
      if (request.kind != Kind::submit && request.kind != Kind::call) return;
      const auto& record = *static_cast<Record*>(request.token);
      if (cancellations().descends(record, parent)) children.push_back(correlation);
    });
    for (const auto correlation : children) owner_.cancel(correlation, owner::recursive);
  });
}

void Core::on_cancel(const Envelope& envelope) {
  const auto at = executing_.find(execution_key(envelope.source, envelope.correlation));
  if (at == executing_.end()) return;
  auto* record = at->second;
  if (!record->try_retain()) return;
  const bool deep = envelope.flags & owner::recursive;
  spawn_fiber([this, record, deep] {
    cancel(*record, deep);
    record->release();
  });
}

void Core::cancel_requested(ObjectId, owner::Token token, std::uint8_t flags) {
  auto* state = static_cast<ObjectState*>(token);
  if (!state || !state->try_retain()) return;
  const bool deep = flags & owner::recursive;
  spawn_fiber([this, state, deep] {
    cancel(*state, deep);
    state->release();
  });
}

void check_cancelled(Record& record) {
  if (cancellations().is_cancelled(record)) throw TaskCancelledError("the task was cancelled");
}

// --- coroutines

void resume_when_here(ObjectState& state, std::coroutine_handle<> handle, Record& record) {
  struct Resumption final : execution::Runnable {
    std::coroutine_handle<> handle;
    Record* record;
    ObjectState* state;
    ActorRecord* actor;
  };
  struct Watch final : execution::Waiter {
    Resumption* resumption;
  };
  auto* now = running();
  auto* resumption = new Resumption;
  resumption->handle = handle;
  resumption->record = &record;
  resumption->state = &state;
  resumption->actor = now ? now->actor : nullptr;
  if (resumption->actor) resumption->actor->retain();
  resumption->execute = [](execution::Runnable& runnable) {
    auto& self = static_cast<Resumption&>(runnable);
    const auto handle = self.handle;
    Running now{self.record, nullptr, self.record->serial, static_cast<std::uint32_t>(self.record->serial)};
    delete &self;
    const ScopedRunning scope(now);
    handle.resume();
  };
  static constexpr auto go_on = [](Resumption* r) {
    if (auto* actor = r->actor) {
      const auto handle = r->handle;
      auto* record = r->record;
      delete r;
      actor->post_resume(handle, *record);
      actor->release();
    } else {
      pool().schedule(*r);
    }
  };
  struct Chain {
    static bool wait(Resumption* r) {
      auto& s = *r->state;
      while (!here(s)) {
        execution::Work* event = &s;
        const auto* e = s.extra();
        if (s.done() || (e && e->foreign)) {
          core().fetch(s);
          if (s.done()) event = s.extra()->fetched.load(std::memory_order_acquire);
        }
        auto* watch = new Watch;
        watch->resumption = r;
        watch->notify = [](execution::Waiter& waiter) noexcept {
          auto& self = static_cast<Watch&>(waiter);
          auto* next = self.resumption;
          delete &self;
          if (!wait(next)) go_on(next);
        };
        if (event->add_waiter(*watch)) return true;
        delete watch;
      }
      return false;
    }
  };
  if (!Chain::wait(resumption)) go_on(resumption);
}

}  // namespace ringray::runtime
