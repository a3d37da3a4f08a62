#include "ringray/base/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

namespace ringray::base {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Metrics, CountsOfAllThreadsSumUpAfterTheyEnd) {
  const auto before = metric_total(Metric::tasks_executed);
  for (int round = 0; round < 3; ++round) {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([] {
        for (int i = 0; i < 10'000; ++i) count(Metric::tasks_executed);
      });
  }
  EXPECT_EQ(metric_total(Metric::tasks_executed) - before, 120'000u);
}

TEST(Metrics, LevelMayBeLoweredByAnotherThread) {
  const auto before = metric_total(Metric::fibers);
  count(Metric::fibers, 5);
  std::thread([] { uncount(Metric::fibers, 3); }).join();
  EXPECT_EQ(metric_total(Metric::fibers) - before, 2u);
  uncount(Metric::fibers, 2);
  EXPECT_EQ(metric_total(Metric::fibers), before);
}

TEST(Metrics, SnapshotNamesEveryMetricWithUnitAndSentence) {
  const auto metrics = metrics_snapshot();
  ASSERT_GE(metrics.size(), metric_count);
  for (std::size_t i = 0; i < metric_count; ++i) {
    EXPECT_FALSE(metrics[i].unit.empty()) << metrics[i].name;
    EXPECT_FALSE(metrics[i].sentence.empty()) << metrics[i].name;
  }
  EXPECT_EQ(metrics[0].name, "tasks_submitted");
  EXPECT_THAT(metrics_markdown(), HasSubstr("| `fibers` | level | fibers |"));
}

TEST(Metrics, TableLeavesOutWhatIsZero) {
  const auto table = metrics_table({{"hits", "calls", "", MetricKind::counter, 12, {}, {}},
                                    {"misses", "calls", "", MetricKind::counter, 0, {}, {}},
                                    {"latency", "s", "", MetricKind::histogram, 3, {1}, {1, 1}}});
  EXPECT_EQ(table, "hits     12 calls\nlatency  2 observations, mean 1.5 s\n");
}

TEST(Metrics, JsonParsesBack) {
  const auto json = nlohmann::json::parse(metrics_json({{"a \"quoted\"\n", "", "", MetricKind::counter, 0.1, {}, {}},
                                                        {"nothing", "", "", MetricKind::gauge, 1.0 / 0.0, {}, {}},
                                                        {"h", "", "", MetricKind::histogram, 3, {1, 2}, {1, 0, 2}}}));
  EXPECT_EQ(json["a \"quoted\"\n"], 0.1);
  EXPECT_TRUE(json["nothing"].is_null());
  EXPECT_EQ(json["h"]["counts"], nlohmann::json({1, 0, 2}));
  EXPECT_EQ(nlohmann::json::parse(metrics_json({})), nlohmann::json::object());
  EXPECT_TRUE(nlohmann::json::parse(metrics_json(metrics_snapshot())).contains("tasks_executed"));
}

TEST(Metrics, RanksMergeByName) {
  std::vector<MetricValue> sum = {{"a", "", "", MetricKind::counter, 1, {}, {}},
                                  {"h", "", "", MetricKind::histogram, 1, {1}, {1, 0}}};
  merge_metrics(sum, {{"h", "", "", MetricKind::histogram, 5, {1}, {0, 2}},
                      {"b", "", "", MetricKind::counter, 3, {}, {}},
                      {"a", "", "", MetricKind::counter, 2, {}, {}}});
  ASSERT_EQ(sum.size(), 3u);
  EXPECT_EQ(sum[0].value, 3);
  EXPECT_EQ(sum[1].value, 6);
  EXPECT_THAT(sum[1].counts, ElementsAre(1, 2));
  EXPECT_EQ(sum[2].name, "b");
}

}  // namespace
}  // namespace ringray::base
