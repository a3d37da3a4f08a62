#pragma once
// An actor on its rank: instance, mailbox, turn. And the state behind a handle.

#include <atomic>
#include <coroutine>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ringray/runtime/record.hpp"

namespace ringray::runtime {

/// What the runtime knows of an actor type.
struct ActorType {
  void (*destroy)(void* instance) noexcept;
  void (*on_stop)(void* instance);  ///< the user's `void on_stop()`, called on graceful ends; null: none
  std::string (*name)();
  bool service = false;
};
/// An actor of the runtime, which users' actors may need until their end: it ends after all of those.
template <class A>
inline constexpr bool is_service = false;
template <class A>
const ActorType& actor_type_of() {
  static_assert(std::is_nothrow_destructible_v<A>,
                "ringray: the destructor of an actor must not throw; catch in it, or tidy up in on_stop()");
  static constexpr ActorType type = [] {
    ActorType t{[](void* instance) noexcept { delete static_cast<A*>(instance); }, nullptr,
                [] { return type_name(typeid(A).name()); }, is_service<A>};
    if constexpr (requires(A & a) { a.on_stop(); })
      t.on_stop = [](void* instance) { static_cast<A*>(instance)->on_stop(); };
    return t;
  }();
  return type;
}

/// For people: "actor Counter", "actor Counter 'total'".
std::string title_of(const ActorType& type, const ActorOptions& options);

/// Calls wait in a lock-free inbox and run one at a time, on whatever worker (or waiting fiber) has the actor's turn.
/// With concurrency groups the turn only hands plain calls to their lanes; coroutines run in the turn, piece by piece.
/// Any thread may post; members marked (turn) belong to who has the turn.
class ActorRecord final : public execution::Runnable {
 public:
  /// Takes over one count of `constructor`.
  ActorRecord(const ActorType& type, ActorOptions options, Record* constructor);
  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  /// Takes over one count of `call`. Keeps the order per caller, also when arguments are not here yet.
  void submit(Record& call);
  /// A one-way call from another rank that may need no record; false: it needs one.
  bool accept(const RecordType& type, Rank source, std::uint32_t caller, wire::View arguments,
              std::optional<Quality> published);
  /// Before a published value is submitted; false: it is not to be, and is counted in the log.
  bool admit(Quality quality);
  /// A published value that was admitted does not wait any more.
  void begins(const std::optional<Quality>& published) noexcept;
  /// The last missing argument of a call arrived.
  void arguments_here(Record& call);
  /// The call was cancelled: those behind it do not wait for its arguments.
  void pass_over(Record& call);
  /// Resources are granted: constructs the instance, then calls run.
  void open();
  /// Runs calls here until `until` is done or nothing is left; false: nothing waits, or somebody else has the turn.
  /// The caller holds a count.
  bool help(execution::Work& until);
  /// A coroutine of one of its calls goes on, in the actor's turn.
  void post_resume(std::coroutine_handle<> handle, Record& record);

  /// after_queued is graceful: accepted calls run (also those that wait for arguments), then the user's on_stop().
  /// left: after exit_actor; calls that have begun end, then on_stop() runs.
  enum class Ending { now, after_queued, restart, left };
  /// Calls that do not run any more fail with ActorDiedError and `cause`. `restart`: a fresh instance takes over if the
  /// options allow one more; calls that had not begun fail with ActorUnavailableError, or run on the fresh instance
  /// if the options allow retries.
  void end(Ending ending, std::string cause);
  /// By a call: ends the actor when that call has ended.
  void request_exit() noexcept { exit_requested_.store(true, std::memory_order_relaxed); }
  bool dead() const noexcept { return dead_.load(std::memory_order_acquire); }
  std::string cause();
  std::string title() const;
  /// Calls that wait for the turn, counted up to a most. (turn), or while who has it is held up; 0 for actors with
  /// concurrency groups.
  std::size_t queued() const noexcept;
  static constexpr std::size_t queued_max = 1000;  ///< a signal handler counts them

  void set_instance(void* instance) noexcept;
  int restarts() const noexcept { return restarts_.load(std::memory_order_relaxed); }
  const ActorOptions& options() const noexcept { return options_; }
  const ActorType& type() const noexcept { return type_; }
  /// 0 for calls outside groups; nothing for a group that the actor does not have.
  std::optional<std::uint32_t> lane(const std::string& group) const;

  ObjectId id;                   ///< when other ranks know the actor; under the baton
  scheduler::GrantId grant = 0;  ///< under the baton
  bool gone = false;             ///< it perished, and other ranks know if they knew it; under the baton
  bool subscribed = false;       ///< to topics, once; under the baton
  const std::uint32_t caller;    ///< names it as a caller

