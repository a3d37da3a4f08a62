#pragma once
// Placement groups: all bundles of a group are reserved, or none.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ringray/base/result.hpp"
#include "ringray/base/time.hpp"
#include "ringray/control/messages.hpp"
#include "ringray/scheduler/membership.hpp"
#include "ringray/wire/outbox.hpp"

namespace ringray::control {

struct GroupTimes {
  base::Nanoseconds retry_first = std::chrono::milliseconds(1);   ///< doubles from here after each refusal
  base::Nanoseconds retry_last = std::chrono::milliseconds(100);  ///< ... up to here
  base::Nanoseconds hint_life = std::chrono::milliseconds(50);    ///< how long a rank's word on its free part counts
  base::Nanoseconds resend_after = std::chrono::seconds(1);       ///< reserve or unreserve without answer
  base::Nanoseconds give_up_after = std::chrono::seconds(5);      ///< a rank that does not answer: plan without it
};

/// Two phases: reserve on every planned rank, one group at a time; when all hold, the group is ready; on a refusal all
/// are unreserved and another plan is tried, or the same later. Nobody waits while holding. Ranks that died lose their
/// bundles; only those are placed again. Baton holder of rank 0.
class PlacementGroups {
 public:
  /// `membership` outlives this and changes only between calls, followed by rank_died.
  PlacementGroups(const scheduler::Membership& membership, GroupTimes times);

  /// True when new, false when known by that id. Fails on amounts that are none, no bundles, or a name in use.
  Result<bool> create(GroupSpecification specification, base::Nanoseconds now, wire::Outbox& outbox);
  bool remove(GroupId id, base::Nanoseconds now, wire::Outbox& outbox);
  const GroupRecord* find(GroupId id) const;
  const GroupRecord* find(const std::string& name) const;
  std::vector<GroupRecord> list() const;

  /// For Kind::reserved.
  void on_reserved(const wire::Envelope& envelope, wire::View payload, base::Nanoseconds now, wire::Outbox& outbox);
  void rank_died(Rank rank, base::Nanoseconds now, wire::Outbox& outbox);
  void tick(base::Nanoseconds now, wire::Outbox& outbox);

  /// Groups that became ready or infeasible, or were removed, since the last call.
  std::vector<GroupId> take_settled() { return std::exchange(settled_, {}); }
  /// What bundles hold on `rank`, asked for and being freed included.
  const Resources& bundled(Rank rank) const { return bundled_[rank.value]; }
  /// No reservation is under way or being undone.
  bool quiet() const { return !attempt_ && releasing_.empty(); }

 private:
  struct Group {
    GroupRecord record;
    std::uint64_t order = 0;              // of creation: who is tried first
    std::vector<std::uint64_t> attempts;  // per placed bundle: the attempt that reserved it
    base::Nanoseconds next_try{};
    base::Nanoseconds backoff{};
    std::set<Rank> avoid;  // refused although they seemed to have it (gpus in pieces), or did not answer
  };
  enum class Word : std::uint8_t { none, held, refused };
  struct Attempt {
    std::uint64_t number = 0;
    GroupId group;
    std::vector<std::uint32_t> bundles;  // indices
    std::vector<Rank> ranks;             // one per entry of bundles
    std::vector<Word> words;             // likewise
    base::Nanoseconds started{}, sent{};
  };
  enum class Why : std::uint8_t { removed, undone };
  struct Releasing {
    Resources resources;
    Why why = Why::removed;  // what an undone attempt held was free before: nobody needs to try again for it
    base::Nanoseconds sent{};
  };
  struct ReleaseKey {
    Rank rank;
    BundleKey bundle;
    std::uint64_t attempt = 0;
    auto operator<=>(const ReleaseKey&) const = default;
  };
  struct Hint {
    Resources free;
    base::Nanoseconds until{};
  };

  void advance(base::Nanoseconds now, wire::Outbox& outbox);
  void try_to_place(Group& group, base::Nanoseconds now, wire::Outbox& outbox);
  void start(Group& group, const Plan& plan, base::Nanoseconds now, wire::Outbox& outbox);
  void finish_attempt(base::Nanoseconds now, wire::Outbox& outbox);
  void abort_attempt(base::Nanoseconds now, wire::Outbox& outbox);
  void judge_feasibility(Group& group);
  void send_reserve(std::size_t entry, wire::Outbox& outbox) const;
  void send_unreserve(const ReleaseKey& key, wire::Outbox& outbox) const;
  void release(Rank rank, BundleKey bundle, std::uint64_t attempt, Why why, base::Nanoseconds now,
               wire::Outbox& outbox);
  void note_free(Rank rank, Resources free, base::Nanoseconds now);
  void wake_all(base::Nanoseconds now);
  std::vector<PlanRank> plan_ranks(const Group& group, base::Nanoseconds now) const;

  const scheduler::Membership& membership_;
  GroupTimes times_;
  std::map<GroupId, Group> groups_;
  std::map<std::uint64_t, GroupId> waiting_;  // pending or rescheduling, by order
  std::optional<Attempt> attempt_;
  std::uint64_t last_attempt_ = 0, last_order_ = 0;
  std::vector<Resources> bundled_;  // by rank: what bundles hold there, asked for and being freed included
  std::map<Rank, Hint> hints_;
  std::map<ReleaseKey, Releasing> releasing_;
  std::vector<GroupId> settled_;
};

}  // namespace ringray::control
