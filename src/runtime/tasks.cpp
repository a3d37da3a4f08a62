// Tasks: from submit to the end, on this rank.

#include "ringray/base/check.hpp"
#include "ringray/base/log.hpp"
#include "ringray/base/metrics.hpp"
#include "ringray/base/thread_local.hpp"
#include "ringray/execution/fiber.hpp"
#include "ringray/observe/timeline.hpp"
#include "ringray/observe/waits.hpp"
#include "ringray/runtime/api.hpp"
#include "ringray/runtime/cancellation.hpp"
#include "ringray/runtime/core.hpp"
#include "ringray/runtime/function.hpp"
#include "ringray/runtime/pending.hpp"
#include "ringray/runtime/stream.hpp"

namespace ringray::runtime {
namespace {

struct ArgumentWaiter final : execution::Waiter {
  Record* record;
  ObjectState* state;
  Until until;
};

/// It names no place, and nobody has chosen one.
bool may_be_placed(const Record& record) {
  return !record.origin && (!record.more || record.more->options.placement.kind == Placement::Kind::automatic);
}

/// Between `known` and `here` the record keeps one, so that a cancel leaves the arguments alone: placing looks at them.
constexpr std::uint32_t held(Until until) { return until == Until::known ? 1 : 0; }

void go_on_at(ActorRecord& actor, Record& record) {
  // From then on the call may run, and its actor end, without this.
  record.retain();
  actor.retain();
  if (record.missing.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    pending().remove(record);
    record.kind().actor ? core().open_actor(actor) : actor.arguments_here(record);
  }
  actor.release();
  record.release();
}

void go_on(Record& record, Until until) {
  if (record.target) return go_on_at(*record.target, record);
  if (record.missing.fetch_sub(1, std::memory_order_acq_rel) != held(until) + 1) return;
  pending().remove(record);
  if (until == Until::known)
    may_be_placed(record) ? core().submit(record) : start_here(record);
  else
    start_when_possible(record);
}

// Waits for the state, then for its bytes when they are elsewhere.
void argument_changed(execution::Waiter& waiter) noexcept;

bool await_argument(Record& record, ObjectState& state, Until until) {
  // What an actor waits for holds up all its calls.
  const auto why = record.target ? PullClass::get : PullClass::arguments;
  while (auto* event = awaited(state, until, why)) {
    auto* waiter = new ArgumentWaiter;
    waiter->record = &record;
    waiter->state = &state;
    waiter->until = until;
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
  const auto until = self.until;
  delete &self;
  if (!await_argument(record, state, until)) go_on(record, until);
}

}  // namespace

std::uint64_t next_serial() {
  // Blocks of serials per thread, so that submitting touches no shared line.
  static std::atomic<std::uint64_t> blocks{0};
  RINGRAY_NEAR_THREAD static constinit thread_local std::uint64_t next = 0, end = 0;
  if (next == end) {
    next = blocks.fetch_add(1, std::memory_order_relaxed) << 16 | 1;
    end = next + 0xffff;
  }
  return next++;
}

Running* running() noexcept { return static_cast<Running*>(execution::contexts().current); }

ScopedRunning::ScopedRunning(Running& now) noexcept
    : contexts_(execution::contexts()), before_(std::exchange(contexts_.current, &now)) {
  now.outer = static_cast<const Running*>(before_ ? before_ : contexts_.outer);
}
ScopedRunning::~ScopedRunning() { contexts_.current = before_; }

bool attach_arguments(Record& record, Until until) {
  if (!record.kind().arguments) return true;
  ArgumentList arguments;
  record.kind().arguments(record, arguments);
  bool all = true;
  for (auto* state : arguments) all &= until == Until::known ? state->done() : here(*state);
  if (all) {
    record.missing.store(held(until), std::memory_order_release);
    return true;
  }
  record.missing.store(held(until) + 1, std::memory_order_relaxed);
  pending().add(record);
  if (cancellations().parent_is_cancelled(record)) {  // it may have looked for its children before this was listed
    record.retain();
    spawn_fiber([&record] {
      core().cancel(record, true);
      record.release();
    });
  }
  for (auto* state : arguments) {
    record.missing.fetch_add(1, std::memory_order_relaxed);
    if (!await_argument(record, *state, until)) record.missing.fetch_sub(1, std::memory_order_relaxed);
  }
  if (record.missing.fetch_sub(1, std::memory_order_acq_rel) != held(until) + 1) return false;
  pending().remove(record);
  return true;
}

// --- running

void run_body(Running& now, void* instance) {
  auto& record = *now.record;
  const auto& kind = record.kind();
  const observe::Span span(observe::Timeline::recording() ? observe::Timeline::intern(record.name()) : "");
  if (Cancellations::any() && cancellations().is_cancelled(record)) {
    fail_record(record, Errc::task_cancelled, {.text = "the task was cancelled", .task = record.name()});
  } else {
    const ObjectState* failed = nullptr;
    if (kind.arguments) {
      ArgumentList arguments;
      kind.arguments(record, arguments);
      for (auto* state : arguments)
        if (!failed && state->failed()) failed = state;
    }
    if (failed) {
      failed->extra()->seen = true;
      fail_record(record, failed->extra()->error, failed->extra()->detail);
      expect_no_look(record);
    } else {
      if (kind.coroutine) record.retain();  // until coroutine_finished
      try {
        const InUsersCode inside(now);
        kind.invoke(record, instance);
        if (kind.coroutine) return;
      } catch (...) {
        fail_with_current_exception(record);
        if (kind.coroutine) record.release();
      }
    }
  }
  kind.clear(record);
  count_end(record);
  finish(record);
}

void count_end(const Record& record) noexcept {
  base::count(record.target ? Metric::calls_executed : Metric::tasks_executed);
  if (record.failed()) base::count(Metric::tasks_failed);
}

void coroutine_finished(Record& record) noexcept {
  if (auto* now = running()) {
    if (now->yields) end_yields(*now);
    now->inside = false;
  }
  record.kind().clear(record);
  count_end(record);
  finish(record);
  record.release();
}

void stop_limiting(Record& record) noexcept {
  auto* limiter = record.more ? std::exchange(record.more->limiter, nullptr) : nullptr;
  if (!limiter) return;
  limiter->pending_calls.fetch_sub(1, std::memory_order_relaxed);
  limiter->release();
}

void finish(Record& record) noexcept {
  auto* more = record.more.get();
  if (more) {
    if (more->grant) core().end_task(record);
    // While arguments are on their way, what waits for them needs the pull.
    if (more->pull && record.missing.load(std::memory_order_acquire) == 0) core().end_pull(record);
    if (more->stream) {
      if (record.failed() && !record.origin) stream_failed(*more->stream, record);
      more->stream->end();
    }
    stop_limiting(record);
  }
  if (record.origin) core().reply(record);
  if (more)
    for (auto* result : more->more_results) result->complete();
  const auto serial = record.serial;
  const bool stoppable = more && more->stoppable;
  const auto caller = record.origin ? record.origin->caller : Rank{};
  const auto correlation = record.origin ? record.origin->correlation : 0;
  record.complete();
  if (stoppable || Cancellations::any()) cancellations().ended(serial, caller, correlation);
}

void run_task(execution::Work& work) {
  auto& record = static_cast<Record&>(work);
  Running now{&record, nullptr, record.serial, static_cast<std::uint32_t>(record.serial)};
  const ScopedRunning scope(now);
  run_body(now, nullptr);
}

bool help_call(execution::Work& work) {
  auto& record = static_cast<Record&>(work);
  auto* actor = retained_target(record);
  if (!actor) return false;
  const bool helped = actor->help(work);
  actor->release();
  return helped;
}

// --- submitting

// All arguments are here: to the workers, or to the queue of those that need resources.
void start_when_possible(Record& record) {
  if (record.claimed()) {  // cancelled while it waited
    if (record.more && record.more->pull) core().end_pull(record);
    return record.release();
  }
  if (record.more && (!record.more->options.resources.empty() || record.more->options.placement.in_bundle.valid()))
    core().enqueue(record);
  else
    pool().schedule(static_cast<execution::Work&>(record));
}

/// Takes over one count.
void start_here(Record& record) {
  if (core().must_pull() && record.kind().arguments) {
    if (!attach_arguments(record, Until::known)) return;
    if (!core().admit_arguments(record)) return record.release();
  }
  if (attach_arguments(record)) start_when_possible(record);
}

Rank only_a_rank(const TaskOptions& options) {
  const auto& place = options.placement;
  const bool nothing_else = options.name.empty() && options.resources.empty() && options.durable.empty() &&
                            !options.retry_exceptions && options.max_retries == TaskOptions::usual_retries &&
                            options.backpressure == 0;
  if (place.kind != Placement::Kind::rank || !nothing_else || is_outside() || !core().is_elsewhere(place.rank))
    return {};
  return place.rank;
}

void submit(Record& record, Rank target) {
  if (is_outside()) [[unlikely]] {
    record.release();
    throw_outside("submit");
  }
  if (record.more) {
    if (const auto problem = record.more->options.resources.problem()) {
      const auto name = record.name();
      record.release();
      throw ConfigError("task '" + name + "' asks for what cannot be: " + *problem);
    }
  }
  const auto* now = running();
  record.serial = next_serial();
  record.parent = now ? now->serial : 0;
  try {
    heed_cancel();
  } catch (...) {
    record.release();
    throw;
  }
  base::count(Metric::tasks_submitted);
  if (target.valid()) return core().send_task(record, target);
  if (!record.more && !record.kind().arguments) {  // the usual one: it needs nothing, and nobody else knows it yet
    record.make_ready_unshared();
    return pool().schedule(static_cast<execution::Runnable&>(record));
  }
  const bool automatic = may_be_placed(record);
  if (automatic && record.kind().arguments && core().must_pull()) {
    if (attach_arguments(record, Until::known)) core().submit(record);
  } else if (automatic && (!record.more || record.more->options.resources.empty())) {
    start_here(record);
  } else {
    core().submit(record);
  }
}

void Core::enqueue(Record& record) {
  with([&] {
    const auto& options = record.more->options;
    if (record.claimed()) return record.release();  // cancelled; from here on the cancel finds it in the queue
    if (bundle_is_gone(options.placement.in_bundle)) return fail_queued(record, group_removed);
    record.more->pooled = true;
    queue_.push({.token = &record,
                 .need = options.resources,
                 .bundle = options.placement.in_bundle,
                 .stealable = options.placement.kind == Placement::Kind::automatic && !record.origin});
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
  granted_[grant] = &record;
  pool_.schedule(static_cast<execution::Work&>(record));
}

void Core::end_task(Record& record) {
  with([&] {
    granted_.erase(record.more->grant);
    queue_.finished(std::exchange(record.more->grant, 0));
  });
}

void Core::task_waits(Record& record, bool waits) {
  with([&] { waits ? queue_.waits(record.more->grant) : queue_.goes_on(record.more->grant); });
}

// Where the bytes of the arguments are, as far as that matters: what host-mates hold can be read here. Nothing when
// moving the task could move a value of unknown size.
std::vector<scheduler::Holding> Core::holdings(Record& record) {
  if (all_share_arenas_) return {};
  ArgumentList arguments;
  record.kind().arguments(record, arguments);
  std::vector<scheduler::Holding> found;
  for (auto* state : arguments) {
    const auto* e = state->extra();
    if (!runtime::here(*state)) {
      const auto holder = owner_.holder(e->id);
      found.push_back({config_.arena && neighbours_.knows(holder) ? self_ : holder, owner_.bytes(e->id)});
    } else if (e && (e->in_store || e->lease)) {
      found.push_back({self_, std::max<std::uint64_t>(owner_.bytes(e->id), e->lease.size())});
    } else if (!state->failed() && state->value_type() && !state->value_type()->eager && !(e && e->encoded)) {
      return {};
    }
  }
  return found;
}

/// `record`: whose arguments count; null for actors.
scheduler::Choice Core::choose(const Resources& need, const Placement& placement, Record* record) {
  return with([&]() -> scheduler::Choice {
    std::vector<scheduler::Holding> near_copies, arguments;
    if (placement.kind == Placement::Kind::near) {
      const auto holder = owner_.holder(placement.object);
      near_copies.push_back({holder.valid() ? holder : placement.object.owner, 1});
    }
    if (record && placement.kind == Placement::Kind::automatic && record->kind().arguments)
      arguments = holdings(*record);
    if (!need.empty()) load_.report(self_, {.demand = queue_.demand()});
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
                              .arguments = arguments,
                              .near_copies = near_copies,
                              .bundles = bundles,
                              .turn = placement.kind == Placement::Kind::spread ? spread_turn_++ : 0,
                              .random = random_()},
                             membership_, load_);
  });
}

/// Decides where something is to run; waits on its fiber when that depends on what is not there yet. Nothing: it can
/// never run, and `why` says so.
std::optional<Rank> Core::place(const Resources& need, const Placement& placement, Record* record,
                                const std::function<std::string()>& who, std::string& why) {
  for (auto pause = std::chrono::milliseconds(10);; pause = std::min(pause * 2, std::chrono::milliseconds(320))) {
    if (placement.kind == Placement::Kind::bundle &&
        !with([&] { return groups_.contains(placement.in_bundle.group); })) {
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
    if (record && record->claimed()) return std::nullopt;  // cancelled
    const auto choice = choose(need, placement, record);
    if (const auto* rank = std::get_if<Rank>(&choice)) return *rank;
    if (const auto* never = std::get_if<scheduler::Unschedulable>(&choice)) {
      why = never->reason;
      if (never->for_good || config_.unschedulable == ringray::Unschedulable::error) return std::nullopt;
      const auto name = who();
      if (with([&] { return reported_.insert(std::hash<std::string>{}(name + why)).second; }))
        log::warning(
            "{} waits for what no rank has: {}. It starts when a rank has it; --ringray.unschedulable=error makes this "
            "an error.",
            name, why);
    }
    if (!this->pause(pause)) {
      why = "the job ends";
      return std::nullopt;
    }
  }
}

void Core::submit(Record& record) {
  static const TaskOptions none;
  const auto& options = record.more ? record.more->options : none;
  if (options.placement.kind == Placement::Kind::rank && options.resources.empty() &&
      membership_.alive(options.placement.rank)) {
    if (options.placement.rank == self_) return start_here(record);
    return send_task(record, options.placement.rank);
  }
  // The usual cases are decided at once; what has to wait for something does so on a fiber of its own.
  if (options.placement.kind != Placement::Kind::bundle) {
    const auto choice = choose(options.resources, options.placement, &record);
    if (const auto* rank = std::get_if<Rank>(&choice)) {
      if (*rank == self_) return start_here(record);
      return send_task(record, *rank);
    }
    if (const auto* never = std::get_if<scheduler::Unschedulable>(&choice);
        never && (never->for_good || config_.unschedulable == ringray::Unschedulable::error))
      return fail_queued(record, never->reason);
  }
  record.missing.store(1, std::memory_order_release);  // a cancel leaves the arguments alone: placing looks at them
  spawn_fiber([this, &record, &options] {
    std::string why;
    const auto rank = place(
        options.resources, options.placement, &record, [&] { return "task '" + record.name() + "'"; }, why);
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

}  // namespace ringray::runtime
