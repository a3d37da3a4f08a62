// How a fiber waits for a value.

#include <fmt/format.h>

#include "ringray/runtime/cancellation.hpp"
#include "ringray/runtime/core.hpp"
#include "ringray/runtime/function.hpp"

namespace ringray::runtime {

execution::Work* awaited(ObjectState& state, Until until, PullClass why) {
  if (until == Until::known) {
    if (state.done()) return nullptr;
    if (const auto* e = state.extra(); e && e->foreign) core().ask_ready(state);
    return &state;
  }
  const bool done = state.done();  // first: what completes after this is found by here(), or by the next question
  if (here(state)) return nullptr;
  const auto* e = state.extra();
  if (!done && !(e && e->foreign)) return &state;
  core().fetch(state, why);
  return done ? state.extra()->fetched.load(std::memory_order_acquire) : &state;
}

GiveBack::GiveBack() {
  auto* now = running();
  if (!now || !now->record || now->actor || !now->record->more) return;
  auto& record = *now->record;
  if (record.more->pull) core().end_pull(record);
  if (!record.more->grant) return;
  record_ = &record;
  core().task_waits(record, true);
}
GiveBack::~GiveBack() {
  if (record_) core().task_waits(*record_, false);
}

base::Nanoseconds deadline_after(base::Nanoseconds timeout) noexcept {
  const auto now = base::now();
  return timeout > base::Nanoseconds::max() - now ? base::Nanoseconds::max() : now + timeout;
}

namespace {

/// Whether its value may come by itself.
bool polls_bring(const ObjectState& state) {
  const auto* e = state.extra();
  return !state.done() && !(e && e->foreign);
}

std::string timed_out(const ObjectState& state, base::Nanoseconds timeout) {
  const auto thing = waited_for(state);
  const auto name = core().with([&] { return thing.name(thing.it); });
  return fmt::format("{}: it did not exist within {} ms", name,
                     std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count());
}

bool wait_here(ObjectState& state, base::Nanoseconds deadline, const char* what) {
  const bool forever = deadline == base::Nanoseconds::max();
  const GiveBack give_back;
  while (forever && !state.done() && state.run_or_help()) {
  }
  if (here(state) || (polls_bring(state) && execution::Pool::poll_for(state) && here(state))) return true;
  const TaskWait registered(what, waited_for(state));
  const auto wait = [&](execution::Work& work) {
    if (!forever) return work.wait_until(deadline);
    work.wait();
    return true;
  };
  while (auto* event = awaited(state))
    if (!wait(*event)) return false;
  return true;
}

}  // namespace

void* get(ObjectState& state, const ValueType* type) {
  if (auto* value = state.value()) return value;
  if (!here(state)) wait_here(state, base::Nanoseconds::max(), "get");
  if (auto* value = state.value()) return value;
  return value_here(state, type);
}

void* get(ObjectState& state, const ValueType* type, base::Nanoseconds timeout) {
  if (!here(state) && !wait_here(state, deadline_after(timeout), "get, with a timeout,"))
    throw GetTimeoutError(timed_out(state, timeout));
  return value_here(state, type);
}

}  // namespace ringray::runtime
