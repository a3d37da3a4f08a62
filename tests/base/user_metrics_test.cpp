#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "ringray/base/errors.hpp"
#include "ringray/metrics.hpp"

namespace ringray {
namespace {

using ::testing::ElementsAre;

TEST(UserMetrics, OneNameIsOneNumber) {
  Counter one("user.steps", {.unit = "steps"}), same("user.steps", {.unit = "steps"});
  one.add();
  std::thread([&] { same.add(2.5); }).join();
  EXPECT_EQ(one.value(), 3.5);
}

TEST(UserMetrics, GaugeKeepsTheLastValue) {
  Gauge energy("user.energy", {.unit = "J"});
  energy.set(3);
  energy.set(2);
  energy.add(0.5);
  EXPECT_EQ(energy.value(), 2.5);
}

TEST(UserMetrics, HistogramBoundsAreUpperAndInclusive) {
  Histogram sizes("user.sizes", {1, 10}, {.unit = "bytes"});
  for (const double size : {0.5, 1.0, 2.0, 10.0, 11.0}) sizes.observe(size);
  EXPECT_THAT(sizes.counts(), ElementsAre(2, 2, 1));
}

TEST(UserMetrics, AppearInTheSnapshotAfterTheBuiltIn) {
  Counter("user.seen").add(4);
  const auto metrics = base::metrics_snapshot();
  const auto seen = std::find_if(metrics.begin(), metrics.end(), [](auto& m) { return m.name == "user.seen"; });
  ASSERT_NE(seen, metrics.end());
  EXPECT_EQ(seen->value, 4);
  EXPECT_GE(static_cast<std::size_t>(seen - metrics.begin()), base::metric_count);
}

TEST(UserMetrics, MisuseIsAConfigError) {
  Counter taken("user.taken", {.unit = "s"});
  EXPECT_THROW(Gauge("user.taken", {.unit = "s"}), ConfigError);
  EXPECT_THROW(Counter("user.taken", {.unit = "ms"}), ConfigError);
  EXPECT_THROW(Counter("tasks_executed"), ConfigError);
  EXPECT_THROW(Counter(""), ConfigError);
  EXPECT_THROW(Histogram("user.falling", {2, 1}), ConfigError);
  EXPECT_THROW(Histogram("user.flat", {1, 1}), ConfigError);
}

}  // namespace
}  // namespace ringray