 private:
  /// Calls of one concurrency group.
  struct Lane {
    std::string name;
    std::uint32_t limit = 1, running = 0;
    std::deque<Record*> waiting;
  };
  struct LaneRun;
  struct End;
  /// A coroutine that has begun. Its frame refers to the instance, which therefore outlives it.
  struct Frame {
    std::shared_ptr<void> instance;
    bool abandoned = false;  ///< its record has failed; the frame goes when it would be resumed
  };
  using Gates = std::unordered_map<std::uint64_t, std::deque<Record*>>;  // calls that wait for arguments, by caller
  enum class Turn : std::uint8_t { closed, idle, scheduled, running };

  ~ActorRecord();
  void began();
  static void execute_turn(Runnable& runnable);
  static void deliver_call(Mail& mail, ActorRecord& actor);
  void open(Letter& letter);
  void post(Mail& mail);
  void schedule();
  bool take_turn(Turn from) noexcept;
  void drain(execution::Work* until);
  Mail* pop();
  void deliver_end(End& mail);
  std::uint32_t open_gate(Gates::iterator gate);
  void run_in_lane(Record& call);
  void run_lane(Record* call, std::uint32_t lane);
  void post_again(Record& call);
  void invoke(Record& call, void* instance);
  void begin_coroutine(Record& call);
  void resume(std::coroutine_handle<> handle, Record& call);
  void end_coroutine(Record& call);
  static void let_go(Record& call);
  void fail(Record& call, Errc code = Errc::actor_died);
  /// By the next instance, if this one does not come to it.
  bool runs_again(const Record& call) const noexcept {
    return options_.max_task_retries != 0 || call.published() == Quality::exactly_once;
  }
  void construct();
  void restart();
  void exit_if_requested();
  void stop_gracefully();
  void perish(std::string cause);
  void abandon_frames(Errc code);
  std::vector<Record*> take_waiting();
  bool busy_outside_turn() const;
  void end_if_deferred();
  ErrorDetail detail_for(const Record& call, Errc code);
  std::shared_ptr<void> instance();

  const ActorType& type_;
  const ActorOptions options_;
  Record* constructor_;                // kept for restarts
  std::atomic<Mail*> inbox_{nullptr};  // newest first
  Mail* batch_ = nullptr;              // (turn) oldest first
  std::atomic<Turn> turn_{Turn::closed};
  std::atomic<bool> dead_{false}, exit_requested_{false};
  bool perished_ = false;  // (turn)
  using Frames = std::unordered_map<Record*, Frame>;
  std::unique_ptr<Frames> frames_;  // (turn); each holds a count of its record. Few actors have coroutines
  std::vector<Record*> for_next_;   // (turn) calls that the next instance is to run
  std::atomic<int> restarts_{0}, restarts_asked_{0};
  std::atomic<std::uint32_t> references_{1};
  std::atomic<std::uint32_t> gated_{0};      // calls in gates_; each holds a count of this
  std::atomic<std::uint32_t> admitted_{0};   // published values that wait and count for max_pending_calls
  std::atomic<std::size_t> open_frames_{0};  // frames_->size()
  mutable std::mutex mutex_;                 // guards all below
  std::shared_ptr<void> instance_;           // written in the turn
  Gates gates_;
  std::unordered_set<Record*> passed_over_;  // cancelled, arguments are missing; each holds a count of itself and this
  std::uint64_t opened_ = 0;                 // calls that left their gates, ever
  std::string cause_;
  std::optional<std::string> deferred_;  // a graceful end that waits for calls outside of the turn
  std::vector<Lane> lanes_;              // empty: one call at a time; its size is constant
};

/// The actor that is to run the call, with a count for the caller; null when the call is done, or will not run. Any
/// thread.
ActorRecord* retained_target(Record& call);

/// The actors of this rank that have not ended; each with a count for the caller. Any thread.
std::vector<ActorRecord*> live_actors();
std::vector<ActorRecord*> live_services();
bool any_live_actors();

/// The state behind an ActorHandle: complete when the actor is constructed, failed when that failed.
class ActorState final : public ObjectState {
 public:
  ActorState() noexcept;
  ~ActorState();
  ActorRecord* local = nullptr;         ///< on its own rank; counted
  Rank home;                            ///< where it runs; set before anybody calls
  std::uint32_t max_pending_calls = 0;  ///< of the options
  bool detached = false;
  std::atomic<std::uint32_t> pending_calls{0};
  /// What becomes of the construction is heard by who calls.
  void note_call() noexcept {
    if (!called_.load(std::memory_order_relaxed)) called_.store(true, std::memory_order_relaxed);
  }

 private:
  std::atomic<bool> called_{false};
};

}  // namespace ringray::runtime
