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
#include <vector>

#include "ringray/runtime/record.hpp"

namespace ringray::runtime {

/// What the runtime knows of an actor type.
struct ActorType {
  void (*destroy)(void* instance) noexcept;
  void (*on_stop)(void* instance);  ///< the user's `void on_stop()`, called on graceful ends; null: none
  std::string (*name)();
};
template <class A>
const ActorType& actor_type_of() {
  static constexpr ActorType type = [] {
    ActorType t{[](void* instance) noexcept { delete static_cast<A*>(instance); }, nullptr,
                [] { return type_name(typeid(A).name()); }};
    if constexpr (requires(A & a) { a.on_stop(); })
      t.on_stop = [](void* instance) { static_cast<A*>(instance)->on_stop(); };
    return t;
  }();
  return type;
}

/// Calls wait in a lock-free inbox and run one at a time, on whatever worker (or waiting fiber) has the actor's turn.
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
  /// The last missing argument of a call arrived.
  void arguments_here(Record& call);
  /// Resources are granted: constructs the instance, then calls run.
  void open();
  /// Runs calls here until `until` is done or nothing is left; false: nothing waits, or somebody else has the turn.
  bool help(execution::Work& until);
  /// A coroutine of one of its calls goes on, in the actor's turn.
  void post_resume(std::coroutine_handle<> handle, Record& record);

  enum class Ending { now, after_queued, restart };
  /// Calls that do not run any more fail with ActorDiedError and `cause`. `restart`: a fresh instance takes over if the
  /// options allow one more.
  void end(Ending ending, std::string cause);
  /// (turn) ends the actor after the current call.
  void request_exit() noexcept { exit_requested_ = true; }
  bool dead() const noexcept { return dead_.load(std::memory_order_acquire); }
  std::string cause();

  void set_instance(void* instance) noexcept { instance_ = instance; }
  int restarts() const noexcept { return restarts_.load(std::memory_order_relaxed); }
  const ActorOptions& options() const noexcept { return options_; }
  const ActorType& type() const noexcept { return type_; }
  /// 0 for calls outside groups; nothing for a group that the actor does not have.
  std::optional<std::uint32_t> lane(const std::string& group) const;

  ObjectId id;                   ///< when other ranks know the actor; under the baton
  scheduler::GrantId grant = 0;  ///< under the baton
  const std::uint32_t caller;    ///< names it as a caller

 private:
  struct Lane;
  enum class Turn : std::uint8_t { closed, idle, scheduled, running };

  ~ActorRecord();
  static void execute_turn(Runnable& runnable);
  static void deliver_call(Mail& mail, ActorRecord& actor);
  void post(Mail& mail);
  void schedule();
  bool take_turn(Turn from) noexcept;
  void drain(execution::Work* until);
  Mail* pop();
  void run_in_lane(Record& call);
  void invoke(Record& call);
  void fail(Record& call);
  void construct();
  void perish(std::string cause);

  const ActorType& type_;
  const ActorOptions options_;
  Record* constructor_;                // kept for restarts
  void* instance_ = nullptr;           // (turn)
  std::atomic<Mail*> inbox_{nullptr};  // newest first
  Mail* batch_ = nullptr;              // (turn) oldest first
  std::atomic<Turn> turn_{Turn::closed};
  std::atomic<bool> dead_{false};
  bool exit_requested_ = false;  // (turn)
  bool perished_ = false;        // (turn)
  std::atomic<int> restarts_{0};
  std::atomic<std::uint32_t> references_{1};
  std::atomic<std::uint32_t> gated_{0};                           // calls in gates_
  std::mutex mutex_;                                              // guards gates_, cause_ and lanes_
  std::unordered_map<std::uint64_t, std::deque<Record*>> gates_;  // by caller
  std::string cause_;
  std::vector<Lane> lanes_;  // empty: one call at a time
};

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
};

}  // namespace ringray::runtime
