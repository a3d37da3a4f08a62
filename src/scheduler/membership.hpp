#pragma once
// Who takes part in the job, what each rank has, and who is dead.

#include <atomic>
#include <cereal/types/map.hpp>
#include <cereal/types/string.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ringray/base/ids.hpp"
#include "ringray/scheduler/resources.hpp"

namespace ringray::scheduler {

using Labels = std::map<std::string, std::string>;

/// What every rank tells the others about itself at bring-up.
struct RankRecord {
  Rank rank;
  std::uint32_t epoch = 0;  ///< incarnation; a rank that comes back has a greater one
  std::uint64_t host = 0;   ///< equal on ranks that share memory
  std::string host_name;
  Resources total;
  Labels labels;
  std::uint32_t pid = 0;
  std::string arena;  ///< name of the shared-memory arena, opaque here
  bool operator==(const RankRecord&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(rank, epoch, host, host_name, total, labels, pid, arena);
  }
};

/// The records of all ranks and who is alive. Every rank has one; it changes by join and declare_dead only. One thread,
/// but any thread may ask alive(rank).
class Membership {
 public:
  explicit Membership(std::uint32_t ranks) : members_(ranks) {}

  /// False, and no change, when the rank does not exist, its resources are no amounts, or that epoch is over.
  bool join(RankRecord record);
  /// The incarnation is dead for ever. False when that was known already or a later one lives.
  bool declare_dead(Rank rank, std::uint32_t epoch);

  std::uint32_t size() const { return static_cast<std::uint32_t>(members_.size()); }
  std::uint32_t alive_count() const { return alive_; }
  bool alive(Rank rank) const {
    return rank.value < members_.size() && members_[rank.value].state.load(std::memory_order_relaxed) == State::alive;
  }
  bool alive(Rank rank, std::uint32_t epoch) const { return alive(rank) && members_[rank.value].record.epoch == epoch; }
  /// Null for a rank that never joined. Records of the dead are kept.
  const RankRecord* find(Rank rank) const;
  std::vector<Rank> alive_ranks() const;

 private:
  enum class State : std::uint8_t { absent, alive, dead };
  struct Member {
    Member() = default;
    Member(const Member& other) : record(other.record), state(other.state.load()) {}
    RankRecord record;
    std::atomic<State> state{State::absent};
  };
  std::vector<Member> members_;
  std::uint32_t alive_ = 0;
};

}  // namespace ringray::scheduler
