// What counters mean. Numbers: conformance/device.md.

#include "ringray/device/telemetry.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace ringray::device {
namespace {

TEST(Histogram, C63_QuantilesAreWithinAFactorOfTwo) {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 1000; ++value) histogram.add(value);
  EXPECT_EQ(histogram.count(), 1000u);
  for (const double share : {0.01, 0.5, 0.9, 0.99, 1.0}) {
    const auto quantile = static_cast<double>(histogram.quantile(share));
    EXPECT_GE(quantile, share * 1000) << share;
    EXPECT_LE(quantile, 2 * share * 1000) << share;
  }
  EXPECT_EQ(Histogram().quantile(0.5), 0u);
}

TEST(Histogram, C63_WhatIsTooLargeIsCountedAsOverflow) {
  Histogram histogram;
  histogram.add(0);
  histogram.add(std::numeric_limits<std::uint64_t>::max());
  histogram.add(std::uint64_t{1} << 31);
  histogram.add((std::uint64_t{1} << 30) - 1);
  EXPECT_EQ(histogram.overflow(), 2u);
  EXPECT_EQ(histogram.buckets[0], 1u);
  EXPECT_EQ(histogram.count(), 4u);
  EXPECT_EQ(histogram.quantile(1), std::numeric_limits<std::uint64_t>::max());
}

TEST(Histogram, EveryValueLiesBetweenTheEndsOfItsBucket) {
  for (int shift = 0; shift < 64; ++shift)
    for (const auto value : {(std::uint64_t{1} << shift) - 1, std::uint64_t{1} << shift}) {
      Histogram histogram;
      histogram.add(value);
      int bucket = 0;
      while (histogram.buckets[bucket] == 0) ++bucket;
      EXPECT_LE(Histogram::lower(bucket), value);
      EXPECT_GE(Histogram::upper(bucket), value);
    }
}

TEST(Telemetry, C63_AveragesRatesAndMerges) {
  Telemetry a{.handled = 90, .buried = 6, .busy_ticks = 900, .dropped = 4, .depth = 3, .depth_max = 9, .capacity = 10};
  const Telemetry b{.handled = 10, .busy_ticks = 1100, .depth = 8, .depth_max = 8, .capacity = 64};
  EXPECT_DOUBLE_EQ(a.drop_rate(), 0.1);
  EXPECT_DOUBLE_EQ(a.busy_ticks_mean(), 10);
  EXPECT_DOUBLE_EQ(b.drop_rate(), 0);
  EXPECT_DOUBLE_EQ(Telemetry{}.busy_ticks_mean(), 0);
  a.merge(b);
  EXPECT_EQ(a.handled, 100u);
  EXPECT_DOUBLE_EQ(a.busy_ticks_mean(), 20);
  EXPECT_EQ(a.depth, 3u) << "of the fullest: 3 of 10 is more than 8 of 64";
  EXPECT_EQ(a.depth_max, 9u);
}

TEST(Telemetry, AnIntervalIsTheDifferenceOfTwoReadings) {
  Telemetry before{.handled = 10, .failed = 1, .sent = 5}, now{.handled = 30, .failed = 1, .sent = 25, .depth = 4};
  before.busy.add(7);
  now.busy.add(7);
  now.busy.add(100);
  const auto interval = now.since(before);
  EXPECT_EQ(interval.handled, 20u);
  EXPECT_EQ(interval.failed, 0u);
  EXPECT_EQ(interval.sent, 20u);
  EXPECT_EQ(interval.depth, 4u);
  EXPECT_EQ(interval.busy.count(), 1u);
}

TEST(Telemetry, C63_AlertsBeginAtTheirThresholdsAndTheWorstIsFirst) {
  const AlertRules rules{.busy_ticks_p99 = {.warning = 1000}};
  EXPECT_TRUE(alerts({.handled = 100}, rules).empty());
  const auto warning = alerts({.handled = 99, .buried = 1}, rules);
  ASSERT_EQ(warning.size(), 1u);
  EXPECT_EQ(warning[0].rule, "drop_rate");
  EXPECT_EQ(warning[0].severity, Severity::warning);
  Telemetry bad{.handled = 99, .failed = 1, .depth = 90, .capacity = 100};
  bad.busy.add(5000);
  const auto found = alerts(bad, rules);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].rule, "fill");
  EXPECT_EQ(found[0].severity, Severity::critical);
  EXPECT_EQ(found[1].rule, "failures");
  EXPECT_EQ(found[2].rule, "busy_ticks_p99");
  EXPECT_EQ(Thresholds{}.of(1e9), Severity::none);
}

}  // namespace
}  // namespace ringray::device
