#pragma once
// Where a task, actor or gang member is to run.

#include <cereal/types/string.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "ringray/base/ids.hpp"
#include "ringray/scheduler/ledger.hpp"
#include "ringray/scheduler/membership.hpp"
#include "ringray/scheduler/resources.hpp"

namespace ringray::scheduler {

/// A wish for a place. Hard unless made `soft()`: a soft wish that cannot be met now is ignored. Value.
struct Placement {
  enum class Kind : std::uint8_t { automatic, rank, host, near, spread, bundle, label, count };

  Kind kind = Kind::automatic;
  bool is_soft = false;
  Rank rank;                ///< Kind::rank
  ObjectId object;          ///< Kind::near
  BundleKey in_bundle;      ///< Kind::bundle
  std::string name, value;  ///< Kind::host: host name; Kind::label: key and value

  Placement soft() const {
    auto copy = *this;
    copy.is_soft = true;
    return copy;
  }
  std::string text() const;  ///< "on rank 3", "bundle 1 of group 0.7": for messages
  bool operator==(const Placement&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(kind, is_soft, rank, object, in_bundle, name, value);
  }
};

Placement on_rank(Rank rank);
Placement on_host(std::string name);
/// At the rank that holds most bytes of the object.
Placement near(ObjectId object);
/// Round-robin over all ranks that could run it, whatever they hold.
Placement spread();
Placement bundle(GroupId group, std::uint32_t index);
Placement label(std::string key, std::string value);

/// What a rank last said about its load. `demand` is what its queued and running tasks, its actors and its bundles
/// ask for together, so it may exceed what the rank has.
struct RankLoad {
  std::uint32_t queued = 0;   ///< tasks that have not started and may be stolen
  std::uint32_t running = 0;  ///< tasks that have started
  Resources demand;
  bool draining = false;  ///< takes no new work
  bool operator==(const RankLoad&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(queued, running, demand, draining);
  }
};

/// The last known load of every rank; may be stale. One thread.
class LoadView {
 public:
  explicit LoadView(std::uint32_t ranks) : loads_(ranks) {}
  void report(Rank rank, RankLoad load);
  /// Counts work that was sent to `rank`, until remove() or the next report.
  void add(Rank rank, const Resources& request);
  void remove(Rank rank, const Resources& request);
  const RankLoad& of(Rank rank) const { return loads_[rank.value]; }

 private:
  std::vector<RankLoad> loads_;
};

/// A rank that has a copy of something.
struct Holding {
  Rank rank;
  std::uint64_t bytes = 0;
};

/// Where a bundle is; `rank` is invalid as long as the group is not ready.
struct BundlePlace {
  std::uint32_t index = 0;
  Rank rank;
  Resources total;
};

struct PlacementQuestion {
  const Resources& resources;
  const Placement& placement;
  Rank here;
  std::span<const Holding> arguments{};    ///< copies of all by-value arguments, several entries per rank allowed
  std::span<const Holding> near_copies{};  ///< Kind::near: copies of the object; empty while it does not exist
  std::span<const BundlePlace> bundles{};  ///< Kind::bundle: the bundles of the group as far as known
  std::uint64_t turn = 0;                  ///< Kind::spread: how many were spread before, plus a random start
  std::uint64_t random = 0;                ///< breaks ties
};

struct PlacementPolicy {
  double packed_share = 0.5;  ///< a rank is filled up to this share of its resources before the next one is used
  std::uint64_t locality_bytes_min = 64 * 1024 + 1;  ///< more argument bytes elsewhere than here make moving worth it
};

/// No rank can ever run it; the reason names what the best rank has.
struct Unschedulable {
  std::string reason;
  bool for_good = false;  ///< whatever resources ranks get: it names a rank that is not there
};
/// No rank can run it yet; ask again when membership, load or the named object or group changed.
struct Wait {
  std::string reason;
};
using Choice = std::variant<Rank, Unschedulable, Wait>;

/// Decides, in this order: the explicit placement; what only other ranks have; the rank that holds most argument bytes;
/// here, as long as here is filled to packed_share at most; then the next ranks up to packed_share; then the least
/// loaded; when all are full, here (idle ranks steal). A rank qualifies when it is alive, does not drain and its
/// *total* resources are enough: the work may queue there.
Choice choose(const PlacementQuestion& question, const Membership& membership, const LoadView& load,
              const PlacementPolicy& policy = {});

}  // namespace ringray::scheduler
