#include "ringray/observe/waits.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace ringray::observe {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Waits : ::testing::Test {
  ~Waits() override { EXPECT_EQ(wait_count(), 0u); }
};

Thing thing(const char* name) {
  return {name, [](const void* it) { return std::string(static_cast<const char*>(it)); }};
}

TEST_F(Waits, ReportNamesWhatObjectTaskAndAge) {
  Wait wait("get", thing("object 3.0.17 of rank 3"), thing("task 'fft'"));
  const auto report = hang_report(base::now() + std::chrono::seconds(12));
  EXPECT_THAT(report, HasSubstr(" s  get object 3.0.17 of rank 3, in task 'fft'\n"));
  EXPECT_THAT(report, StartsWith("  12."));
}

TEST_F(Waits, OldestComesFirst) {
  Wait first("first");
  std::thread([] {
    Wait second("second");
    Wait third("third");
    const auto report = hang_report();
    EXPECT_LT(report.find("first"), report.find("second"));
    EXPECT_LT(report.find("second"), report.find("third"));
  }).join();
}

TEST_F(Waits, WithoutAnyTheReportIsEmpty) { EXPECT_EQ(hang_report(), ""); }

TEST_F(Waits, LongReportsAreCut) {
  std::vector<std::unique_ptr<Wait>> waits;
  for (int i = 0; i < 130; ++i) waits.push_back(std::make_unique<Wait>("wait"));
  const auto report = hang_report();
  EXPECT_EQ(std::count(report.begin(), report.end(), '\n'), 101);
  EXPECT_THAT(report, HasSubstr("and 30 younger waits\n"));
}

TEST_F(Waits, MayEndInAnyOrderOnAnyThread) {
  std::vector<std::optional<Wait>> waits(6);
  for (auto& wait : waits) wait.emplace("w");
  waits[2].reset();
  std::thread([&] { waits[0].reset(); }).join();
  waits[5].reset();
  EXPECT_EQ(wait_count(), 3u);
}

TEST_F(Waits, ManyThreadsComeAndGoWhileOneReports) {
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([] {
      for (int i = 0; i < 5'000; ++i) Wait wait("spin", thing("object"), thing("task"));
    });
  for (int i = 0; i < 200; ++i) EXPECT_LE(wait_count(), 4u);
  hang_report();
}

}  // namespace
}  // namespace ringray::observe
