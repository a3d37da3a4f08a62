// What a rank that hangs, or ends by a signal, says of itself.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "ringray/runtime/bound_record.hpp"
#include "ringray/runtime/cancellation.hpp"
#include "ringray/runtime/core.hpp"
#include "ringray/runtime/coroutine.hpp"
#include "ringray/runtime/letter.hpp"
#include "ringray/runtime/pending.hpp"

namespace ringray::runtime {
namespace {

const Record* as_record(const ObjectState& state) {
  const auto& type = state.type();
  const bool is_one = type.run == &run_task || type.help == &help_call;
  return is_one ? static_cast<const Record*>(&state) : nullptr;
}

std::string name_of(const Record& record) {
  const auto* what = record.type().run ? "task" : record.kind().actor ? "constructor" : "call";
  return fmt::format("{} '{}'", what, record.name());
}

std::string name_of_call(const RecordType& type) { return fmt::format("call '{}'", type.name(nullptr)); }

std::string name_of(const Running& now) {
  return now.letter ? name_of_call(now.letter->type) : now.record ? name_of(*now.record) : "the driver";
}

/// Who has the baton learns more.
std::string name_of(const ObjectState& state) {
  const bool holding = has_core() && core().holding();
  if (const auto* record = as_record(state)) {
    auto text = "the result of " + name_of(*record);
    if (state.done() || !holding) return text;
    if (const auto* request = record->remote ? core().owner().find_request(record->remote) : nullptr)
      return text + fmt::format(" on rank {}", request->target.value);
    return text + (record->missing.load(std::memory_order_relaxed) > 0 ? ", whose arguments are missing"
                   : record->claimed()                                 ? ", which has begun here"
                                                                       : ", which has not begun");
  }
  if (state.type().help == &help_kernel_call) return "the answer to " + static_cast<const KernelCall&>(state).title();
  if (&state.type() == &event_type<ActorState>())
    return fmt::format("the construction of an actor on rank {}", static_cast<const ActorState&>(state).home.value);
  const auto* e = state.extra();
  if (!holding || !e || !e->id.valid()) return "an object of this rank";
  auto text =
      fmt::format("object {}.{}.{:x} of rank {}", e->id.owner.value, e->id.epoch, e->id.sequence, e->id.owner.value);
  if (const auto holder = core().owner().holder(e->id); holder.valid() && holder != e->id.owner)
    text += fmt::format(", whose value is on rank {}", holder.value);
  return text;
}

const Running the_driver;

/// A letter may be gone when it is named; its type stays.
void* tagged(const RecordType& type) noexcept {
  return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(&type) | 1);
}
const RecordType* untagged(void* kept) noexcept {
  const auto bits = reinterpret_cast<std::uintptr_t>(kept);
  return bits & 1 ? reinterpret_cast<const RecordType*>(bits & ~std::uintptr_t{1}) : nullptr;
}

/// Runs in a signal handler of the worker whose fiber's context it is.
void* keep_running(void* context) noexcept {
  const auto* now = static_cast<const Running*>(context);
  if (!now) return nullptr;
  if (now->is_driver()) return const_cast<Running*>(&the_driver);
  if (!now->inside) return nullptr;
  if (now->letter) return tagged(now->letter->type);
  now->record->retain();
  return now->record;
}

/// What waits for arguments, and for which. States of `kept` are counted.
std::string report_pending(std::vector<ObjectState*>& kept) {
  constexpr std::size_t lines_max = 20;
  std::size_t count = 0;
  std::vector<ObjectState*> arguments;
  const auto waiting = pending().find([&](Record& record) {
    if (record.claimed() || ++count > lines_max) return false;
    ArgumentList all;
    record.kind().arguments(record, all);
    const auto missing = std::find_if(all.begin(), all.end(), [](ObjectState* state) { return !here(*state); });
    if (missing == all.end()) return false;
    (*missing)->retain();
    arguments.push_back(*missing);
    return true;
  });
  std::string text;
  for (std::size_t i = 0; i < waiting.size(); ++i)
    text += fmt::format("  {} waits for its argument, {}\n", name_of(*waiting[i]), name_of(*arguments[i]));
  if (count > lines_max) text += fmt::format("  and {} more wait for arguments\n", count - lines_max);
  kept.insert(kept.end(), waiting.begin(), waiting.end());
  kept.insert(kept.end(), arguments.begin(), arguments.end());
  return text;
}

}  // namespace

