// What a rank that hangs, or ends by a signal, says of itself.

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
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

std::string of_actor(const ActorRecord* actor) {
  return actor && !actor->options().name.empty() ? " of actor '" + actor->options().name + "'" : "";
}

std::string name_of(Running::Part part, const RecordType* letter, const Record* record, const ActorRecord* actor) {
  if (part == Running::Part::on_stop) return "on_stop of " + actor->title();
  if (part == Running::Part::destructor) return "the destructor of " + actor->title();
  if (letter) return name_of_call(*letter) + of_actor(actor);
  return record ? name_of(*record) + of_actor(actor) : "the driver";
}

/// Of what runs or waits now. A coroutine lets others have the turn, and who stops an actor may be left behind.
std::size_t queued_behind(const Running& now) noexcept {
  const bool has_turn = now.actor && now.part == Running::Part::body && !(now.record && now.record->kind().coroutine);
  return has_turn ? now.actor->queued() : 0;
}

std::string queued_text(std::size_t calls) {
  const bool many = calls == ActorRecord::queued_max;
  return calls == 0
             ? ""
             : fmt::format(", {}{} call{} behind it", calls, many ? " or more" : "", calls == 1 ? " waits" : "s wait");
}

/// What a worker runs, as it was when it was asked. Record and actor are counted.
struct Seen {
  const RecordType* letter = nullptr;  // the letter itself may be gone when it is named
  Record* record = nullptr;
  ActorRecord* actor = nullptr;
  std::size_t queued = 0;
  Running::Part part = Running::Part::body;
  bool in_wait_of_driver = false;
  std::string name() const { return name_of(part, letter, record, actor); }
};

}  // namespace

/// Counted while a report is made. Who releases it may need the baton.
struct Counted {
  std::vector<ObjectState*> states;
  std::vector<ActorRecord*> actors;
  void release() {
    for (auto* state : states) state->release();
    for (auto* actor : actors) actor->release();
  }
};

namespace {

/// Asking the workers. Any thread; what was counted meanwhile is `kept` in the end.
class AskedWorkers {
 public:
  AskedWorkers(const execution::Pool& pool, Counted& kept) : lock_(one_at_a_time_, std::try_to_lock), kept_(kept) {
    if (!lock_) return;
    all_.assign(pool.workers(), {});
    used_ = 0;
  }
  ~AskedWorkers() {
    if (!lock_) return;
    for (std::size_t i = 0; i < used_; ++i) {
      if (all_[i].record) kept_.states.push_back(all_[i].record);
      if (all_[i].actor) kept_.actors.push_back(all_[i].actor);
    }
  }
  AskedWorkers(const AskedWorkers&) = delete;
  AskedWorkers& operator=(const AskedWorkers&) = delete;
  /// False: somebody else asks them.
  explicit operator bool() const noexcept { return lock_.owns_lock(); }
  /// Runs in a signal handler of the worker whose fiber's context it is.
  static void* keep_running(void* context) noexcept {
    const auto* now = static_cast<const Running*>(context);
    if (!now || (!now->is_driver() && !now->inside)) return nullptr;
    auto& seen = all_[used_.fetch_add(1)];  // each worker answers once
    seen.part = now->part;
    seen.letter = now->letter ? &now->letter->type : nullptr;
    seen.record = now->record;
    seen.actor = now->actor;
    if (seen.record) seen.record->retain();
    if (seen.actor) seen.actor->retain();
    seen.queued = queued_behind(*now);
    for (const auto* outer = now->outer; outer; outer = outer->outer) seen.in_wait_of_driver |= outer->is_driver();
    return &seen;
  }

