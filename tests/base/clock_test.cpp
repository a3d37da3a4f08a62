// The hybrid logical clock of host and device. Numbers: conformance/device.md.

#include "ringray/base/clock.hpp"

#include <gtest/gtest.h>

#include "ringray/base/random.hpp"

namespace ringray::base {
namespace {

constexpr std::uint64_t unit = 1 << 16;  // ns

TEST(HybridClock, C44_TimesAreTotallyOrderedAndPackedInOneWord) {
  EXPECT_LT((HybridTime{5, 0}), (HybridTime{6, 0}));
  EXPECT_LT((HybridTime{5, 0}), (HybridTime{5, 1}));
  EXPECT_LT((HybridTime{5, 9}), (HybridTime{6, 1}));
  EXPECT_EQ((HybridTime{}), (HybridTime{0, 0}));
  HybridClock clock;
  EXPECT_EQ(clock.last(), 0u);
  EXPECT_GT(clock.tick(0), 0u) << "zero is before all times";
  const HybridTime time{hybrid_at(7 * unit) | 9, 0};
  EXPECT_EQ(time.physical_ns(), 7 * unit);
  EXPECT_EQ(time.logical(), 9);
}

TEST(HybridClock, C46_AReceivedTimeIsBeforeTheNext) {
  HybridClock clock;
  const auto first = clock.tick(10 * unit);
  const auto ahead = clock.receive(10 * unit, 20 * unit + 5);
  EXPECT_GT(ahead, 20 * unit + 5);
  EXPECT_GT(ahead, first);
  const auto past = clock.receive(10 * unit, 3 * unit);
  EXPECT_GT(past, ahead) << "a time of the past advances, too";
}

TEST(HybridClock, C47_ATimeTooFarAheadIsRecognisedAndNotTakenOver) {
  EXPECT_TRUE(is_skewed(hybrid_at(111 * unit), 10 * unit, 100 * unit));
  EXPECT_FALSE(is_skewed(hybrid_at(110 * unit), 10 * unit, 100 * unit));
  EXPECT_FALSE(is_skewed(hybrid_at(1 * unit), 10 * unit, 0)) << "the past is never too far";
}

TEST(HybridClock, C48_AChainOverFiveRanksIsOrderedAlthoughTheirClocksDiffer) {
  Random random(3);
  HybridClock clocks[5];
  const std::uint64_t offsets[5] = {0, 50 * unit, 3 * unit, 200 * unit, 7 * unit};
  std::uint64_t last = 0;
  for (int step = 0; step < 1000; ++step) {
    const int rank = step % 5;
    const auto wall = 1000 * unit + offsets[rank] + random.below(5 * unit);  // also steps back
    last = clocks[rank].receive(wall, last);
    const auto sent = clocks[rank].tick(wall - random.below(10 * unit));
    EXPECT_GT(sent, last);
    last = sent;
  }
}

TEST(HybridClock, C48_AWallClockThatStepsBackDoesNotRegress) {
  HybridClock clock;
  const auto before = clock.tick(100 * unit);
  EXPECT_GT(clock.tick(5 * unit), before);
}

TEST(HybridClock, C49_WhatTheClockShowsIsNeverAfterALaterTick) {
  HybridClock clock;
  for (std::uint64_t wall = 0; wall < 100 * unit; wall += unit / 3) {
    const auto shown = clock.last();
    EXPECT_GT(clock.tick(wall), shown);
  }
}

static_assert(hybrid_receive(5, 0, 9) == 10 && hybrid_receive(9, 0, 5) == 10 && hybrid_receive(5, unit, 9) == unit);

}  // namespace
}  // namespace ringray::base
