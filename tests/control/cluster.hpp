#pragma once
// A whole control plane in one thread: the store, a client, a ledger and a relay per rank, and the post between them.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <vector>

#include "ringray/base/random.hpp"
#include "ringray/control/control_client.hpp"
#include "ringray/control/control_store.hpp"
#include "ringray/control/membership_relay.hpp"
#include "ringray/control/reservations.hpp"
#include "ringray/control/topics.hpp"

namespace ringray::scheduler {
inline void PrintTo(const Resources& resources, std::ostream* stream) { *stream << resources.text(); }
}  // namespace ringray::scheduler

namespace ringray::control::testing {

struct Mail {
  Rank source, target;
  wire::Envelope envelope;
  std::vector<std::byte> payload;
};

struct ClusterOptions {
  std::uint64_t seed = 1;
  double drop = 0, duplicate = 0;  ///< probability per message
};

/// Messages of a pair arrive in order, pairs race. Everything is decided by the seed.
class Cluster {
 public:
  Cluster(std::vector<RankRecord> records, ClusterOptions options = {});

  /// Sends a request; the token names it in replies.
  std::uint64_t ask(Rank rank, const Request& request);
  /// Delivers one message of a random pair; false when none is under way.
  bool step();
  /// Delivers until nothing is under way, letting time pass when that is needed to reach it.
  void settle();
  void pass(base::Nanoseconds time);
  void kill(Rank rank);  ///< it is silent from now on; nobody knows yet

  std::optional<Result<Reply>> reply(std::uint64_t token) const;
  /// The reply, which must have come, be a success and of that kind.
  template <class T>
  T get(std::uint64_t token) const {
    return std::get<T>(replies.at(token).value());
  }
  /// ask, settle, get.
  template <class T>
  T call(Rank rank, const Request& request) {
    const auto token = ask(rank, request);
    settle();
    return get<T>(token);
  }

  struct Member {
    Member(Rank rank, const RankRecord& record, std::uint32_t ranks, const std::vector<RankRecord>& all);
    scheduler::Membership membership;
    scheduler::Ledger ledger;
    Reservations reservations;
    MembershipRelay relay;
    ControlClient client;
    Subscriptions subscriptions;
    std::vector<Mail> published;  ///< that came here
    ActorId ended;                ///< what subscribes for it does so in vain
    bool running = true;
    std::vector<DeadRank> died;
    std::vector<scheduler::Grant> evicted;
  };

  base::Nanoseconds now{};
  base::Random random;
  std::unique_ptr<ControlStore> store;
  std::vector<std::unique_ptr<Member>> members;
  std::map<std::uint64_t, Result<Reply>> replies;                             // by token
  std::vector<Mail> log;                                                      // all that was sent
  std::function<bool(const Mail&)> hold = [](const Mail&) { return false; };  ///< true: does not arrive yet

 private:
  class Post;
  void deliver(const Mail& mail);
  void tick();

  ClusterOptions options_;
  void deliver_all();

  std::map<std::pair<Rank, Rank>, std::deque<Mail>> under_way_;
  std::uint64_t last_token_ = 0;
};

std::vector<RankRecord> ranks_with(const std::vector<Resources>& totals);

}  // namespace ringray::control::testing