 private:
  static inline std::mutex one_at_a_time_;
  static inline auto& all_ = *new std::vector<Seen>;  // a task may call std::exit meanwhile
  static inline std::atomic<std::size_t> used_{0};
  const std::unique_lock<std::mutex> lock_;
  Counted& kept_;
};

constexpr base::Nanoseconds patience = std::chrono::milliseconds(100);

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

std::string name_of(const Running& now) {
  return name_of(now.part, now.letter ? &now.letter->type : nullptr, now.record, now.actor);
}

std::string who_runs() {
  if (const KernelThreadName name; !name.view().empty()) return std::string(name.view());
  const auto* now = running();
  return now && (now->inside || now->is_driver()) ? name_of(*now) : "";
}

observe::Thing who_waits(const Running& now) {
  return {&now, [](const void* it) {
            // While it is listed, those around it wait for it, and an actor's call keeps the turn.
            constexpr int most = 8;
            std::string text;
            int count = 0;
            for (const auto* one = static_cast<const Running*>(it); one && count < most; one = one->outer, ++count)
              text += (text.empty() ? "" : ", in the wait of ") + name_of(*one) + queued_text(queued_behind(*one));
            return text;
          }};
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

std::string Core::report_workers(Counted& kept, execution::InSystemCall sleepers) {
  const AskedWorkers asked(pool_, kept);
  if (!asked) return "  another report is being made\n";
  const auto looks = pool_.look(&AskedWorkers::keep_running, patience, sleepers);
  std::string text;
  unsigned idle = 0;
  for (unsigned i = 0; i < looks.size(); ++i) {
    if (looks[i].answered && !looks[i].kept) {
      ++idle;
      continue;
    }
    text += fmt::format("  worker {} ", i);
    if (!looks[i].answered) {
      text += "sleeps in a system call, or blocks signals: what it runs is named when SIGTERM ends the rank\n";
      continue;
    }
    const auto& seen = *static_cast<const Seen*>(looks[i].kept);
    text += "runs " + seen.name();
    if (holding() && i < busy_.size() && busy_[i].turns == pool_.turns(i))
      text += fmt::format(", for {:.3f} s", std::chrono::duration<double>(base::now() - busy_[i].since).count());
    text += (seen.in_wait_of_driver ? ", in the wait of the driver" : "") + queued_text(seen.queued) + '\n';
  }
  if (idle > 0) text += fmt::format("  {} of {} workers run nothing\n", idle, looks.size());
  return text;
}

std::vector<std::string> Core::names_of_running() {
  std::vector<std::string> names;
  observe::for_each_waiting_task([&](const void* task) {
    const auto& now = *static_cast<const Running*>(task);
    if (!now.is_driver()) names.push_back(name_of(now));
  });
  Counted kept;
  if (const AskedWorkers asked(pool_, kept); asked)
    for (const auto& look : pool_.look(&AskedWorkers::keep_running, patience, execution::InSystemCall::woken))
      if (const auto* seen = static_cast<const Seen*>(look.kept); seen && (seen->record || seen->letter))
        names.push_back(seen->name());
  kept.release();
  constexpr std::size_t most = 5;
  if (names.size() > most) {
    const auto more = names.size() - most;
    names.resize(most);
    names.push_back(fmt::format("{} more", more));
  }
  return names;
}

std::string Core::report(execution::InSystemCall sleepers) {
  // Whoever holds the baton may be what hangs.
  const bool held = holding();
  const bool free = held || baton_.take_within(std::chrono::milliseconds(100));
  if (free) set_holding(true);
  const auto waits = observe::hang_report();
  auto text = fmt::format("ringray: rank {}{}{}", self_.value,
                          waits.empty() ? " has no task that waits\n" : " waits for:\n", waits);
  Counted kept;
  text += report_pending(kept.states);
  text += report_workers(kept, sleepers);
  text += kernels_.report(base::now());
  text += fmt::format("  {} queued tasks, {} fibers\n", pool_.queued_estimate(), pool_.fibers());
  // What was kept stays: who lets go of it may need the baton.
  if (!free) return text + "  the baton is held for more than 100 ms: the network is not served\n";
  text += fmt::format("  {} requests to other ranks, {} owned and {} borrowed objects, {} tasks wait for resources\n",
                      owner_.requests(), owner_.owned(), owner_.borrowed(), queue_.size());
  if (!held) {
    set_holding(false);
    after_baton(Thread::any);
  }
  kept.release();
  return text;
}

}  // namespace ringray::runtime
