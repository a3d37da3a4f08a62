// Who has the baton: taking it, giving it back, polling and sending with it.

#include "ringray/runtime/baton.hpp"

#include <algorithm>

#include "ringray/base/metrics.hpp"
#include "ringray/base/thread_local.hpp"
#include "ringray/execution/fiber.hpp"
#include "ringray/execution/stack.hpp"
#include "ringray/runtime/bound_record.hpp"
#include "ringray/runtime/core.hpp"
#include "ringray/store/disk_waits.hpp"

namespace ringray::runtime {
namespace {

RINGRAY_NEAR_THREAD constinit thread_local const Core* holder = nullptr;  // no fiber suspends while it holds the baton

void set_holder(const Core* core) noexcept {
  holder = core;
  store::may_wait_for_disk = core == nullptr;
}
constexpr std::size_t stack_to_receive = 64 * 1024;  // of a task that sends: the network, decoding, a line of log

}  // namespace

BatonGuard::BatonGuard(Core& core) noexcept : core_(core), outer_(holder != &core) {
  if (outer_) {
    core_.baton_.take();
    set_holder(&core_);
  }
  ++core_.depth_;
}

BatonGuard::~BatonGuard() {
  --core_.depth_;
  if (!outer_) return;
  set_holder(nullptr);
  core_.after_baton(Core::Thread::any);
}

bool Core::holding() const noexcept { return holder == this; }
void Core::set_holding(bool yes) noexcept { set_holder(yes ? this : nullptr); }

namespace {

bool is_harmless(const ObjectState& state) {
  if (const auto* type = state.value_type(); type && !type->harmless) return false;
  if (&state.type() == &event_type<ActorState>()) return false;  // its constructor's arguments may go with it
  if (state.type().run != &run_task && state.type().help != &help_call) return true;
  const auto& record = static_cast<const Record&>(state);
  return record.kind().harmless && (!record.more || record.more->more_results.empty());
}

}  // namespace

// Gives the baton back, then runs users' code that was put off: destructors of what lost its last reference, serialize
// functions, stop callbacks. A thread is free for that when no task is suspended below: the attendant, and the helper
// while all workers compute. Others may be in the middle of a user's function that holds the user's own locks, or of a
// poll, where nothing may wait.
void Core::after_baton(Thread thread) {
  if (graves_.empty() && afterwards_.empty()) return baton_.give();
  std::vector<Grave> graves;
  std::vector<std::function<void()>> afterwards;
  bool call = false;
  if (thread == Thread::free) {
    graves.swap(graves_);
    afterwards.swap(afterwards_);
  } else {
    const auto first =
        std::partition(graves_.begin(), graves_.end(), [](const auto& g) { return !is_harmless(*g.state); });
    graves.assign(first, graves_.end());
    graves_.erase(first, graves_.end());
    if (!graves_.empty() || !afterwards_.empty()) {
      waits_for_poll_.store(true, std::memory_order_relaxed);
      call = !std::exchange(attendant_.called, true);
    }
  }
  baton_.give();
  if (call) pool_.schedule(attendant_);
  for (const auto& grave : graves) bury(*grave.state, grave.remove);
  for (const auto& f : afterwards) f();
}

void Core::attend() {
  baton_.take();
  attendant_.called = false;
  after_baton(Thread::free);
}

bool Core::poll() {
  if (!baton_.try_take()) return false;
  set_holder(this);
  ++depth_;
  if (waits_for_poll_.load(std::memory_order_relaxed)) waits_for_poll_.store(false, std::memory_order_relaxed);
  if (transport_->pending()) flush();
  const bool any = progress();
  if (any) {
    if (transport_->pending()) flush();
  } else if (size() > 1 && config_.steal && !leaving_) {
    const auto queued = pool_.queued_estimate();
    if (queued > 0) {
      if (stealing_.wanted()) stealing_.surplus();
    } else if (execution::Pool::current()) {
      stealing_.hungry();
    }
  }
  --depth_;
  set_holder(nullptr);
  after_baton(execution::Pool::current() ? Thread::any : Thread::free);
  return any;
}

bool Core::arm() {
  if (!baton_.try_take()) return false;
  set_holder(this);
  if (transport_->pending()) transport_->flush();
  const bool armed = transport_->arm();
  set_holder(nullptr);
  after_baton(Thread::any);
  return armed;
}

void Core::flush() {
  flushed_cycles_ = base::cycles();
  gap_cycles_ = std::min(gap_max_cycles_, std::exchange(unflushed_, 0) * gap_per_envelope_cycles_);
  transport_->flush();
}

bool Core::progress() {
  ++depth_;
  const bool any = transport_->progress(*this);
  --depth_;
  // The clock's unit is 65 µs.
  if (any)
    if (const auto now = base::cycles(); now - wall_cycles_ > 8 * gap_max_cycles_) {
      wall_cycles_ = now;
      wall_ns_ = wall_clock_ns();
    }
  return any;
}

// After each message that is not the last thing that its thread does. A lone message leaves at once; the longer a burst
// lasts, the more of it goes into one packet. In between the burst takes what arrives, so that no helper thread has to
// stand in for this one and competes with it for the processor.
void Core::keep_moving() {
  if (base::cycles() - flushed_cycles_ < gap_cycles_ && execution::Pool::current()) {  // a worker polls soon
    if (!waits_for_poll_.load(std::memory_order_relaxed)) waits_for_poll_.store(true, std::memory_order_relaxed);
    return;
  }
  flush();
  if (depth_ > 1 || execution::stack_left() < stack_to_receive) return;
  progress();
  if (graves_.empty() && afterwards_.empty()) execution::Pool::polled();
  // The helper does not stand in now, so a sender that goes on and on has to show itself that this rank is alive.
  if (flushed_cycles_ - ticked_cycles_ > cycles_per_tick_) tick();
}

}  // namespace ringray::runtime
