#include "ringray/scheduler/membership.hpp"

#include <utility>

namespace ringray::scheduler {

bool Membership::join(RankRecord record) {
  if (record.rank.value >= members_.size() || record.total.problem() || !record.total.gpus.whole()) return false;
  auto& member = members_[record.rank.value];
  if (member.state != State::absent && record.epoch <= member.record.epoch) return false;
  if (member.state != State::alive) ++alive_;
  member.record = std::move(record);
  member.state = State::alive;
  return true;
}

bool Membership::declare_dead(Rank rank, std::uint32_t epoch) {
  if (rank.value >= members_.size()) return false;
  auto& member = members_[rank.value];
  if (member.state == State::absent ? false : epoch < member.record.epoch) return false;
  if (member.state == State::dead && epoch == member.record.epoch) return false;
  if (member.state == State::alive) --alive_;
  member.state = State::dead;
  member.record.rank = rank;
  member.record.epoch = epoch;
  return true;
}

const RankRecord* Membership::find(Rank rank) const {
  if (rank.value >= members_.size() || members_[rank.value].state == State::absent) return nullptr;
  return &members_[rank.value].record;
}

std::vector<Rank> Membership::alive_ranks() const {
  std::vector<Rank> ranks;
  for (std::uint32_t i = 0; i < members_.size(); ++i)
    if (members_[i].state == State::alive) ranks.emplace_back(i);
  return ranks;
}

}  // namespace ringray::scheduler
