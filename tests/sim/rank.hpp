#pragma once
// A simulated rank: the real Owner and Stealing, and a random program in place of users' code.

#include <deque>
#include <map>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "network.hpp"
#include "ringray/scheduler/stealing.hpp"

namespace ringray::sim {

class World;

/// Carried::flags: it passed through an actor or a stash, so nobody waits for it (that could be a circle), and no
/// value contains it (a circle of references is never freed).
inline constexpr std::uint32_t tainted = 1;
/// Carried::flags: the result of an actor's method, which may contain tainted ones: no value contains it.
inline constexpr std::uint32_t not_nested = 2;

/// What a rank knows of an object: the part of runtime::ObjectState that the protocol needs.
struct State {
  Carried carried;
  std::int64_t references = 0;  ///< of the program here; one handle each
  bool done = false, failed = false, fetched = false, value_asked = false, ready_asked = false, place_asked = false;
  bool remote = false;  ///< stored at its executor
  bool large = false;   ///< served from a store
  bool encoding = false, encoded = false;
  std::uint64_t correlation = 0;  ///< of the request that makes it
  std::vector<Carried> inner;     ///< references inside the value
  Rank lender;
  std::vector<std::uint64_t> waiters;  ///< tasks
};

/// What a request's payload starts with.
struct Body {
  std::uint64_t serial = 0, seed = 0;
  std::uint32_t depth = 0, results = 1, by_value = 0, order = 0, inline_only = 0, padding = 0;
};

struct Task {
  std::uint64_t key = 0;
  Body body;
  base::Random random{0};
  Rank caller;  ///< not valid: of this rank
  std::uint64_t correlation = 0;
  ActorId actor;  ///< a call
  bool wants_reply = true, cancelled = false;
  std::vector<Carried> covered, locals, results;  ///< results: of this rank's own tasks
  std::vector<ObjectId> needs, ready;             ///< what it waits for
  unsigned steps = 0;
  std::uint64_t moves = 0;  ///< how often it was given on
};

/// One thread.
class SimRank final : owner::Environment, wire::Outbox, scheduler::Stealing::Giver {
 public:
  SimRank(World& world, Rank self, std::uint32_t ranks, std::uint64_t seed);

  void start_root();
  void on_message(const Envelope& envelope, View payload);
  void on_bulk(const Envelope& envelope);
  void on_rank_died(Rank rank);
  void step(std::uint64_t task);
  void settle(ObjectId id);
  void let_go();  ///< of what outlives tasks
  void drain();   ///< drops what garbage held

  std::string problem_at_end() const;  ///< empty: nothing is left
  std::string problem_now() const;     ///< of counts
  bool idle() const noexcept { return tasks_.empty() && owner_.requests() == 0; }
  const std::unordered_map<ObjectId, State>& states() const noexcept { return states_; }
  const owner::Owner& owner() const noexcept { return owner_; }

 private:
  struct Pending {
    std::vector<Carried> results;
  };
  struct Actor {
    std::vector<Carried> kept;
    std::deque<std::uint64_t> calls;
    bool dying = false;
    std::map<Rank, std::uint32_t> last_order;
  };

  // owner::Environment
  void replied(const owner::Request&, std::uint64_t, std::span<const owner::Outcome>) override;
  void arrived(ObjectId, owner::Token, owner::Arrival) override;
  owner::Held held(ObjectId, owner::Token, Rank) override;
  void garbage(ObjectId, owner::Token, Rank) override;
  void returned(ObjectId, Rank) override;
  void cancel_requested(ObjectId, owner::Token, std::uint8_t) override;
  // wire::Outbox
  void send(Rank target, Envelope envelope, View payload) override;
  void send_bulk(Rank target, Envelope envelope, wire::Lease bytes) override;
  // scheduler::Stealing::Giver
  std::uint32_t give(Rank thief) override;

  // references.cpp
  State& state_of(const Carried& carried);
  Carried own(ObjectId id, Rank home = {});  ///< the state of a new object, with the handle that Owner counted
  Carried adopt(Carried carried);
  Carried copy(Carried carried);
  void give_back(const Carried& carried);
  void give_back_all(std::vector<Carried>& all);
  void complete(const Carried& result, std::vector<Carried> inner, bool failed);
  void wake(State& state);
  bool here(const State& state) const;
  bool await_value(ObjectId id, std::uint64_t task);
  bool await_ready(ObjectId id, std::uint64_t task);
  void forget(ObjectId id);

  // program.cpp
  void act(Task& task);
  void put(Task& task);
  void submit(Task& task);
  void spawn(Task& task);
  void call(Task& task, bool one_way);
  void cancel(const Carried& carried);
  void end(Task& task);
  void answer(Task& task, std::vector<owner::Outcome>& outcomes, std::vector<std::vector<Carried>>& inner);
  void act_in_actor(Task& task);
  Pending* expect(std::vector<Carried> results = {});
  void enqueue(std::unique_ptr<Task> task, std::uint64_t within_ns);
  std::vector<Carried> some(Task& task, unsigned most, bool (*fits)(const Carried&));
  const Carried* pick(Task& task, bool (*fits)(const Carried&));
  Rank any_rank(base::Random& random) const;

  // receive.cpp
  void on_submit(const Envelope& envelope, View payload);
  void on_spawn(const Envelope& envelope, View payload);
  void on_call(const Envelope& envelope, View payload);
  void on_actor_state(const Envelope& envelope);
  void on_cancel(const Envelope& envelope);
  void deliver_early(ObjectId id);
  void end_actor(ObjectId id, bool now);
  void refuse(const Envelope& envelope, View payload);
  void give_on(Task& task, Rank thief);
  std::vector<std::byte> payload_of(const Body& body, std::span<const Carried> references) const;

  World& world_;
  const Rank self_;
  base::Random random_;
  owner::Owner owner_;
  scheduler::Stealing stealing_;
  std::unordered_map<ObjectId, State> states_;
  std::map<std::uint64_t, std::unique_ptr<Task>> tasks_;
  std::unordered_map<owner::Token, std::unique_ptr<Pending>> pending_;
  std::vector<std::uint64_t> queue_;  // this rank's tasks that have not started and may move
  std::map<std::pair<Rank, std::uint64_t>, std::uint64_t> executing_;
  std::map<ObjectId, Actor> actors_;
  std::unordered_set<ObjectId> dead_actors_;
  std::map<ObjectId, std::vector<std::pair<Envelope, std::vector<std::byte>>>> early_;
  std::unordered_map<ObjectId, std::vector<Carried>> stored_;  // values of others' results
  std::map<std::pair<ObjectId, Rank>, int> lent_;
  std::vector<Carried> stash_;
  std::vector<Carried> graves_;
  std::vector<Carried> held_references_;
  std::unordered_set<std::uint32_t> dead_;
  std::map<ObjectId, std::uint32_t> call_order_;
};

}  // namespace ringray::sim
