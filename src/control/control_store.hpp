#pragma once
// The control store of the job: names, keys and values, topics, placement groups, membership. Rank 0 only.

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "ringray/base/time.hpp"
#include "ringray/control/messages.hpp"
#include "ringray/control/names.hpp"
#include "ringray/control/placement_groups.hpp"
#include "ringray/control/topics.hpp"
#include "ringray/control/values.hpp"
#include "ringray/scheduler/membership.hpp"
#include "ringray/wire/outbox.hpp"

namespace ringray::control {

struct ControlOptions {
  ValueLimits values;
  GroupTimes groups;
};

/// State machine; every request is answered once, also when it arrives twice. Baton holder of rank 0.
class ControlStore {
 public:
  /// `membership`: all ranks that came up. The store keeps its own.
  explicit ControlStore(scheduler::Membership membership, ControlOptions options = {});
  ControlStore(const ControlStore&) = delete;
  ControlStore& operator=(const ControlStore&) = delete;

  /// For Kind::control_request, Kind::subscription_known and Kind::reserved.
  void on_message(const wire::Envelope& envelope, wire::View payload, base::Nanoseconds now, wire::Outbox& outbox);
  /// Rank 0 itself found that incarnation dead; false when known. News go to rank 0 first, and on by MembershipRelay.
  bool rank_died(Rank rank, std::uint32_t epoch, base::Nanoseconds now, wire::Outbox& outbox);
  void tick(base::Nanoseconds now, wire::Outbox& outbox);

  const scheduler::Membership& membership() const { return membership_; }
  const PlacementGroups& groups() const { return groups_; }
  const Names& names() const { return names_; }
  /// Requests that are not known to have their answer.
  std::size_t kept_answers() const;

 private:
  struct Asked {  // one per rank: what was asked and not yet confirmed as answered
    std::uint32_t epoch = 0;
    std::uint64_t confirmed_below = 0;
    std::map<std::uint64_t, std::optional<wire::ByteBuffer>> answers;  // no bytes: answer comes later
  };
  void on_request(const wire::Envelope& envelope, wire::View payload, base::Nanoseconds now, wire::Outbox& outbox);
  void handle(const Asker& asker, Request request, base::Nanoseconds now, Answers& answers, wire::Outbox& outbox);
  void answer(const Asker& asker, const Reply& reply, wire::Outbox& outbox);
  void answer_all(const Answers& answers, wire::Outbox& outbox);
  void send_answer(const Asker& asker, const wire::ByteBuffer& bytes, wire::Outbox& outbox) const;
  std::optional<Reply> state_of(GroupId id) const;  // nothing while it is being placed
  void settle_groups(wire::Outbox& outbox);

  scheduler::Membership membership_;
  Names names_;
  Values values_;
  TopicStore topics_;
  PlacementGroups groups_;
  std::map<GroupId, std::vector<Asker>> group_waiters_;
  std::vector<Asked> asked_;  // by rank
  MembershipNews news_;
};

}  // namespace ringray::control
