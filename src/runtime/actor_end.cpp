// How actors end and come back. And which of this rank live.

#include <algorithm>
#include <unordered_set>

#include "ringray/base/log.hpp"
#include "ringray/base/metrics.hpp"
#include "ringray/runtime/actor.hpp"
#include "ringray/runtime/core.hpp"

namespace ringray::runtime {
namespace {

/// Any thread.
struct LiveActors {
  std::mutex mutex;
  std::unordered_set<ActorRecord*> users, services;
  std::unordered_set<ActorRecord*>& like(const ActorType& type) { return type.service ? services : users; }
};
LiveActors& live() {
  static LiveActors actors;
  return actors;
}

std::vector<ActorRecord*> retained(const std::unordered_set<ActorRecord*>& actors) {
  const std::lock_guard lock(live().mutex);
  for (auto* actor : actors) actor->retain();
  return {actors.begin(), actors.end()};
}

}  // namespace

std::vector<ActorRecord*> live_actors() { return retained(live().users); }
std::vector<ActorRecord*> live_services() { return retained(live().services); }

bool any_live_actors() {
  const std::lock_guard lock(live().mutex);
  return !live().users.empty();
}

void ActorRecord::began() {
  if (!type_.service) base::count(Metric::actors_alive);
  const std::lock_guard lock(live().mutex);
  live().like(type_).insert(this);
}

std::vector<Record*> ActorRecord::take_waiting() {
  std::vector<Record*> waiting;
  const std::lock_guard lock(mutex_);
  for (auto& lane : lanes_) {
    waiting.insert(waiting.end(), lane.waiting.begin(), lane.waiting.end());
    lane.waiting.clear();
  }
  return waiting;
}

bool ActorRecord::busy_outside_turn() const {
  return gated_.load(std::memory_order_acquire) > 0 || open_frames_.load(std::memory_order_acquire) > 0 ||
         std::any_of(lanes_.begin(), lanes_.end(), [](const Lane& lane) { return lane.running > 0; });
}

ErrorDetail ActorRecord::detail_for(const Record& call, Errc code) {
  return {.text = code == Errc::actor_unavailable ? "the actor was killed and restarts; call it again"
                                                  : "the actor is dead: " + cause(),
          .task = call.name(),
          .rank = here_rank().value};
}

void ActorRecord::fail(Record& call, Errc code) {
  begins(call.published());
  fail_record(call, code, detail_for(call, code));
  call.kind().clear(call);
  finish(call);
  call.release();
}

struct ActorRecord::End final : Mail {
  Ending ending;
  std::string cause;
  std::uint64_t opened;  // calls from gates that are before it in the inbox
};

void ActorRecord::end(Ending ending, std::string cause) {
  if (ending == Ending::restart) {
    // Its first instance is still to come, and will be a fresh one.
    if (options_.max_restarts != 0 && turn_.load(std::memory_order_acquire) == Turn::closed) return;
    const auto asked = restarts_asked_.fetch_add(1, std::memory_order_acq_rel) + 1;
    if (options_.max_restarts >= 0 && restarts() + asked > options_.max_restarts) {
      restarts_asked_.fetch_sub(1, std::memory_order_acq_rel);
      ending = Ending::now;
      if (options_.max_restarts > 0) cause += ", and has been restarted as often as its max_restarts allows";
    }
  }
  if (ending == Ending::now || ending == Ending::left) {
    {
      const std::lock_guard lock(mutex_);
      if (cause_.empty()) cause_ = cause;
    }
    dead_.store(true, std::memory_order_release);  // calls that are queued already fail too
  }
  auto* mail = new End;
  mail->ending = ending;
  mail->cause = std::move(cause);
  {
    const std::lock_guard lock(mutex_);
    mail->opened = opened_;
  }
  mail->deliver = [](Mail& m, ActorRecord& actor) {
    const std::unique_ptr<End> self(static_cast<End*>(&m));
    actor.deliver_end(*self);
  };
  retain();
  post(*mail);
  auto closed = Turn::closed;  // never got its resources: it ends all the same
  if (turn_.load(std::memory_order_seq_cst) == closed &&
      turn_.compare_exchange_strong(closed, Turn::scheduled, std::memory_order_seq_cst))
    schedule();
  release();
}

void ActorRecord::deliver_end(End& mail) {
  const auto ending = mail.ending;
  auto& cause = mail.cause;
  if (ending == Ending::restart) {
    restarts_.fetch_add(1, std::memory_order_acq_rel);
    restarts_asked_.fetch_sub(1, std::memory_order_acq_rel);
    if (!dead()) restart();
    return;
  }
  if (perished_) return;
  if (ending == Ending::now) return perish(std::move(cause));
  if (ending == Ending::after_queued && dead()) return;  // it is being killed
  {
    std::unique_lock lock(mutex_);
    const bool leaves = ending == Ending::left;
    const bool busy = leaves ? std::any_of(lanes_.begin(), lanes_.end(), [](const Lane& l) { return l.running > 0; })
                             : busy_outside_turn();
    if (busy) {
      if (!leaves) deferred_ = std::move(cause);
      return;  // the last call to end asks again
    }
    if (!leaves && opened_ != mail.opened) {  // accepted calls came behind it
      lock.unlock();
      return end(ending, std::move(cause));
    }
  }
  stop_gracefully();
  perish(std::move(cause));
}

void ActorRecord::end_if_deferred() {
  std::unique_lock lock(mutex_);
  if (!deferred_ || busy_outside_turn()) return;
  auto cause = std::move(*deferred_);
  deferred_.reset();
  lock.unlock();
  end(Ending::after_queued, std::move(cause));
}

// (turn) What runs goes on with the old instance, which goes with the last of its calls.
void ActorRecord::restart() {
  abandon_frames(Errc::actor_unavailable);
  auto again = take_waiting();
  std::erase_if(again, [this](Record* call) {
    if (runs_again(*call)) return false;
    fail(*call, Errc::actor_unavailable);
    return true;
  });
  set_instance(nullptr);
  construct();
  for (auto* call : again) dead() ? fail(*call) : run_in_lane(*call);
  for (auto* call : std::exchange(for_next_, {})) deliver_call(*call, *this);
}

// (turn) The user's hook runs on a fiber of its own, so that one that hangs can be left behind.
void ActorRecord::stop_gracefully() {
  auto stopped = instance();
  if (!stopped || !type_.on_stop) return;
  auto* event = new_event();
  event->retain();
  retain();
  spawn_fiber([this, event, stopped = std::move(stopped)]() mutable {
    Running now{constructor_, this, constructor_->serial, caller};
    now.part = Running::Part::on_stop;
    const ScopedRunning scope(now);
    try {
      const InUsersCode inside(now);
      type_.on_stop(stopped.get());
    } catch (...) {
      log_swallowed("on_stop of " + title());
    }
    stopped.reset();
    event->complete();
    event->release();
    release();
  });
  const auto limit = core().config().stop_timeout_ms;
  if (!event->wait_until(base::now() + limit))
    log::error("on_stop of {} did not end within {} ms (--ringray.stop_timeout_ms); the actor ends without it", title(),
               limit.count());
  event->release();
}

// (turn) The instance goes, every call that waits fails, the name becomes free.
void ActorRecord::perish(std::string cause) {
  if (std::exchange(perished_, true)) return;
  std::vector<Record*> gated;
  {
    const std::lock_guard lock(mutex_);
    if (cause_.empty()) cause_ = std::move(cause);
    for (auto& [key, gate] : gates_) gated.insert(gated.end(), gate.begin(), gate.end());
  }
  dead_.store(true, std::memory_order_release);
  if (!constructor_->done()) {
    constructor_->set_error(Errc::actor_died, detail_for(*constructor_, Errc::actor_died));
    finish(*constructor_);
  }
  abandon_frames(Errc::actor_died);
  for (auto* call : take_waiting()) fail(*call);
  for (auto* call : std::exchange(for_next_, {})) call->claim() ? fail(*call) : let_go(*call);
  // They fail now and are let go when their arguments arrive, which point at them.
  for (auto* call : gated) {
    if (!call->claim()) continue;
    fail_record(*call, Errc::actor_died, detail_for(*call, Errc::actor_died));
    finish(*call);
  }
  set_instance(nullptr);
  if (!type_.service) base::uncount(Metric::actors_alive);
  {
    const std::lock_guard lock(live().mutex);
    live().like(type_).erase(this);
  }
  actor_died(*this);
}

}  // namespace ringray::runtime
