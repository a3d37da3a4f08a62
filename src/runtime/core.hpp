#pragma once
// One rank of the running job: the place where all parts meet. Members are under the baton unless said otherwise.

#include <atomic>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ringray/base/clock.hpp"
#include "ringray/base/config.hpp"
#include "ringray/base/random.hpp"
#include "ringray/control/control_client.hpp"
#include "ringray/control/control_store.hpp"
#include "ringray/control/membership_relay.hpp"
#include "ringray/control/reservations.hpp"
#include "ringray/control/topics.hpp"
#include "ringray/execution/pool.hpp"
#include "ringray/observe/signals.hpp"
#include "ringray/observe/waits.hpp"
#include "ringray/owner/owner.hpp"
#include "ringray/runtime/actor.hpp"
#include "ringray/runtime/baton.hpp"
#include "ringray/runtime/executing.hpp"
#include "ringray/runtime/kernel.hpp"
#include "ringray/runtime/record.hpp"
#include "ringray/scheduler/ledger.hpp"
#include "ringray/scheduler/membership.hpp"
#include "ringray/scheduler/stealing.hpp"
#include "ringray/scheduler/task_queue.hpp"
#include "ringray/store/admission.hpp"
#include "ringray/store/neighbours.hpp"
#include "ringray/store/object_store.hpp"
#include "ringray/transport/transport.hpp"

