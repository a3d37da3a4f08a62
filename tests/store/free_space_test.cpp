#include "ringray/store/free_space.hpp"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "ringray/base/random.hpp"

namespace ringray::store {
namespace {

TEST(FreeSpace, OffsetsAreAlignedAndSmallestRequestTakesOneUnit) {
  FreeSpace space(4096);
  EXPECT_EQ(space.allocate(0), 0u);
  EXPECT_EQ(space.allocate(1), 64u);
  EXPECT_EQ(space.allocate(65), 128u);
  EXPECT_EQ(space.used(), 256u);
}

TEST(FreeSpace, RefusesWhatCannotFitWithoutOverflow) {
  FreeSpace space(4096);
  EXPECT_FALSE(space.allocate(4097));
  EXPECT_FALSE(space.allocate(~std::uint64_t{0}));
  EXPECT_FALSE(space.allocate(~std::uint64_t{0} - 63));
  EXPECT_TRUE(space.allocate(4096));
  EXPECT_FALSE(space.allocate(1));
}

TEST(FreeSpace, BestFitLeavesLargeHoleWhole) {
  FreeSpace space(1 << 20);
  const auto large = *space.allocate(4096);
  space.allocate(64);
  const auto small = *space.allocate(1024);
  space.allocate(64);
  space.free(large);
  space.free(small);
  EXPECT_EQ(space.allocate(1000), small);
  EXPECT_EQ(space.allocate(4096), large);
}

TEST(FreeSpace, BlockFreedLastIsReusedFirst) {
  FreeSpace space(1 << 20);
  std::vector<std::uint64_t> blocks;
  for (int i = 0; i < 6; ++i) {
    blocks.push_back(*space.allocate(256));
    space.allocate(64);  // keeps the holes apart
  }
  for (const int i : {3, 0, 5, 2}) space.free(blocks[i]);
  for (const int i : {2, 5, 0, 3}) EXPECT_EQ(space.allocate(256), blocks[i]);
}

TEST(FreeSpace, UntouchedMemoryIsUsedLast) {
  FreeSpace space(1 << 20);
  const auto first = *space.allocate(100'000);
  space.allocate(64);
  const auto frontier = space.frontier();
  space.free(first);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(space.allocate(960));
  EXPECT_EQ(space.frontier(), frontier);
}

TEST(FreeSpace, LastHoleGrowsIntoUntouchedMemory) {
  FreeSpace space(4096);
  const auto block = *space.allocate(1024);
  space.free(block);
  EXPECT_EQ(space.allocate(4096), block);
}

TEST(FreeSpace, RandomUseNeverOverlapsAndCoalescesToOneRange) {
  const auto seed = base::random_seed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  base::Random random(seed);
  const std::uint64_t capacity = 1 << 20;
  FreeSpace space(capacity);
  std::map<std::uint64_t, std::uint64_t> live;  // offset -> rounded bytes
  std::uint64_t used = 0;
  for (int step = 0; step < 50'000; ++step) {
    if (live.empty() || random.chance(0.52)) {
      const auto bytes = random.chance(0.9) ? random.below(2000) : random.below(200'000);
      const auto rounded = std::max<std::uint64_t>(64, (bytes + 63) / 64 * 64);
      const auto offset = space.allocate(bytes);
      if (!offset) continue;
      ASSERT_EQ(*offset % 64, 0u);
      ASSERT_LE(*offset + rounded, capacity);
      const auto next = live.lower_bound(*offset);
      ASSERT_TRUE(next == live.end() || *offset + rounded <= next->first);
      ASSERT_TRUE(next == live.begin() || std::prev(next)->first + std::prev(next)->second <= *offset);
      live.emplace(*offset, rounded);
      used += rounded;
    } else {
      auto victim = live.lower_bound(random.below(capacity));
      if (victim == live.end()) victim = live.begin();
      space.free(victim->first);
      used -= victim->second;
      live.erase(victim);
    }
    ASSERT_EQ(space.used(), used);
  }
  for (const auto& [offset, bytes] : live) space.free(offset);
  EXPECT_EQ(space.used(), 0u);
  EXPECT_EQ(space.allocate(capacity), 0u);
}

TEST(FreeSpaceDeathTest, FreeingTwiceIsOurBug) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  FreeSpace space(4096);
  const auto offset = *space.allocate(64);
  space.free(offset);
  EXPECT_DEATH(space.free(offset), "freed what was not allocated");
}

}  // namespace
}  // namespace ringray::store
