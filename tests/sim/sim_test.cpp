// Random programs on many simulated ranks. RINGRAY_SIM_SEED=n runs only that seed.

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>

#include "world.hpp"

namespace ringray::sim {
namespace {

std::optional<std::uint64_t> chosen_seed() {
  const auto* text = std::getenv("RINGRAY_SIM_SEED");
  return text ? std::optional(std::strtoull(text, nullptr, 0)) : std::nullopt;
}

Plan small(std::uint64_t seed) {
  return {.seed = seed, .ranks = 2 + static_cast<std::uint32_t>(seed % 7), .tasks = 150, .roots = 6};
}

Plan middle(std::uint64_t seed) {
  return {.seed = seed,
          .ranks = 8 + static_cast<std::uint32_t>(seed % 57),
          .tasks = 1500,
          .roots = 40,
          .check_every_step = false};
}

Plan large(std::uint64_t seed) {
  return {.seed = seed,
          .ranks = 1000 + static_cast<std::uint32_t>(seed % 100),
          .tasks = 10'000,
          .roots = 1000,
          .check_every_step = false};
}

Plan with_kills(Plan plan) {
  plan.kills = 1 + plan.ranks / 16;
  return plan;
}

void run(Plan (*plan_of)(std::uint64_t), bool kills, std::uint64_t from, std::uint64_t count) {
  if (const auto seed = chosen_seed()) from = *seed, count = 1;
  std::unordered_map<std::string, std::uint64_t> tally;
  std::uint64_t steps = 0;
  for (auto seed = from; seed < from + count; ++seed) {
    const auto plan = plan_of(seed);
    World world(kills ? with_kills(plan) : plan);
    const auto problem = world.run();
    steps += world.steps();
    for (const auto& [what, often] : world.tally) tally[what] += often;
    ASSERT_EQ(problem, "") << "again: RINGRAY_SIM_SEED=" << seed;
  }
  std::string text;
  for (const auto& [what, often] : tally) text += " " + what + " " + std::to_string(often);
  std::printf("%llu seeds, %llu events:%s\n", static_cast<unsigned long long>(count),
              static_cast<unsigned long long>(steps), text.c_str());
}

TEST(Simulation, ProgramsOnFewRanksKeepEveryRule) { run(small, false, 1, 90); }
TEST(Simulation, ProgramsOnTensOfRanksKeepEveryRule) { run(middle, false, 1, 30); }
TEST(Simulation, ProgramsOnAThousandRanksKeepEveryRule) { run(large, false, 1, 6); }
TEST(Simulation, ProgramsOnFewRanksSurviveDeaths) { run(small, true, 1001, 40); }
TEST(Simulation, ProgramsOnTensOfRanksSurviveDeaths) { run(middle, true, 1001, 30); }
TEST(Simulation, ProgramsOnAThousandRanksSurviveDeaths) { run(large, true, 1001, 4); }

TEST(Simulation, LongProgramsOnFewRanks) { run(small, false, 10'000, 5'000); }
TEST(Simulation, LongProgramsOnTensOfRanks) { run(middle, false, 10'000, 500); }
TEST(Simulation, LongProgramsOnAThousandRanks) { run(large, false, 10'000, 40); }
TEST(Simulation, LongDeathsOnFewRanks) { run(small, true, 10'000, 5'000); }
TEST(Simulation, LongDeathsOnTensOfRanks) { run(middle, true, 10'000, 500); }

// Found seeds.
TEST(Simulation, HolderThatBorrowsWhatItHoldsServesIt) { EXPECT_EQ(World(small(1)).run(), ""); }
TEST(Simulation, HolderThatReadsItsOwnStoreCountsNoBorrower) { EXPECT_EQ(World(small(17)).run(), ""); }
TEST(Simulation, RegistrationOfACoveredRankIsNotOvertakenByItsReply) { EXPECT_EQ(World(middle(1)).run(), ""); }
TEST(Simulation, RegistrationByARankThatOnesOwnCoverKeepsAliveIsNotEnough) { EXPECT_EQ(World(middle(17)).run(), ""); }
TEST(Simulation, ReferenceToALostObjectMayComeBeforeTheNewsOfTheDeath) {
  EXPECT_EQ(World(with_kills(small(12632))).run(), "");
}
TEST(Simulation, RegistrationsMadeByADeadRankAreReplaced) { EXPECT_EQ(World(with_kills(small(1010))).run(), ""); }

TEST(Simulation, TaskThatIsLostOnTheWayFromThiefToThiefEndsAtItsOwner) {
  EXPECT_EQ(World(with_kills(small(1011))).run(), "");
}

}  // namespace
}  // namespace ringray::sim