namespace ringray::runtime {

using owner::Carried;
using wire::Envelope;
using wire::Kind;
using wire::Lease;
using wire::View;

using PullClass = store::Admission::Class;

/// What a rank is made of before it runs.
struct Parts {
  Config config;
  base::HybridClock* clock = nullptr;  ///< outlives the rank; the log shows it
  Rank self;
  std::uint64_t seed = 0;
  std::unique_ptr<transport::Transport> transport;
  std::shared_ptr<store::ObjectStore> store;
  std::vector<scheduler::RankRecord> records;  ///< of all ranks
  unsigned workers = 1;
  bool oversubscribed = false;
};

struct Counted;

class Core final : owner::Environment,
                   transport::Receiver,
                   execution::Pool::Poller,
                   scheduler::TaskQueue::Starter,
                   scheduler::Stealing::Giver,
                   wire::Outbox {
 public:
  explicit Core(Parts parts);
  /// Called before this rank tells its parent that it is ready to leave. Before run().
  void before_goodbye(std::function<void()> f) { before_goodbye_ = std::move(f); }
  ~Core();

  /// Runs until the job ends; `driver` on rank 0 only. The calling thread becomes worker 0.
  void run(std::function<void()> driver);
  /// True when a rank was declared dead, so that nobody may wait for all ranks any more. After run().
  bool lost_ranks() const noexcept { return lost_ranks_; }

  // Any thread.
  Rank self() const noexcept { return self_; }
  std::uint32_t size() const noexcept { return transport_->size(); }
  const Config& config() const noexcept { return config_; }
  execution::Pool& pool() noexcept { return pool_; }
  store::ObjectStore& store() noexcept { return *store_; }
  store::Neighbours& neighbours() noexcept { return neighbours_; }
  Kernels& kernels() noexcept { return kernels_; }

  /// Runs f() with the baton. Nested calls are fine; f must not run users' code.
  template <class F>
  decltype(auto) with(F&& f);
  bool holding() const noexcept;

  // objects.cpp
  ObjectId promote(ObjectState& state);
  std::uint64_t requested_as(const ObjectState& state) const;
  Carried carried(ObjectState& state);
  ObjectState* adopt(const Carried& carried);     ///< a counted state that takes over one handle
  void fetch(ObjectState& state, PullClass why);  ///< makes sure that the value is on its way here
  void ask_ready(ObjectState& state);
  void bury(ObjectState& state, void (*remove)(ObjectState&) noexcept);
  struct Encoded {
    wire::ByteBuffer bytes;
    std::vector<ObjectState*> references;  ///< counted
    bool in_store = false;
    std::uint64_t stored_bytes = 0;
    std::optional<Failure> error;
  };
  /// `room`: bytes that the value and its references may take in a message. Not under the baton.
  Encoded encode_for_travel(const ValueType& type, const void* value, ObjectId id, std::size_t room = message_room);
  static constexpr std::size_t message_room = transport::payload_bytes_max - 8192;

  void is_stored(ObjectState& state, std::uint64_t bytes);  ///< under its id, in this rank's store

  // tasks.cpp
  void submit(Record& record);
  void send_task(Record& record, Rank target, std::uint8_t flags = 0);
  bool is_elsewhere(Rank rank) const noexcept { return rank != self_ && membership_.alive(rank); }  ///< any thread
  void end_task(Record& record);                                                                    ///< resources
  bool cancel(ObjectState& state, bool recursive);
  void cancel_children();
  std::optional<Rank> place(const Resources& need, const Placement& placement, Record* record,
                            const std::function<std::string()>& who, std::string& why);
  bool admit_arguments(Record& record);  ///< false: it was cancelled
  void end_pull(Record& record);
  /// Whether some ranks cannot read each other's arenas, so that it matters where arguments are. Any thread.
  bool must_pull() const noexcept { return !all_share_arenas_; }
  void enqueue(Record& record);
  void send_item(Record& record, ObjectState& item);
  void reply(Record& record) noexcept;
  bool reply_shortly(Record& record);
  void task_waits(Record& record, bool waits);
  void stream_read(StreamState& stream, std::uint64_t read);

  // spawn.cpp
  /// Takes over one count of `constructor`. Returns the state of the existing actor with get_if_exists, else `state`.
  ObjectState* start_actor(ActorState& state, const ActorType& type, ActorOptions options, Record& constructor);
  void open_actor(ActorRecord& actor);  ///< the constructor's arguments are here
  // actors.cpp
  void call(ActorState& state, Record& record, const std::string& group, bool one_way);
  void send_one_way(ActorState& state, const std::string& group, const OneWayCall& call);
  /// Null when there is none. Throws ConfigError when it is of another type.
  ActorState* find_actor(const std::string& name_space, const std::string& name, const ActorType& type);
  void kill(ActorState& state, bool restart);
  void actor_gone(ActorRecord& actor);
  // topics.cpp
  void publish(const std::string& topic, const PublishedValue& value, const PublishOptions& options);
  void forget(control::Subscriber subscriber, const ActorRecord& actor);

  /// Asks the control store and waits. Not under the baton.
  Result<control::Reply> ask(const control::Request& request);

  void sample_metrics();  ///< brings counts kept elsewhere into the metrics; not under the baton
  std::string report(
      execution::InSystemCall sleepers = execution::InSystemCall::spared);  ///< what waits for what, and what runs
  /// For people: those of users' functions that have not ended.
  std::vector<std::string> names_of_running();
  const scheduler::Membership& membership() const noexcept { return membership_; }
  scheduler::Ledger& ledger() noexcept { return ledger_; }
  owner::Owner& owner() noexcept { return owner_; }
  const control::Subscriptions& subscriptions() const noexcept { return subscriptions_; }
  /// What has begun and not ended.
  struct Unfinished {
    std::size_t executing = 0, arriving = 0, transfers = 0, granted = 0, pulls = 0;
  };
  Unfinished unfinished() const noexcept {
    return {executing_.size(), arriving_.size() + arriving_tasks_.size(), incoming_.size(), granted_.size(),
            admission_.granted() + admission_.waiting()};
  }
  const transport::Counters& traffic() const noexcept { return transport_->counters(); }
  std::unordered_map<ObjectId, ActorRecord*>& actors() noexcept { return actors_; }
  static inline constinit std::atomic<bool> stop_requested{true};  ///< a process without a job has nothing to do

 private:
  friend class BatonGuard;

  enum class Thread { free, any };

  // owner::Environment
  void replied(const owner::Request& request, std::uint64_t correlation,
               std::span<const owner::Outcome> outcomes) override;
  void arrived(ObjectId id, owner::Token token, owner::Arrival arrival) override;
  owner::Held held(ObjectId id, owner::Token token, Rank reader) override;
  void garbage(ObjectId id, owner::Token token, Rank home) override;
  void returned(ObjectId id, Rank reader) override;
  void cancel_requested(ObjectId id, owner::Token token, std::uint8_t flags) override;
  // transport::Receiver
  void on_message(const Envelope& envelope, View payload) override;
  std::span<std::byte> on_bulk_begin(const Envelope& envelope) override;
  void on_bulk(const Envelope& envelope, Errc status) override;
  void on_peer_lost(Rank rank, Errc reason) override;
  // execution::Pool::Poller
  bool poll() override;
  int descriptor() override { return transport_->descriptor(); }
  bool waits_for_poll() override { return waits_for_poll_.load(std::memory_order_relaxed); }
  bool arm() override;
  // scheduler::TaskQueue::Starter, scheduler::Stealing::Giver
  void start(scheduler::TaskQueue::Token token, scheduler::GrantId grant) override;
  std::uint32_t give(Rank thief) override;
  // wire::Outbox
  void send(Rank target, Envelope envelope, View payload) override;
  void send_bulk(Rank target, Envelope envelope, Lease bytes) override;

  void set_holding(bool yes) noexcept;
  void watch_workers(base::Nanoseconds now);
  std::string report_workers(Counted& kept, execution::InSystemCall sleepers);
  void dispatch(const Envelope& envelope, View payload);
  void after_baton(Thread thread);
  void attend();  ///< by a worker, between tasks: users' code that waits for a thread
  void flush();
  bool progress();
  void keep_moving();
  void declare_dead(Rank rank, const char* how);
  void forget_rank(Rank rank);
  void watch_ranks(base::Nanoseconds now);
  void end_bundle(const Envelope& envelope);
  bool bundle_is_gone(const scheduler::BundleKey& bundle) const {
    return bundle.valid() && !ledger_.has_bundle(bundle);
  }
  void fail_queued(Record& record, std::string why);
  bool pause(base::Nanoseconds time);
  void leave();
  void depart();
  void maybe_goodbye();
  void stop_waiting(base::Nanoseconds now);
  void tick();

  bool may_hear(const ActorState& state) const;
  void kill_now(const Envelope& envelope);
  void not_coming(ObjectId id);
  void detached_is_gone(ObjectId actor);
  void on_actor_state(const Envelope& envelope, View payload);
  void on_item(const Envelope& envelope, View payload);
  void on_item_read(const Envelope& envelope);
  void on_cancel(const Envelope& envelope);
  void refuse(Rank caller, std::uint64_t correlation, ObjectId subject, std::span<const Carried> covered, Errc code,
              std::string text);

  // arriving.cpp
  struct Arrival;
  /// The references of a request. They are counted when it comes, because what comes behind it may be a release.
  struct Taken {
    std::vector<Carried> references;
    std::vector<ObjectState*> states;  // counted
  };
  struct Message {
    Envelope envelope;
    std::vector<std::byte> payload;
    Taken taken;
  };
  /// A task that a worker is to decode.
  struct ArrivingTask {
    Message message;
    bool decoding = false, cancelled = false, recursively = false, closed = false;
  };
  using RequestKey = std::pair<Rank, std::uint64_t>;  // caller and correlation
  using ArrivingTasks = std::map<RequestKey, ArrivingTask>;
  void on_request(const Envelope& envelope, View payload);
  bool on_letter(const Envelope& envelope, View payload);
  void deliver(const Envelope& envelope, View payload, Taken&& taken);
  Taken take_in(const Envelope& envelope, View payload);
  void in_order(const Envelope& envelope, View payload, Taken&& taken = {});
  void act(const Envelope& envelope, View payload, Taken&& taken);
  bool open(Arrival& arrival, const Envelope& envelope, View payload, Taken&& taken);
  void decode(Arrival& arrival);
  void begin(Arrival& arrival);
  void begin_task(Arrival& arrival);
  void begin_actor(Arrival& arrival);
  void begin_call(Arrival& arrival);
  void unknown_actor(const Envelope& envelope, View payload, Taken&& taken);
  void ask_whether_coming(ObjectId actor);
  void turn_away(const Envelope& envelope, Taken&& taken, Errc code, std::string text);
  void turn_away(ArrivingTasks::iterator task, Errc code, std::string text);
  void receive_task(RequestKey key);
  void receive_in_order(ObjectId actor);
  void cancel_arriving(const Envelope& envelope);
  void actor_started(const owner::Request& request, std::span<const owner::Outcome> outcomes);
  ActorRecord* starting_actor(scheduler::TaskQueue::Token token);
  void settle_state(ObjectState& state, const owner::Outcome& outcome, Rank holder);
  void send_on(Record& record, Rank thief);
  void send_request(Kind kind, Rank target, Record& record, owner::Token token, ActorId actor, std::uint8_t flags,
                    View options);
  scheduler::Choice choose(const Resources& need, const Placement& placement, Record* record);
  std::vector<scheduler::Holding> holdings(Record& record);
  void name_request(Record& record, Rank target, std::uint64_t correlation);
  void watch_completion(ObjectState& state);
  void read_own_copy(ObjectState& state);
  owner::Held bring(ObjectId id);
  void make_room(const Envelope& envelope);
  std::uint64_t bytes_to_pull(const Extra& extra) const;
  void begin_pulls(const store::Admission::Change& change);
  void pulled(ObjectId id, Extra& extra);
  void forget_whole(ObjectId id);  ///< a transfer that nobody waits for, unless it is under way
  void hold(ObjectState& state);   ///< one more reference to a state that the owner's table names
  bool release_row(ObjectState& state);
  void encode_value(ObjectState& state);
  void deliver_early(ObjectId id);
  void answered(const control::ControlClient::Answer& answer);
  void publish_here(const control::Published& published, const control::Subscriber& subscriber,
                    std::span<void* const> references);
  void on_subscription(const Envelope& envelope, View payload);

  const Config config_;
  const Rank self_;
  base::HybridClock& clock_;
  std::uint64_t wall_ns_ = 0, wall_cycles_ = 0;
  base::Random random_;
  Baton baton_;
  const std::unique_ptr<transport::Transport> transport_;
  const std::shared_ptr<store::ObjectStore> store_;
  store::Neighbours neighbours_;
  scheduler::Membership membership_;
  scheduler::LoadView load_;
  bool all_share_arenas_ = false;  // before run()
  store::Admission admission_;
  std::uint64_t last_pull_ = 0;
  scheduler::Ledger ledger_;
  scheduler::TaskQueue queue_;
  scheduler::Stealing stealing_;
  owner::Owner owner_;
  std::unique_ptr<control::ControlStore> control_;  // rank 0
  control::ControlClient client_;
  control::MembershipRelay relay_;
  control::Reservations reservations_;
  control::Subscriptions subscriptions_;
  struct Attendant final : execution::Runnable {
    explicit Attendant(Core& c) : Runnable{[](Runnable& r) { static_cast<Attendant&>(r).core.attend(); }}, core(c) {}
    Core& core;
    bool called = false;
  } attendant_{*this};
  execution::Pool pool_;
  Kernels kernels_;

  struct Grave {
    ObjectState* state;
    void (*remove)(ObjectState&) noexcept;
  };
  std::vector<Grave> graves_;
  std::atomic<bool> waits_for_poll_{false};        // messages or users' code that no descriptor tells of
  std::vector<std::function<void()>> afterwards_;  // users' code that must not run under the baton, and must not wait
  std::vector<Carried> held_references_;
  wire::ByteBuffer scratch_;
  std::unordered_map<ObjectId, ActorRecord*> actors_;
  struct Dead {
    std::string why, who = "an actor";
  };
  std::unordered_map<ObjectId, Dead> dead_actors_;                // for calls that come too late
  std::unordered_map<ObjectId, std::list<Message>> early_calls_;  // to actors that may still be on their way here
  std::unordered_map<ObjectId, std::list<Message>> arriving_;     // about actors, in order; a worker handles the first
  ArrivingTasks arriving_tasks_;
  Executing executing_;
  struct Incoming {
    store::Buffer bytes;
    bool whole = false;  // nothing writes any more
  };
  std::unordered_map<ObjectId, Incoming> incoming_;                            // bulk transfers
  std::unordered_map<ObjectId, std::vector<ObjectState*>> stored_references_;  // inside stored values; counted
  std::unordered_set<ObjectId> being_brought_;                                 // from the disk, for others
  struct Brought {
    ObjectId id;
    const Result<Lease>* lease = nullptr;
  } brought_;  // while it is given
  struct Question {
    execution::Work* event;  // counted
    std::optional<Result<control::Reply>>* answer;
  };
  std::unordered_map<std::uint64_t, Question> questions_;
  struct NameLookup {
    execution::Work* event;  // counted
    ObjectState** found;
  };
  std::unordered_map<ObjectId, std::vector<NameLookup>> lookups_;
  std::unordered_map<void*, ActorRecord*> starting_actors_;              // in the task queue; counted
  std::unordered_map<std::uint64_t, Record*> streams_;                   // by correlation of the generator's request
  std::unordered_map<scheduler::GroupId, control::GroupRecord> groups_;  // those that were ready once
  std::uint64_t next_question_ = 0, spread_turn_ = 0;
  std::uint64_t flushed_cycles_ = 0, gap_cycles_ = 0, gap_per_envelope_cycles_ = 0, gap_max_cycles_ = 0;
  std::uint64_t unflushed_ = 0;                         // envelopes since the last flush
  bool has_named_actors_ = false;                       // or had
  std::vector<execution::Work*> pauses_;                // of fibers that wait for a place
  std::unordered_map<ObjectId, Rank> detached_actors_;  // of this rank and where they live; each has one handle
  unsigned depth_ = 0;  // with() inside with(), poll() or progress(): only the outermost with() receives
  std::unordered_set<std::uint64_t> reported_;               // unschedulable requests, by hash of name and reason
  std::unordered_map<scheduler::GrantId, Record*> granted_;  // tasks that hold resources
  bool leaving_ = false, goodbye_sent_ = false, departed_ = false, lost_ranks_ = false;
  std::vector<Rank> goodbyes_missing_;  // of this rank's children
  std::function<void()> before_goodbye_;
  base::Nanoseconds left_at_{}, leave_before_{}, next_heartbeat_{};
  Rank watched_;                    // the rank whose heartbeats come here
  bool heard_any_ = false;          // since the last look: any message is a sign of life
  base::Nanoseconds watched_at_{};  // the last look
  base::Nanoseconds heard_{};       // when its last one came
  std::vector<std::pair<Rank, std::uint32_t>> host_mate_pids_;
  execution::Timers::Id ticker_{};
  std::uint64_t ticked_cycles_ = base::cycles(), cycles_per_tick_ = 0;
  struct Busy {
    std::uint64_t turns = 0;
    base::Nanoseconds since{};
  };
  std::vector<Busy> busy_;  // by worker
  std::unique_ptr<observe::SignalWatch> signals_;
};

/// Says on standard error what crashed. In a signal handler.
void crashed(const execution::Crash& crash) noexcept;
/// Asked by `crashed` to name the task, on a thread that may allocate and lock.
void name_crashed();

/// The rank of this process. Precondition: it runs.
Core& core() noexcept;
bool has_core() noexcept;
inline execution::Pool& pool() noexcept { return core().pool(); }
inline Rank here_rank() noexcept { return core().self(); }
inline void actor_died(ActorRecord& actor) { core().actor_gone(actor); }
void log_swallowed(const std::string& where) noexcept;
std::uint64_t wall_clock_ns();
void log_refused(const Envelope& envelope, const CorruptDataError& error);
/// Of the exception that is being handled, whatever users threw.
std::string caught_text();
/// The same for what is no std::exception: the value, where it is text or a number.
std::string caught_value();
/// Why users of a bundle ended.
inline constexpr const char* group_removed = "its placement group was removed";
/// Thrown by exit_actor.
struct ExitActor {};
/// Names a class of actors for all ranks; for people, up to the '@'.
std::string class_on_wire(const ActorType& type);
void fail_record(Record& record, Errc code, ErrorDetail detail);
/// All results of the record have its error: who looks at one has looked at all.
void share_error(Record& record);
/// The error is not the record's own, but of something that it was given, which has a teller of its own.
void expect_no_look(Record& record);
/// The call is no longer one of its actor's max_pending_calls.
void stop_limiting(Record& record) noexcept;
void start_when_possible(Record& record);
void start_here(Record& record);
/// Names a task within this rank; never 0. Any thread.
std::uint64_t next_serial();
void stream_failed(StreamState& stream, Record& record);
/// Runs f on a fiber of its own, where it may wait.
void spawn_fiber(std::function<void()> f);
/// A one-shot event with one count.
execution::Work* new_event();
/// What completes next on the way of a value to this rank, after asking for the value if need be; null: it is here.
/// Wait for it, then ask again.
execution::Work* awaited(ObjectState& state, Until until = Until::here, PullClass why = PullClass::get);

/// Takes the baton for a scope, unless this thread holds it already.
class BatonGuard {
 public:
  explicit BatonGuard(Core& core) noexcept;
  ~BatonGuard();
  BatonGuard(const BatonGuard&) = delete;
  BatonGuard& operator=(const BatonGuard&) = delete;

 private:
  Core& core_;
  bool outer_;
};

template <class F>
decltype(auto) Core::with(F&& f) {
  const BatonGuard guard(*this);
  return f();
}

}  // namespace ringray::runtime
