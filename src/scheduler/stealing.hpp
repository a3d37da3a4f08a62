#pragma once
// How work finds idle ranks: lifeline work stealing (Saraswat et al., "Lifeline-based global load balancing", 2011).
//
// A hungry rank asks the last rank that gave, then ranks of its host, then random ones, then its lifelines (the
// ranks whose number differs in one bit). Whoever has nothing to give remembers who asked, and sends work when it has
// some. When all were asked the hungry rank rests: an idle job sends nothing. Pure; baton holder only.

#include <cstdint>
#include <vector>

#include "ringray/base/random.hpp"
#include "ringray/scheduler/membership.hpp"
#include "ringray/wire/outbox.hpp"

namespace ringray::scheduler {

class Stealing {
 public:
  class Giver {
   public:
    /// Sends at most half of what may move to `thief`; how many tasks that was. Must not call back.
    virtual std::uint32_t give(Rank thief) = 0;

   protected:
    ~Giver() = default;
  };

  Stealing(Rank self, std::uint32_t ranks, std::uint64_t seed, wire::Outbox& outbox, Giver& giver);
  /// Ranks that share the host are asked first.
  void set_host_mates(std::vector<Rank> mates) { mates_ = std::move(mates); }

  /// This rank has nothing to run. Cheap when a request is under way or all were asked.
  void hungry();
  /// True when somebody waits for work of this rank.
  bool wanted() const noexcept { return !waiting_.empty(); }
  /// This rank has more than it can run: feeds those who wait.
  void surplus();
  void on_message(const wire::Envelope& envelope);
  void on_rank_died(Rank rank);
  /// Now and then. A rank that rests asks again: not every task is given on, so work may be where it was not asked.
  void tick();
  bool resting() const noexcept { return resting_; }

 private:
  void ask(Rank victim);
  void plan();
  std::uint32_t give(Rank thief);

  const Rank self_;
  const std::uint32_t ranks_;
  base::Random random_;
  wire::Outbox& outbox_;
  Giver& giver_;
  std::vector<Rank> mates_;
  std::vector<Rank> victims_;  // still to be asked, last first
  Rank last_giver_, asked_;
  bool resting_ = false, giving_ = false;
  unsigned ticks_ = 0, rest_ticks_ = 1;  // rested so far, to rest
  std::vector<Rank> waiting_;            // hungry ranks that this one could not feed
  std::vector<std::uint8_t> dead_;
};

}  // namespace ringray::scheduler
