// Cancelling: what has not started never runs, what runs is asked to stop.

#include "ringray/runtime/bound_record.hpp"
#include "ringray/runtime/cancellation.hpp"
#include "ringray/runtime/core.hpp"
#include "ringray/runtime/pending.hpp"

namespace ringray::runtime {

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
    fail_record(record, Errc::task_cancelled,
                {.text = "the task was cancelled before it started", .task = record.name()});
    // While arguments are missing, waiters still look at them; then they go with the record.
    if (record.missing.load(std::memory_order_acquire) == 0) record.kind().clear(record);
    auto* actor = retained_target(record);
    finish(record);
    if (actor) {
      actor->pass_over(record);
      actor->release();
    }
    if (queued) record.release();
    return true;
  }
  const auto cancel_there = [&] {
    return with([&] {
      if (!record.remote) return false;
      owner_.cancel(record.remote, flags);
      keep_moving();
      return true;
    });
  };
  if (cancel_there()) return true;
  cancellations().cancel(record, recursive);
  if (recursive) cancel_children();
  cancel_there();  // it was being encoded, by who did not see the mark
  return true;
}

Pending& pending() noexcept {
  static Pending all;
  return all;
}

// Those of cancelled parents that other ranks have, or that wait for arguments here.
void Core::cancel_children() {
  std::vector<std::uint64_t> children;
  with([&] {
    owner_.for_each_request([&](const owner::Request& request, std::uint64_t correlation) {
      if (request.kind != Kind::submit && request.kind != Kind::call) return;
      const auto& record = *static_cast<Record*>(request.token);
      if (cancellations().parent_is_cancelled(record)) children.push_back(correlation);
    });
    for (const auto correlation : children) owner_.cancel(correlation, owner::recursive);
  });
  const auto waiting = pending().find(
      [](const Record& record) { return !record.claimed() && cancellations().parent_is_cancelled(record); });
  for (auto* record : waiting) {
    cancel(*record, true);
    record->release();
  }
}

void Core::on_cancel(const Envelope& envelope) {
  auto* record = executing_.find(envelope.source, envelope.correlation);
  if (!record && envelope.subject.valid()) {  // a call: those that need not wait are not listed
    afterwards_.push_back([this, caller = envelope.source, correlation = envelope.correlation,
                           deep = (envelope.flags & owner::recursive) != 0] {
      cancellations().cancel_call(caller, correlation, deep);
      if (deep) cancel_children();
    });
    return;
  }
  if (!record) return cancel_arriving(envelope);
  record->retain();  // whoever runs it has a count until it is not listed any more
  const bool deep = envelope.flags & owner::recursive;
  afterwards_.push_back([this, record, deep, caller = envelope.source, correlation = envelope.correlation] {
    // One that was given on meanwhile is cancelled where it goes to, when its owner hears from there.
    const auto still_here = [&] { return with([&] { return executing_.find(caller, correlation) == record; }); };
    if (still_here()) cancel(*record, deep);
    if (Cancellations::any() && !still_here()) cancellations().ended(record->serial);
    record->release();
  });
}

void Core::cancel_requested(ObjectId, owner::Token token, std::uint8_t flags) {
  auto* state = static_cast<ObjectState*>(token);
  if (!state || !state->try_retain()) return;
  const bool deep = flags & owner::recursive;
  afterwards_.push_back([this, state, deep] {
    cancel(*state, deep);
    state->release();
  });
}

void check_cancelled(Record& record) {
  if (cancellations().is_cancelled(record)) throw TaskCancelledError("the task was cancelled");
}

}  // namespace ringray::runtime