observe::Thing waited_for(const ObjectState& state) {
  return {&state, [](const void* it) { return name_of(*static_cast<const ObjectState*>(it)); }};
}

observe::Thing waited_for(const States& states) {
  return {&states, [](const void* it) {
            std::size_t missing = 0;
            std::string first;
            for (const auto* state : *static_cast<const States*>(it))
              if (!state->done() && missing++ == 0) first = name_of(*state);
            return missing == 1 ? first : fmt::format("{} objects, first {}", missing, first);
          }};
}

observe::Thing who_waits(const Running& now) {
  return {&now, [](const void* it) { return name_of(*static_cast<const Running*>(it)); }};
}

void begin_yields(Running& now) { now.yields = new observe::Wait("yields", {}, who_waits(now)); }
void end_yields(Running& now) noexcept { delete std::exchange(now.yields, nullptr); }

// Every tick: since when each worker does the same.
void Core::watch_workers(base::Nanoseconds now) {
  busy_.resize(pool_.workers());
  for (unsigned i = 0; i < busy_.size(); ++i)
    if (const auto turns = pool_.turns(i); busy_[i].since == base::Nanoseconds{} || busy_[i].turns != turns)
      busy_[i] = {turns, now};
}

std::string Core::report_workers(std::vector<ObjectState*>& kept) {
  const auto looks = pool_.look(&keep_running, std::chrono::milliseconds(100));
  std::string text;
  unsigned idle = 0;
  for (unsigned i = 0; i < looks.size(); ++i) {
    if (looks[i].answered && !looks[i].kept) {
      ++idle;
      continue;
    }
    text += fmt::format("  worker {} ", i);
    if (!looks[i].answered) {
      text += "does not answer: it sleeps in the kernel, or its thread blocks signals\n";
      continue;
    }
    std::string what = "the driver";
    if (const auto* call = untagged(looks[i].kept)) {
      what = name_of_call(*call);
    } else if (looks[i].kept != &the_driver) {
      auto* record = static_cast<Record*>(looks[i].kept);
      kept.push_back(record);
      what = name_of(*record);
    }
    text += "runs " + what;
    if (holding() && i < busy_.size() && busy_[i].turns == pool_.turns(i))
      text += fmt::format(", for {:.3f} s", std::chrono::duration<double>(base::now() - busy_[i].since).count());
    text += '\n';
  }
  if (idle > 0) text += fmt::format("  {} of {} workers run nothing\n", idle, looks.size());
  return text;
}

std::string Core::report() {
  // Whoever holds the baton may be what hangs.
  const bool held = holding();
  const bool free = held || baton_.take_within(std::chrono::milliseconds(100));
  if (free) set_holding(true);
  auto text = fmt::format("ringray: rank {} waits for:\n{}", self_.value, observe::hang_report());
  std::vector<ObjectState*> kept;
  text += report_pending(kept);
  text += report_workers(kept);
  text += fmt::format("  {} queued tasks, {} fibers\n", pool_.queued_estimate(), pool_.fibers());
  // What was kept stays: who lets go of it may need the baton.
  if (!free) return text + "  the baton is held for more than 100 ms: the network is not served\n";
  text += fmt::format("  {} requests to other ranks, {} owned and {} borrowed objects, {} tasks wait for resources\n",
                      owner_.requests(), owner_.owned(), owner_.borrowed(), queue_.size());
  if (!held) {
    set_holding(false);
    after_baton(Thread::any);
  }
  for (auto* state : kept) state->release();
  return text;
}

}  // namespace ringray::runtime
