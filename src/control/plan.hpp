#pragma once
// Which rank each bundle of a placement group goes to. Pure.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ringray/base/ids.hpp"
#include "ringray/scheduler/resources.hpp"

namespace ringray::control {

/// How the bundles of a group lie: on few ranks (of one host if possible), on many (of many hosts), all on one rank,
/// each on a rank of its own.
enum class Strategy : std::uint8_t { pack, spread, strict_pack, strict_spread, count };

struct PlanRank {
  Rank rank;
  std::uint64_t host = 0;
  scheduler::Resources free;
};

struct PlanRequest {
  std::span<const scheduler::Resources> bundles;
  std::span<const Rank> placed;  ///< one per bundle; valid where the bundle has its rank already
  Strategy strategy = Strategy::pack;
};

struct Plan {
  /// not_found: the search ended at its step limit, so a plan may exist.
  enum class Outcome : std::uint8_t { found, impossible, not_found };
  Outcome outcome = Outcome::impossible;
  std::vector<Rank> ranks;  ///< one per bundle when found
};

/// `ranks`: what may be used, less what the placed bundles hold.
Plan plan_bundles(const PlanRequest& request, std::vector<PlanRank> ranks);

/// For people: why plan_bundles found nothing on these ranks, naming what the best rank has.
std::string shortage(const PlanRequest& request, std::span<const PlanRank> ranks);

}  // namespace ringray::control
