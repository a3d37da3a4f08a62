#include "ringray/runtime/core.hpp"

#include <cxxabi.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "ringray/base/check.hpp"
#include "ringray/base/log.hpp"
#include "ringray/base/metrics.hpp"
#include "ringray/control/tree.hpp"
#include "ringray/observe/timeline.hpp"
#include "ringray/runtime/cancellation.hpp"
#include "ringray/runtime/unheard.hpp"

namespace ringray::runtime {
namespace {

std::atomic<Core*> the_core{nullptr};
constexpr auto tick_interval = std::chrono::milliseconds(50);
// The gap between packets of a burst: so much per envelope of the last packet, up to a most.
constexpr double gap_per_envelope_us = 0.6, gap_max_us = 4;

scheduler::Membership all_of(const std::vector<scheduler::RankRecord>& records) {
  scheduler::Membership membership(static_cast<std::uint32_t>(records.size()));
  for (const auto& record : records) membership.join(record);
  return membership;
}

struct Event final : execution::Work {
  Event() noexcept : Work(type) {}
  static const Type type;
};
const execution::Work::Type Event::type{
    .destroy = [](execution::Work& work) noexcept { delete static_cast<Event*>(&work); }};

}  // namespace

Core& core() noexcept { return *the_core.load(std::memory_order_acquire); }
bool has_core() noexcept { return the_core.load(std::memory_order_acquire) != nullptr; }

std::uint64_t wall_clock_ns() {
  return static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
}

void log_swallowed(const std::string& where) noexcept {
  try {
    throw;
  } catch (const std::exception& e) {
    log::error("{} threw {}: {}", where, type_name(typeid(e).name()), e.what());
  } catch (...) {
    const auto* type = abi::__cxa_current_exception_type();
    log::error("{} threw {}: {}", where, type ? type_name(type->name()) : "something", caught_value());
  }
}

execution::Work* new_event() { return new Event; }

void spawn_fiber(std::function<void()> f) {
  struct Job final : execution::Runnable {
    std::function<void()> f;
  };
  auto* job = new Job;
  job->f = std::move(f);
  job->execute = [](execution::Runnable& runnable) {
    const std::unique_ptr<Job> self(static_cast<Job*>(&runnable));
    try {
      self->f();
    } catch (...) {
      log_swallowed("a runtime job");
    }
  };
  pool().schedule(*job);
}

Core::Core(Parts parts)
    : config_(std::move(parts.config)),
      self_(parts.self),
      clock_(*parts.clock),
      random_(parts.seed ^ (parts.self.value * 0x9e3779b97f4a7c15ull)),
      transport_(std::move(parts.transport)),
      store_(std::move(parts.store)),
      membership_(all_of(parts.records)),
      load_(static_cast<std::uint32_t>(parts.records.size())),
      admission_(config_.arena_bytes.value),
      ledger_(parts.records[self_.value].total),
      queue_(ledger_, *this),
      stealing_(self_, static_cast<std::uint32_t>(parts.records.size()), random_(), *this, *this),
      owner_(self_, 0, *this, *this),
      client_(0),
      relay_(self_, 0, membership_),
      reservations_(ledger_),
      pool_({.workers = parts.workers,
             .pin = config_.pin,
             .oversubscribed = parts.oversubscribed,
             .stack_bytes = config_.stack_bytes.value,
             .spin = config_.spin_us,
             .crashed = &crashed},
            this) {
  wall_ns_ = wall_clock_ns();
  const auto cycles = [](double us) { return static_cast<std::uint64_t>(us * base::cycles_per_microsecond()); };
  gap_per_envelope_cycles_ = cycles(gap_per_envelope_us);
  cycles_per_tick_ =
      static_cast<std::uint64_t>(std::chrono::microseconds(tick_interval).count() * base::cycles_per_microsecond());
  gap_max_cycles_ = cycles(gap_max_us);
  if (self_ == Rank{0}) control_ = std::make_unique<control::ControlStore>(membership_);
  std::vector<Rank> mates;
  const auto& me = parts.records[self_.value];
  for (const auto& record : parts.records) {
    if (record.host != me.host) continue;
    if (record.rank != self_) {
      mates.push_back(record.rank);
      host_mate_pids_.emplace_back(record.rank, record.pid);
    }
    wire::Decoder decoder({reinterpret_cast<const std::byte*>(record.arena.data()), record.arena.size()});
    if (!record.arena.empty()) neighbours_.add(record.rank, wire::decode<store::Arena::Name>(decoder));
  }
  stealing_.set_host_mates(std::move(mates));
  all_share_arenas_ = config_.arena && std::all_of(parts.records.begin(), parts.records.end(),
                                                   [&](const auto& record) { return neighbours_.knows(record.rank); });
  spread_turn_ = random_();
  cancellations().clear();
  the_core.store(this, std::memory_order_release);
  run_begins();
  stop_requested.store(false, std::memory_order_relaxed);
  base::set_state_dump([] { std::fputs(core().report().c_str(), stderr); });
}

Core::~Core() {
  base::set_state_dump(nullptr);
  std::vector<ObjectState*> left;  // counted for other ranks, which have gone, or for answers, which never come
  owner_.for_each_token([&](owner::Token token) {
    auto& state = *static_cast<ObjectState*>(token);
    if (state.extra()->parked) left.push_back(&state);
  });
  owner_.for_each_request([&](const owner::Request& request, std::uint64_t) {
    left.push_back(request.kind == Kind::spawn ? static_cast<ObjectState*>(static_cast<ActorState*>(request.token))
                                               : static_cast<Record*>(request.token));
  });
  stop_requested.store(true, std::memory_order_relaxed);
  run_ends();
  the_core.store(nullptr, std::memory_order_release);
  for (auto* state : left) state->release();
}

void Core::run(std::function<void()> driver) {
  signals_ = std::make_unique<observe::SignalWatch>([this](int signal) {
    if (signal != SIGTERM && signal != SIGUSR2) return name_crashed();
    const bool ends = signal == SIGTERM;
    auto text = report(ends ? execution::InSystemCall::woken : execution::InSystemCall::spared);
    if (ends)
      text += fmt::format(
          "ringray: rank {}: it was sent SIGTERM (by mpirun after Ctrl-C, a time limit, or kill); it ends\n",
          self_.value);
    std::fputs(text.c_str(), stderr);
    if (!ends) return;
    stop_requested.store(true, std::memory_order_relaxed);
    log::flush();
    _exit(128 + signal);
  });
  struct Ticker {
    static void arm(Core& core) {
      core.ticker_ = core.pool_.timers().after(tick_interval, [&core] {
        core.with([&] { core.tick(); });
        core.kernels_.look(base::now());
        arm(core);
      });
    }
  };
  Ticker::arm(*this);
  std::exception_ptr problem;
  pool_.run([&] {
    Running now;
    const ScopedRunning scope(now);
    if (self_ == Rank{0}) {
      try {
        const InUsersCode inside(now);
        driver();
      } catch (...) {
        problem = std::current_exception();
      }
      with([&] {
        leave();
        transport_->flush();
      });
    }
  });
  if (const auto what = kernels_.end(config_.stop_timeout_ms + std::chrono::seconds(1)); !what.empty()) {
    std::fprintf(stderr, "ringray: rank %u: %s did not end with the job (--ringray.stop_timeout_ms); it is abandoned\n",
                 self_.value, what.c_str());
    log::flush();
    _exit(1);
  }
  pool_.timers().cancel(ticker_);
  attend();
  repeated().end();
  signals_.reset();
  sample_metrics();
  if (problem) std::rethrow_exception(problem);
}

// What is counted elsewhere joins the metrics.
void Core::sample_metrics() {
  const auto set = [](Metric metric, std::uint64_t value) { base::count(metric, value - base::metric_total(metric)); };
  with([&] {
    const auto& traffic = transport_->counters();
    set(Metric::envelopes_sent, traffic.envelopes_sent);
    set(Metric::envelopes_received, traffic.envelopes_received);
    set(Metric::packets_sent, traffic.packets_sent);
    set(Metric::bytes_sent, traffic.bytes_sent);
    set(Metric::bytes_received, traffic.bytes_received);
    set(Metric::strangers_refused, traffic.strangers_refused);
    set(Metric::objects_owned, owner_.owned());
    set(Metric::objects_borrowed, owner_.borrowed());
  });
  const auto usage = store_->usage();
  set(Metric::arena_bytes_used, usage.used_bytes);
  set(Metric::spilled_bytes, usage.spilled_bytes);
  set(Metric::fibers, pool_.fibers());
}

// --- the network

void Core::send(Rank target, Envelope envelope, View payload) {
  envelope.clock = clock_.tick(wall_ns_);
  if (observe::Timeline::recording()) observe::Timeline::flow_out(envelope.clock << 8 | (self_.value & 0xff));
  ++unflushed_;
  transport_->send(target, envelope, payload);
}

void Core::send_bulk(Rank target, Envelope envelope, Lease bytes) {
  envelope.clock = clock_.tick(wall_ns_);
  transport_->send_bulk(target, envelope, std::move(bytes));
}

void Core::on_message(const Envelope& envelope, View payload) {
  clock_.receive(wall_ns_, envelope.clock);
  heard_any_ |= envelope.source == watched_;
  if (observe::Timeline::recording()) observe::Timeline::flow_in(envelope.clock << 8 | (envelope.source.value & 0xff));
  try {
    dispatch(envelope, payload);
  } catch (const CorruptDataError& error) {
    log_refused(envelope, error);
  }
}

void log_refused(const Envelope& envelope, const CorruptDataError& error) {
  base::count(Metric::corrupt_packets);
  log::error("a '{}' message from rank {} was refused: {}", wire::kind_name(envelope.kind), envelope.source.value,
             error.what());
}

void Core::dispatch(const Envelope& envelope, View payload) {
  const auto carries_references = [&] {
    switch (envelope.kind) {
      case Kind::submit:
      case Kind::call:
      case Kind::send:
      case Kind::publish:
      case Kind::spawn:
      case Kind::item:
        return true;
      default:
        return false;
    }
  };
  if (carries_references() && std::uint64_t{envelope.argument} * sizeof(Carried) > payload.size())
    throw CorruptDataError("it has fewer references than it says");
  if (envelope.kind == Kind::submit && envelope.subject.owner.valid() && envelope.subject.owner.value >= size())
    throw CorruptDataError("the task of a rank that does not exist");
  switch (envelope.kind) {
    case Kind::moved:
      if (envelope.argument >= size()) throw CorruptDataError("a task moved to a rank that does not exist");
      return owner_.on_message(envelope, payload);
    case Kind::reply:
    case Kind::locate:
    case Kind::located:
    case Kind::pull:
    case Kind::lend:
    case Kind::unpin:
    case Kind::borrow:
    case Kind::release:
    case Kind::discard:
      return owner_.on_message(envelope, payload);
    case Kind::cancel:
      return envelope.correlation != 0 ? on_cancel(envelope) : owner_.on_message(envelope, payload);
    case Kind::submit:
    case Kind::call:
    case Kind::send:
    case Kind::publish:
    case Kind::spawn:
      return on_request(envelope, payload);
    case Kind::kill:
      return in_order(envelope, {});
    case Kind::actor_state:
      return on_actor_state(envelope, payload);
    case Kind::item:
      return on_item(envelope, payload);
    case Kind::item_read:
      return on_item_read(envelope);
    case Kind::heartbeat:  // on_message has noticed
      return;
    case Kind::steal:
    case Kind::loot:
      return stealing_.on_message(envelope);
    case Kind::subscription:
      return on_subscription(envelope, payload);
    case Kind::control_request:
    case Kind::subscription_known:
    case Kind::reserved:
      if (!control_) throw CorruptDataError("only rank 0 has the control store");
      return control_->on_message(envelope, payload, base::now(), *this);
    case Kind::control_reply:
      if (const auto answer = client_.on_message(envelope, payload)) answered(*answer);
      return;
    case Kind::reserve:
      reservations_.on_reserve(envelope, payload, *this);
      return;
    case Kind::unreserve:
      return end_bundle(envelope);
    case Kind::membership:
      for (const auto& dead : relay_.on_message(envelope, payload, *this)) forget_rank(dead.rank);
      return;
    case Kind::shutdown:
      return leaving_ ? depart() : leave();
    case Kind::goodbye:
      std::erase(goodbyes_missing_, envelope.source);
      return maybe_goodbye();
    default:
      throw CorruptDataError("a kind that no rank sends");
  }
}

// --- control store

Result<control::Reply> Core::ask(const control::Request& request) {
  std::optional<Result<control::Reply>> answer;
  auto* event = new_event();
  event->retain();
  with([&] {
    const auto token = ++next_question_;
    questions_[token] = {event, &answer};
    client_.ask(request, token, base::now(), *this);
    transport_->flush();
  });
  const observe::Wait wait("rank 0 to answer:", {&request, [](const void* it) {
                                                   return control::text_of(*static_cast<const control::Request*>(it));
                                                 }});
  event->wait();
  event->release();
  return std::move(*answer);
}

void Core::answered(const control::ControlClient::Answer& answer) {
  const auto at = questions_.find(answer.token);
  if (at == questions_.end()) return;
  const auto question = at->second;
  questions_.erase(at);
  question.answer->emplace(answer.reply);
  question.event->complete();
  question.event->release();
}

// The group of this bundle was removed: who uses it is killed.
void Core::end_bundle(const Envelope& envelope) {
  const auto users = reservations_.on_unreserve(envelope, *this);
  const auto actors = live_actors();
  for (const auto& grant : users) {
    for (auto* actor : actors)
      if (actor->grant == grant.id) actor->end(ActorRecord::Ending::now, group_removed);
    if (const auto task = granted_.find(grant.id); task != granted_.end()) {
      task->second->retain();  // it holds its grant, so somebody has a count
      afterwards_.push_back([this, record = task->second] {
        cancel(*record, true);
        record->release();
      });
    }
  }
  for (auto* actor : actors) actor->release();
  for (auto* token : queue_.stranded([this](const auto& bundle) { return bundle_is_gone(bundle); })) {
    if (const auto at = starting_actors_.find(token); at != starting_actors_.end()) {
      at->second->end(ActorRecord::Ending::now, group_removed);
    } else if (queue_.remove(token)) {
      fail_queued(*static_cast<Record*>(token), group_removed);
    }
  }
  groups_.erase(envelope.subject);
  queue_.pump();
}

// A task that was to run here never will. Takes over the queue's count.
void Core::fail_queued(Record& record, std::string why) {
  record.more->pooled = false;
  spawn_fiber([&record, why = std::move(why)] {  // not under the baton: users' destructors run
    if (record.claim()) {
      fail_record(record, Errc::unschedulable, {.text = why, .task = record.name(), .rank = here_rank().value});
      record.kind().clear(record);
      finish(record);
    }
    record.release();
  });
}

/// Suspends the fiber for a while; false: the job ends.
bool Core::pause(base::Nanoseconds time) {
  auto* event = new_event();
  const bool stays = with([&] {
    if (!leaving_) pauses_.push_back(event);
    return !leaving_;
  });
  if (stays) event->wait_until(base::now() + time);
  const bool goes_on = with([&] {
    std::erase(pauses_, event);
    return !leaving_;
  });
  event->release();
  return goes_on;
}

void Core::tick() {
  const auto now = base::now();
  ticked_cycles_ = base::cycles();
  wall_ns_ = wall_clock_ns();
  watch_ranks(now);
  watch_workers(now);
  if (control_) control_->tick(now, *this);
  for (const auto& answer : client_.tick(now, *this)) answered(answer);
  if (cancellations().any()) cancellations().forget_old(now);
  stealing_.tick();
  if (repeated().is_due(now)) afterwards_.push_back([now] { repeated().tick(now); });
  if (store_->untidy()) afterwards_.push_back([this] { store_->tidy(); });
  if (transport_->pending()) transport_->flush();
  if (leaving_ && now >= leave_before_) stop_waiting(now);
}

}  // namespace ringray::runtime
