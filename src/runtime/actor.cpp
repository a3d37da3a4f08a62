#include "ringray/runtime/actor.hpp"

#include <algorithm>

#include "ringray/base/check.hpp"
#include "ringray/execution/pool.hpp"
#include "ringray/runtime/core.hpp"

namespace ringray::runtime {
namespace {

constexpr unsigned calls_per_turn = 256;  // then other work of the worker gets a chance
constexpr std::uint32_t actor_caller_bit = 1u << 31;

std::uint64_t caller_key(const Record& call) {
  const auto* origin = call.more ? call.more->origin.get() : nullptr;
  return std::uint64_t{origin ? origin->caller.value : ~0u} << 32 | call.caller;
}

std::uint32_t next_caller() {
  static std::atomic<std::uint32_t> count{0};
  return actor_caller_bit | count.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

/// Calls of one concurrency group.
struct ActorRecord::Lane {
  std::string name;
  std::uint32_t limit = 1, running = 0;
  std::deque<Record*> waiting;
};

ActorRecord::ActorRecord(const ActorType& type, ActorOptions options, Record* constructor)
    : Runnable{&execute_turn},
      caller(next_caller()),
      type_(type),
      options_(std::move(options)),
      constructor_(constructor) {
  constructor_->target = this;
  if (options_.max_concurrency <= 1 && options_.concurrency_groups.empty()) return;
  lanes_.push_back({"", std::max(1u, options_.max_concurrency), 0, {}});
  for (const auto& group : options_.concurrency_groups)
    lanes_.push_back({group.name, std::max(1u, group.max_concurrency), 0, {}});
}

ActorRecord::~ActorRecord() {
  if (instance_) type_.destroy(instance_);
  constructor_->release();
}

std::optional<std::uint32_t> ActorRecord::lane(const std::string& group) const {
  if (group.empty()) return 0;
  for (std::uint32_t i = 1; i < lanes_.size(); ++i)
    if (lanes_[i].name == group) return i;
  return std::nullopt;
}

std::string ActorRecord::cause() {
  const std::lock_guard lock(mutex_);
  return cause_;
}

// --- order per caller

void ActorRecord::submit(Record& call) {
  call.deliver = &deliver_call;
  const bool ready = attach_arguments(call);
  if (ready && gated_.load(std::memory_order_acquire) == 0) return post(call);
  std::unique_lock lock(mutex_);
  const auto key = caller_key(call);
  auto& gate = gates_[key];
  // The last argument may have come since: whoever finds missing == 0 under the lock opens the gate.
  if (gate.empty() && call.missing.load(std::memory_order_acquire) == 0) {
    gates_.erase(key);
    lock.unlock();
    return post(call);
  }
  gate.push_back(&call);
  gated_.fetch_add(1, std::memory_order_release);
}

void ActorRecord::arguments_here(Record& call) {
  const std::lock_guard lock(mutex_);
  const auto gate = gates_.find(caller_key(call));
  if (gate == gates_.end()) return;  // submit() has not put it there yet, and will see that nothing is missing
  auto& waiting = gate->second;
  while (!waiting.empty() && waiting.front()->missing.load(std::memory_order_acquire) == 0) {
    auto* next = waiting.front();
    waiting.pop_front();
    gated_.fetch_sub(1, std::memory_order_release);
    post(*next);  // under the lock, so that a later call cannot pass
  }
  if (waiting.empty()) gates_.erase(gate);
}

// --- the turn

void ActorRecord::post(Mail& mail) {
  mail.next = inbox_.load(std::memory_order_relaxed);
  while (!inbox_.compare_exchange_weak(mail.next, &mail, std::memory_order_seq_cst, std::memory_order_relaxed)) {
  }
  if (turn_.load(std::memory_order_seq_cst) == Turn::idle && take_turn(Turn::idle)) {
    turn_.store(Turn::scheduled, std::memory_order_release);
    schedule();
  }
}

// Whoever moves the turn away from idle owes it a run. An entry in a worker's queue may be stale (a waiter took the
// turn first): it then finds nothing to take and only lets its count go.
void ActorRecord::schedule() {
  retain();
  pool().schedule(static_cast<Runnable&>(*this));
}

bool ActorRecord::take_turn(Turn from) noexcept {
  return turn_.compare_exchange_strong(from, Turn::running, std::memory_order_seq_cst);
}

void ActorRecord::execute_turn(Runnable& runnable) {
  auto& self = static_cast<ActorRecord&>(runnable);
  if (self.take_turn(Turn::scheduled)) self.drain(nullptr);
  self.release();
}

bool ActorRecord::help(execution::Work& until) {
  if (!take_turn(Turn::scheduled)) return false;  // idle: nothing to do
  retain();
  drain(&until);
  release();
  return true;
}

Mail* ActorRecord::pop() {
  if (!batch_) {
    auto* newest = inbox_.exchange(nullptr, std::memory_order_seq_cst);
    while (newest) {
      auto* next = newest->next;
      newest->next = batch_;
      batch_ = newest;
      newest = next;
    }
  }
  auto* mail = batch_;
  if (mail) batch_ = mail->next;
  return mail;
}

void ActorRecord::drain(execution::Work* until) {
  for (unsigned calls = 0;; ++calls) {
    auto* mail = calls < calls_per_turn || until ? pop() : nullptr;
    if (mail) {
      mail->deliver(*mail, *this);
      if (!until || !until->done()) continue;
    }
    if (batch_) {
      turn_.store(Turn::scheduled, std::memory_order_seq_cst);
      return schedule();
    }
    turn_.store(Turn::idle, std::memory_order_seq_cst);
    if (!inbox_.load(std::memory_order_seq_cst) || !take_turn(Turn::idle)) return;
    if ((until && until->done()) || calls >= calls_per_turn) {
      turn_.store(Turn::scheduled, std::memory_order_seq_cst);
      return schedule();
    }
  }
}

// --- life

void ActorRecord::open() {
  turn_.store(Turn::running, std::memory_order_seq_cst);
  struct Construct final : Mail {};
  auto* mail = new Construct;
  mail->deliver = [](Mail& m, ActorRecord& actor) {
    delete static_cast<Construct*>(&m);
    actor.construct();
  };
  // Before everything that was posted so far.
  mail->next = batch_;
  batch_ = mail;
  turn_.store(Turn::scheduled, std::memory_order_seq_cst);
  schedule();
}

void ActorRecord::construct() {
  auto& record = *constructor_;
  Running now{&record, this, record.serial, caller};
  const ScopedRunning scope(now);
  try {
    record.kind().invoke(record, nullptr);
  } catch (...) {
    fail_with_current_exception(record);
  }
  if (record.failed()) {
    const auto text = std::string("its constructor failed: ") + describe_error(record);
    if (!record.done()) finish(record);
    return perish(text);
  }
  if (!record.done()) finish(record);
}

void ActorRecord::deliver_call(Mail& mail, ActorRecord& actor) {
  auto& call = static_cast<Record&>(mail);
  if (!call.claim()) return call.release();  // cancelled
  if (actor.dead()) return actor.fail(call);
  if (actor.lanes_.empty()) {
    actor.invoke(call);
    if (actor.exit_requested_) actor.perish("it left by exit_actor");
  } else {
    actor.run_in_lane(call);
  }
}

void ActorRecord::invoke(Record& call) {
  Running now{&call, this, call.serial, caller};
  {
    const ScopedRunning scope(now);
    run_body(call, instance_);
  }
  if (call.kind().coroutine && !now.ended) return;  // goes on later; coroutine_finished() lets its count go
  call.release();
}

void ActorRecord::run_in_lane(Record& call) {
  struct LaneRun final : execution::Runnable {
    Record* call;
    ActorRecord* actor;
    std::uint32_t lane;
  };
  const auto index = call.more ? call.more->lane : 0;
  {
    const std::lock_guard lock(mutex_);
    auto& lane = lanes_[index];
    if (lane.running == lane.limit) return lane.waiting.push_back(&call);
    ++lane.running;
  }
  auto* run = new LaneRun;
  run->execute = [](execution::Runnable& runnable) {
    auto& self = static_cast<LaneRun&>(runnable);
    auto* actor = self.actor;
    const auto lane_index = self.lane;
    auto* next = self.call;
    delete &self;
    while (next) {
      if (actor->dead())
        actor->fail(*next);
      else
        actor->invoke(*next);
      const std::lock_guard lock(actor->mutex_);
      auto& lane = actor->lanes_[lane_index];
      next = nullptr;
      if (lane.waiting.empty()) {
        --lane.running;
      } else {
        next = lane.waiting.front();
        lane.waiting.pop_front();
      }
    }
    if (actor->exit_requested_) actor->end(Ending::now, "it left by exit_actor");
    actor->release();
  };
  run->call = &call;
  run->actor = this;
  run->lane = index;
  retain();
  pool().schedule(*run);
}

void ActorRecord::post_resume(std::coroutine_handle<> handle, Record& record) {
  struct Resume final : Mail {
    std::coroutine_handle<> handle;
    Record* record;
  };
  auto* mail = new Resume;
  mail->handle = handle;
  mail->record = &record;
  mail->deliver = [](Mail& m, ActorRecord& actor) {
    auto& self = static_cast<Resume&>(m);
    const auto handle = self.handle;
    Running now{self.record, &actor, self.record->serial, actor.caller};
    delete &self;
    const ScopedRunning scope(now);
    handle.resume();
  };
  post(*mail);
}

void ActorRecord::fail(Record& call) {
  call.set_error(Errc::actor_died,
                 {.text = "the actor is dead: " + cause(), .task = call.name(), .rank = here_rank().value});
  call.kind().clear(call);
  finish(call);
  call.release();
}

void ActorRecord::end(Ending ending, std::string cause) {
  struct End final : Mail {
    Ending ending;
    std::string cause;
  };
  if (ending == Ending::now) {
    {
      const std::lock_guard lock(mutex_);
      if (cause_.empty()) cause_ = cause;
    }
    dead_.store(true, std::memory_order_release);  // calls that are queued already fail too
  }
  auto* mail = new End;
  mail->ending = ending;
  mail->cause = std::move(cause);
  mail->deliver = [](Mail& m, ActorRecord& actor) {
    auto& self = static_cast<End&>(m);
    const auto how = self.ending;
    const auto why = std::move(self.cause);
    delete &self;
    const auto allowed = actor.options_.max_restarts;
    if (how == Ending::restart && !actor.dead() && (allowed < 0 || actor.restarts() < allowed)) {
      actor.restarts_.fetch_add(1, std::memory_order_relaxed);
      if (actor.instance_) actor.type_.destroy(std::exchange(actor.instance_, nullptr));
      return actor.construct();
    }
    if (how == Ending::after_queued && !actor.dead() && actor.instance_ && actor.type_.on_stop) {
      try {
        actor.type_.on_stop(actor.instance_);
      } catch (...) {
        log_swallowed("on_stop of an actor");
      }
    }
    actor.perish(why);
  };
  retain();
  post(*mail);
  if (turn_.load(std::memory_order_seq_cst) == Turn::closed) {  // never got its resources: it ends all the same
    auto closed = Turn::closed;
    if (turn_.compare_exchange_strong(closed, Turn::running)) drain(nullptr);
  }
  release();
}

// (turn) The instance goes, every call that waits fails, the name becomes free.
void ActorRecord::perish(std::string cause) {
  {
    const std::lock_guard lock(mutex_);
    if (cause_.empty()) cause_ = std::move(cause);
  }
  dead_.store(true, std::memory_order_release);
  if (!constructor_->done()) {
    constructor_->set_error(Errc::actor_died, {.text = "the actor is dead: " + cause_, .task = constructor_->name()});
    finish(*constructor_);
  }
  std::vector<Record*> waiting;
  bool running = false;
  {
    const std::lock_guard lock(mutex_);
    for (auto& lane : lanes_) {
      running |= lane.running > 0;
      waiting.insert(waiting.end(), lane.waiting.begin(), lane.waiting.end());
      lane.waiting.clear();
    }
  }
  for (auto* call : waiting) fail(*call);
  if (instance_ && !running) type_.destroy(std::exchange(instance_, nullptr));
  if (!std::exchange(perished_, true)) actor_died(*this);
}

}  // namespace ringray::runtime
