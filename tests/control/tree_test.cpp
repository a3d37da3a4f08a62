#include "ringray/control/tree.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <set>

#include "ringray/base/random.hpp"

namespace ringray::control {
namespace {

static_assert(tree_parent(6) == Rank(4) && tree_parent(7) == Rank(6) && tree_parent(8) == Rank(0));
static_assert(tree_children(0, 6) == std::vector<Rank>{4, 2, 1});
static_assert(tree_children(4, 6) == std::vector<Rank>{5});

TEST(Tree, EveryRankIsReachedOnceAndNamesItsParent) {
  for (std::uint32_t ranks = 1; ranks <= 130; ++ranks) {
    std::set<Rank> reached{0};
    std::vector<std::pair<Rank, int>> visit{{0, 0}};
    for (std::size_t i = 0; i < visit.size(); ++i) {
      const auto [rank, depth] = visit[i];
      EXPECT_LE(depth, std::bit_width(ranks - 1));
      for (const auto child : tree_children(rank, ranks)) {
        EXPECT_EQ(tree_parent(child), rank);
        EXPECT_TRUE(reached.insert(child).second);
        visit.emplace_back(child, depth + 1);
      }
    }
    EXPECT_EQ(reached.size(), ranks);
  }
}

TEST(Tree, LargestJobHasChildrenToo) {
  EXPECT_EQ(tree_children(0, 0x8000'0001u).front(), Rank(0x8000'0000u));
  EXPECT_TRUE(tree_children(0x8000'0000u, 0x8000'0001u).empty());
}

TEST(Tree, LivingRanksAreReachedPastTheDead) {
  base::Random random(7);
  for (int round = 0; round < 300; ++round) {
    const auto ranks = static_cast<std::uint32_t>(1 + random.below(100));
    std::vector<bool> dead(ranks);
    for (std::uint32_t i = 1; i < ranks; ++i) dead[i] = random.chance(0.4);
    const auto alive = [&](Rank rank) { return !dead[rank.value]; };
    std::vector<Rank> visit{0};
    for (std::size_t i = 0; i < visit.size(); ++i)
      for (const auto child : live_tree_children(visit[i], ranks, alive)) {
        EXPECT_EQ(live_tree_parent(child, alive), visit[i]);
        visit.push_back(child);
      }
    EXPECT_EQ(std::set<Rank>(visit.begin(), visit.end()).size(), visit.size());
    EXPECT_EQ(visit.size(), static_cast<std::size_t>(std::count(dead.begin(), dead.end(), false)));
  }
}

}  // namespace
}  // namespace ringray::control
