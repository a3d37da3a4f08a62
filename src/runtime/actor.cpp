#include "ringray/runtime/actor.hpp"

#include <algorithm>

#include "ringray/base/check.hpp"
#include "ringray/base/log.hpp"
#include "ringray/base/metrics.hpp"
#include "ringray/execution/pool.hpp"
#include "ringray/runtime/core.hpp"
#include "ringray/runtime/unheard.hpp"

namespace ringray::runtime {
namespace {

constexpr unsigned calls_per_turn = 256;  // then other work of the worker gets a chance
constexpr std::uint32_t actor_caller_bit = 1u << 31;

std::uint64_t caller_key(const Record& call) {
  return std::uint64_t{call.origin ? call.origin->caller.value : ~0u} << 32 | call.caller;
}

std::uint32_t next_caller() {
  static std::atomic<std::uint32_t> count{0};
  return actor_caller_bit | count.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

ActorRecord::ActorRecord(const ActorType& type, ActorOptions options, Record* constructor)
    : Runnable{&execute_turn},
      caller(next_caller()),
      type_(type),
      options_(std::move(options)),
      constructor_(constructor) {
  constructor_->target = this;
  began();
  if (options_.max_concurrency <= 1 && options_.concurrency_groups.empty()) return;
  lanes_.push_back({"", std::max(1u, options_.max_concurrency), 0, {}});
  for (const auto& group : options_.concurrency_groups)
    lanes_.push_back({group.name, std::max(1u, group.max_concurrency), 0, {}});
}

ActorRecord::~ActorRecord() { constructor_->release(); }

void ActorRecord::set_instance(void* instance) noexcept {
  auto fresh = instance ? std::shared_ptr<void>(instance, type_.destroy) : nullptr;
  {
    const std::lock_guard lock(mutex_);
    instance_.swap(fresh);
  }
  if (!fresh) return;
  Running now{constructor_, this, constructor_->serial, caller};
  now.part = Running::Part::destructor;
  const ScopedRunning scope(now);
  const InUsersCode inside(now);
  fresh.reset();
}

std::size_t ActorRecord::queued() const noexcept {
  if (!lanes_.empty()) return 0;
  std::size_t count = 0;
  for (const auto* first : {batch_, inbox_.load(std::memory_order_acquire)})
    for (; first && count < queued_max; first = first->next) ++count;
  return count;
}

std::shared_ptr<void> ActorRecord::instance() {
  const std::lock_guard lock(mutex_);
  return instance_;
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

std::string title_of(const ActorType& type, const ActorOptions& options) {
  return "actor " + type.name() + (options.name.empty() ? "" : " '" + options.name + "'");
}
std::string ActorRecord::title() const { return title_of(type_, options_); }

// --- order per caller

void ActorRecord::submit(Record& call) {
  call.deliver = &deliver_call;
  if (dead()) return post(call);
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
  retain();
}

void ActorRecord::arguments_here(Record& call) {
  std::unique_lock lock(mutex_);
  if (passed_over_.erase(&call) > 0) {
    lock.unlock();
    call.release();
    return release();
  }
  const auto gate = gates_.find(caller_key(call));
  if (gate == gates_.end()) return;  // submit() has not put it there yet, and will see that nothing is missing
  const auto opened = open_gate(gate);
  lock.unlock();
  if (opened > 0) end_if_deferred();
  for (auto i = opened; i > 0; --i) release();
}

// A cancelled call does not hold back those behind it. What it waits for still points at it.
void ActorRecord::pass_over(Record& call) {
  std::unique_lock lock(mutex_);
  const auto gate = gates_.find(caller_key(call));
  if (gate == gates_.end()) return;
  const auto at = std::find(gate->second.begin(), gate->second.end(), &call);
  if (at == gate->second.end() || call.missing.load(std::memory_order_acquire) == 0) return;
  gate->second.erase(at);
  passed_over_.insert(&call);
  gated_.fetch_sub(1, std::memory_order_release);
  const auto opened = open_gate(gate);
  lock.unlock();
  end_if_deferred();
  for (auto i = opened; i > 0; --i) release();
}

std::uint32_t ActorRecord::open_gate(Gates::iterator gate) {
  std::uint32_t opened = 0;
  auto& waiting = gate->second;
  while (!waiting.empty() && waiting.front()->missing.load(std::memory_order_acquire) == 0) {
    auto* next = waiting.front();
    waiting.pop_front();
    ++opened;
    post(*next);  // under the lock, so that a later call cannot pass
  }
  if (waiting.empty()) gates_.erase(gate);
  gated_.fetch_sub(opened, std::memory_order_release);
  opened_ += opened;
  return opened;
}

bool ActorRecord::admit(Quality quality) {
  const auto most = options_.max_pending_calls;
  if (quality != Quality::at_most_once || most == 0) return true;
  if (admitted_.fetch_add(1, std::memory_order_relaxed) < most) return true;
  admitted_.fetch_sub(1, std::memory_order_relaxed);
  repeated().warn("a published value was dropped by " + title(),
                  "it has " + std::to_string(most) + " of them waiting already (its max_pending_calls)");
  return false;
}

void ActorRecord::begins(const std::optional<Quality>& published) noexcept {
  if (published == Quality::at_most_once && options_.max_pending_calls != 0)
    admitted_.fetch_sub(1, std::memory_order_relaxed);
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
  drain(&until);
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
  auto closed = Turn::closed;
  if (!turn_.compare_exchange_strong(closed, Turn::running, std::memory_order_seq_cst)) return;  // it ended already
  struct Construct final : Mail {};
  auto* mail = new Construct;
  mail->deliver = [](Mail& m, ActorRecord& actor) {
    delete static_cast<Construct*>(&m);
    if (!actor.perished_) actor.construct();
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
  bool threw = false;
  {
    const ScopedRunning scope(now);
    try {
      const InUsersCode inside(now);
      record.kind().invoke(record, nullptr);
    } catch (...) {
      threw = true;
      // A failed restart is nobody's result: its record is complete, and others may be reading it.
      if (record.done())
        log_swallowed("the constructor of " + title() + ", which was restarted,");
      else
        fail_with_current_exception(record);
    }
  }
  const auto text = !threw          ? std::string()
                    : record.done() ? "its constructor failed when it was restarted"
                                    : std::string("its constructor failed: ") + describe_error(record);
  if (!record.done()) finish(record);
  if (threw) perish(text);
}

void ActorRecord::deliver_call(Mail& mail, ActorRecord& actor) {
  auto& call = static_cast<Record&>(mail);
  if (actor.restarts_asked_.load(std::memory_order_acquire) > 0 && !actor.dead()) {
    if (actor.runs_again(call)) return actor.for_next_.push_back(&call);
    if (!call.claim()) return let_go(call);
    return actor.fail(call, Errc::actor_unavailable);
  }
  if (!call.claim()) return let_go(call);  // cancelled, or failed while it waited for arguments
  if (actor.dead()) return actor.fail(call);
  if (call.kind().coroutine) {
    actor.begin_coroutine(call);
    actor.exit_if_requested();
  } else if (actor.lanes_.empty()) {
    actor.invoke(call, actor.instance_.get());
    actor.exit_if_requested();
  } else {
    actor.run_in_lane(call);
  }
}

// Somebody else ends the call, at any time. Who waits for it finds no actor to help any more: that may end first.
void ActorRecord::let_go(Record& call) {
  call.unless_done([&] { call.target = nullptr; });
  call.release();
}

ActorRecord* retained_target(Record& call) {
  ActorRecord* actor = nullptr;
  call.unless_done([&] {  // afterwards the actor may end
    actor = call.target;
    if (actor) actor->retain();
  });
  return actor;
}

void ActorRecord::invoke(Record& call, void* instance) {
  begins(call.published());
  Running now{&call, this, call.serial, caller};
  {
    const ScopedRunning scope(now);
    run_body(now, instance);
  }
  call.release();
}

void ActorRecord::exit_if_requested() {
  if (!exit_requested_.load(std::memory_order_relaxed) || perished_) return;
  if (!lanes_.empty()) return end(Ending::left, "it left by exit_actor");
  stop_gracefully();
  perish("it left by exit_actor");
}

// --- coroutines

void ActorRecord::begin_coroutine(Record& call) {
  call.retain();
  if (!frames_) frames_ = std::make_unique<Frames>();
  frames_->emplace(&call, Frame{instance_});
  open_frames_.store(frames_->size(), std::memory_order_release);
  invoke(call, instance_.get());
  if (call.done()) end_coroutine(call);
}

void ActorRecord::end_coroutine(Record& call) {
  frames_->erase(&call);
  open_frames_.store(frames_->size(), std::memory_order_release);
  call.release();
  end_if_deferred();
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
    const std::unique_ptr<Resume> self(static_cast<Resume*>(&m));
    actor.resume(self->handle, *self->record);
  };
  post(*mail);
}

void ActorRecord::resume(std::coroutine_handle<> handle, Record& call) {
  const auto frame = frames_->find(&call);
  RINGRAY_ASSERT(frame != frames_->end(), "a coroutine goes on that never began");
  if (frame->second.abandoned) {
    handle.destroy();
    call.kind().clear(call);
    call.release();  // what the coroutine's end would have released
    return end_coroutine(call);
  }
  Running now{&call, this, call.serial, caller};
  {
    const ScopedRunning scope(now);
    const InUsersCode inside(now);
    handle.resume();
  }
  if (call.done()) end_coroutine(call);
  exit_if_requested();
}

// The calls fail now; their frames stay until what they wait for is there.
void ActorRecord::abandon_frames(Errc code) {
  if (!frames_) return;
  for (auto& [call, frame] : *frames_) {
    if (std::exchange(frame.abandoned, true) || call->done()) continue;
    call->set_error(code, detail_for(*call, code));
    count_end(*call);
    finish(*call);
  }
}

// --- lanes

struct ActorRecord::LaneRun final : execution::Runnable {
  Record* call;
  ActorRecord* actor;
  std::uint32_t lane;
};

void ActorRecord::run_in_lane(Record& call) {
  const auto index = call.more ? call.more->lane : 0;
  {
    const std::lock_guard lock(mutex_);
    auto& lane = lanes_[index];
    if (lane.running == lane.limit) return lane.waiting.push_back(&call);
    ++lane.running;
  }
  auto* run = new LaneRun;
  run->execute = [](execution::Runnable& runnable) {
    const std::unique_ptr<LaneRun> self(static_cast<LaneRun*>(&runnable));
    self->actor->run_lane(self->call, self->lane);
    self->actor->release();
  };
  run->call = &call;
  run->actor = this;
  run->lane = index;
  retain();
  pool().schedule(*run);
}

// The next instance is being made, in the turn; its calls come when the turn is free.
void ActorRecord::post_again(Record& call) {
  call.deliver = [](Mail& mail, ActorRecord& actor) {
    auto& again = static_cast<Record&>(mail);
    actor.dead() ? actor.fail(again) : actor.run_in_lane(again);
  };
  post(call);
}

void ActorRecord::run_lane(Record* call, std::uint32_t index) {
  while (call) {
    const auto object = instance();
    const bool lost = dead();
    if (!lost && object)
      invoke(*call, object.get());
    else if (!lost && runs_again(*call))
      post_again(*call);  // before the lane is free: an end that waits for that comes behind it
    else
      fail(*call, lost ? Errc::actor_died : Errc::actor_unavailable);
    const std::lock_guard lock(mutex_);
    auto& lane = lanes_[index];
    call = nullptr;
    if (lane.waiting.empty() || exit_requested_.load(std::memory_order_relaxed)) {
      --lane.running;
    } else {
      call = lane.waiting.front();
      lane.waiting.pop_front();
    }
  }
  if (exit_requested_.load(std::memory_order_relaxed)) end(Ending::left, "it left by exit_actor");
  end_if_deferred();
}

}  // namespace ringray::runtime
