#pragma once
// All simulated ranks, the network between them, and what must be true at every moment.

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "network.hpp"
#include "rank.hpp"

namespace ringray::sim {

struct Plan {
  std::uint64_t seed = 1;
  std::uint32_t ranks = 8;
  std::uint32_t tasks = 300;  ///< of all programs together
  std::uint32_t roots = 8;    ///< programs
  std::uint32_t kills = 0;
  bool check_every_step = true;
};

/// One thread.
class World {
 public:
  explicit World(const Plan& plan);
  /// Runs to the end; the first problem found, or empty.
  std::string run();

  Network& network() noexcept { return network_; }
  const Plan& plan() const noexcept { return plan_; }
  SimRank& rank(Rank rank) { return *ranks_[rank.value]; }
  void hold(ObjectId id, int change);
  /// An owner frees an object.
  void freed(ObjectId id);
  void problem(std::string text);
  bool spend() { return budget_ > 0 && budget_-- > 0; }
  std::uint64_t next_serial() { return ++serial_; }
  void executed(std::uint64_t serial);
  bool alive(Rank rank) const { return !dead_[rank.value]; }
  std::uint64_t steps() const noexcept { return steps_; }
  /// How often things happened, so that a test can tell that they did.
  std::unordered_map<std::string, std::uint64_t> tally;

 private:
  bool quiet();  ///< runs until no event is left
  void handle(const Event& event);
  void check();
  std::string leftovers();

  Plan plan_;
  Network network_;
  base::Random random_;
  std::vector<std::unique_ptr<SimRank>> ranks_;
  std::vector<std::uint8_t> dead_;
  std::vector<std::vector<std::uint8_t>> told_;  // [rank][dead rank]
  std::unordered_map<ObjectId, std::int64_t> held_;
  std::unordered_map<std::uint64_t, int> executed_;
  std::int64_t budget_;
  std::uint64_t serial_ = 0, steps_ = 0;
  std::string problem_;
};

}  // namespace ringray::sim
