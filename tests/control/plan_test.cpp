#include "ringray/control/plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "ringray/base/random.hpp"

namespace ringray::control {
namespace {

using scheduler::Amount;
using scheduler::Resources;

std::vector<Resources> cpus(std::initializer_list<double> amounts) {
  std::vector<Resources> all;
  for (const auto amount : amounts) all.push_back({.cpus = amount});
  return all;
}

// Two ranks per host.
std::vector<PlanRank> on(const std::vector<Resources>& free) {
  std::vector<PlanRank> ranks;
  for (std::uint32_t i = 0; i < free.size(); ++i) ranks.push_back({i, i / 2, free[i]});
  return ranks;
}

struct Case {
  const char* claim;
  Strategy strategy;
  std::vector<Resources> bundles, free;
  std::vector<std::uint32_t> ranks;  // empty: impossible
};

TEST(Plan, StrategiesPlaceAsNamed) {
  const Case cases[] = {
      {"pack uses one rank, the fullest that has room", Strategy::pack, cpus({1, 2}), cpus({8, 3, 4}), {1, 1}},
      {"pack stays on a host when a rank is too small", Strategy::pack, cpus({2, 2}), cpus({2, 1, 3, 3}), {2, 3}},
      {"pack places large bundles first", Strategy::pack, cpus({1, 3, 2}), cpus({3, 3}), {1, 0, 1}},
      {"strict_pack is on one rank", Strategy::strict_pack, cpus({1, 2, 1}), cpus({3, 4}), {1, 1, 1}},
      {"strict_pack or nothing", Strategy::strict_pack, cpus({2, 2}), cpus({3, 3}), {}},
      {"spread goes to other hosts first", Strategy::spread, cpus({1, 1, 1}), cpus({4, 4, 4, 4}), {0, 2, 1}},
      {"spread doubles up when ranks are few", Strategy::spread, cpus({1, 1, 1}), cpus({2, 1}), {0, 1, 0}},
      {"strict_spread never shares a rank", Strategy::strict_spread, cpus({1, 1, 1}), cpus({9, 9}), {}},
      {"strict_spread leaves the large rank to the large bundle",
       Strategy::strict_spread,
       cpus({1, 4}),
       cpus({4, 1}),
       {1, 0}},
      {"bundles find the kind they need",
       Strategy::spread,
       {{.cpus = 1}, {.gpus = 1}},
       {{.cpus = 1, .gpus = 1}, {.cpus = 1}},
       {1, 0}},
      {"together too much", Strategy::pack, cpus({2, 2}), cpus({2, 1}), {}},
      {"one too large", Strategy::spread, cpus({1, 5}), cpus({4, 4}), {}},
      {"no way to cut it", Strategy::pack, cpus({2, 2, 2}), cpus({3, 3}), {}},
  };
  for (const auto& test : cases) {
    const std::vector<Rank> placed(test.bundles.size());
    const auto plan = plan_bundles({test.bundles, placed, test.strategy}, on(test.free));
    std::vector<std::uint32_t> ranks;
    for (const auto rank : plan.ranks) ranks.push_back(rank.value);
    EXPECT_EQ(plan.outcome, test.ranks.empty() ? Plan::Outcome::impossible : Plan::Outcome::found) << test.claim;
    if (plan.outcome == Plan::Outcome::found) {
      EXPECT_EQ(ranks, test.ranks) << test.claim;
    }
  }
}

TEST(Plan, PlacedBundlesStay) {
  const auto bundles = cpus({1, 1, 1});
  const std::vector<Rank> placed{2, Rank{}, 0};
  const auto plan = plan_bundles({bundles, placed, Strategy::strict_spread}, on(cpus({3, 3, 3})));
  EXPECT_EQ(plan.ranks, (std::vector<Rank>{2, 1, 0}));
  EXPECT_EQ(plan_bundles({bundles, placed, Strategy::strict_spread}, on(cpus({3, 0, 3}))).outcome,
            Plan::Outcome::impossible);
}

TEST(Plan, ShortageNamesWhatTheBestRankHas) {
  const std::vector<Rank> placed(2);
  const std::vector<Resources> gpus{{.cpus = 1}, {.gpus = 4}};
  EXPECT_EQ(shortage({gpus, placed, Strategy::pack}, on({{.cpus = 8}, {.cpus = 1, .gpus = 2}})),
            "bundle 1 needs 4 gpus (the best, rank 1, has 1 cpu, 2 gpus)");
  const auto two = cpus({2, 2});
  EXPECT_EQ(shortage({two, placed, Strategy::strict_pack}, on(cpus({3, 2}))),
            "all bundles on one rank need 4 cpus (the best, rank 0, has 3 cpus)");
  EXPECT_NE(shortage({two, placed, Strategy::strict_spread}, on(cpus({8}))).find("a rank each"), std::string::npos);
  EXPECT_EQ(shortage({two, placed, Strategy::pack}, {}), "no rank is left");
}

bool brute_force(const std::vector<Resources>& bundles, std::vector<PlanRank> ranks, Strategy strategy,
                 std::vector<std::size_t>& chosen) {
  if (chosen.size() == bundles.size()) return true;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    if (!bundles[chosen.size()].fits_in(ranks[i].free)) continue;
    if (strategy == Strategy::strict_spread && std::count(chosen.begin(), chosen.end(), i)) continue;
    if (strategy == Strategy::strict_pack && !chosen.empty() && chosen[0] != i) continue;
    auto rest = ranks;
    rest[i].free -= bundles[chosen.size()];
    chosen.push_back(i);
    if (brute_force(bundles, rest, strategy, chosen)) return true;
    chosen.pop_back();
  }
  return false;
}

TEST(Plan, FindsAPlanExactlyWhenThereIsOne) {
  int found = 0, impossible = 0;
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    base::Random random(seed);
    const auto some = [&](std::uint64_t limit) {
      return Resources{.cpus = Amount(random.below(limit)), .gpus = Amount(random.below(3))};
    };
    std::vector<Resources> bundles(1 + random.below(5)), free(1 + random.below(4));
    for (auto& bundle : bundles) bundle = some(4);
    for (auto& rank : free) rank = some(8);
    const auto strategy = static_cast<Strategy>(random.below(4));
    const std::vector<Rank> placed(bundles.size());
    const auto plan = plan_bundles({bundles, placed, strategy}, on(free));
    std::vector<std::size_t> chosen;
    const bool exists = brute_force(bundles, on(free), strategy, chosen);
    ASSERT_EQ(plan.outcome, exists ? Plan::Outcome::found : Plan::Outcome::impossible);
    ++(exists ? found : impossible);
    if (!exists) continue;
    for (std::size_t i = 0; i < bundles.size(); ++i)
      free.at(plan.ranks[i].value) -= bundles[i];  // asserts that it fits
    const std::set<Rank> used(plan.ranks.begin(), plan.ranks.end());
    if (strategy == Strategy::strict_pack) {
      ASSERT_EQ(used.size(), 1u);
    }
    if (strategy == Strategy::strict_spread) {
      ASSERT_EQ(used.size(), bundles.size());
    }
  }
  EXPECT_GT(found, 500);
  EXPECT_GT(impossible, 500);
}

#ifdef __SANITIZE_ADDRESS__
constexpr std::size_t many = 200;
#else
constexpr std::size_t many = 1000;
#endif

TEST(Plan, LargeGroupsAreBounded) {
  const std::vector<Resources> free(many, {.cpus = 4});
  for (const auto strategy : {Strategy::pack, Strategy::spread, Strategy::strict_spread}) {
    const std::vector<Resources> bundles(many, {.cpus = 3});
    const std::vector<Rank> placed(bundles.size());
    EXPECT_EQ(plan_bundles({bundles, placed, strategy}, on(free)).outcome, Plan::Outcome::found);
  }
  // A tenth more bundles of 3 than ranks of 4 fit as a sum but not piece by piece.
  const std::vector<Resources> bundles(many * 11 / 10, {.cpus = 3});
  const std::vector<Rank> placed(bundles.size());
  EXPECT_NE(plan_bundles({bundles, placed, Strategy::pack}, on(free)).outcome, Plan::Outcome::found);
}

}  // namespace
}  // namespace ringray::control
