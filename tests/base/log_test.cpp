#include "ringray/base/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace ringray {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

class Log : public ::testing::Test {
 protected:
  ~Log() override {
    EXPECT_TRUE(log::start({}));
    std::filesystem::remove(file_ + ".rank7");
  }
  void start(LogLevel level, const base::HybridClock* clock = nullptr) {
    ASSERT_TRUE(log::start({.level = level, .file = file_, .rank = 7, .clock = clock}));
  }
  std::string written() {
    log::flush();
    std::stringstream text;
    text << std::ifstream(file_ + ".rank7").rdbuf();
    return text.str();
  }
  const std::string file_ = ::testing::TempDir() + "ringray_log_test";
};

TEST_F(Log, LineShowsTimeLevelAndRank) {
  start(LogLevel::info);
  log::info("{} primes below {}", 25, 100);
  EXPECT_THAT(written(), MatchesRegex(R"(\[[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3} info rank 7\] 25 primes below 100.)"));
}

TEST_F(Log, LinesBelowTheLevelAreNotFormatted) {
  start(LogLevel::warning);
  log::info("not {}", "this");
  log::debug("nor this");
  log::error("but this");
  EXPECT_THAT(written(), MatchesRegex(R"(\[[^]]* error rank 7\] but this.)"));
  EXPECT_FALSE(log::enabled(LogLevel::info));
}

TEST_F(Log, DebugShowsTheHybridTime) {
  base::HybridClock clock;
  clock.tick(0x1234'0000);
  clock.tick(0);
  start(LogLevel::debug, &clock);
  log::debug("x");
  EXPECT_THAT(written(), HasSubstr(" rank 7 1234:0001] x"));
}

TEST_F(Log, LinesOfManyThreadsStayWhole) {
  start(LogLevel::info);
  constexpr int threads = 4, lines = 200;
  {
    std::vector<std::jthread> writers;
    for (int t = 0; t < threads; ++t)
      writers.emplace_back([t] {
        for (int i = 0; i < lines; ++i) log::info("<{} {}>", t, i);
      });
  }
  std::istringstream text(written());
  int count = 0;
  for (std::string line; std::getline(text, line); ++count)
    EXPECT_THAT(line, MatchesRegex(R"(\[[^]]* info rank 7\] <[0-3] [0-9]+>)"));
  EXPECT_EQ(count, threads * lines);
}

TEST_F(Log, FileThatCannotBeWrittenIsAConfigError) {
  const auto started = log::start({.file = "/dev/null/log", .rank = 0});
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Errc::config);
  EXPECT_THAT(started.error().text, HasSubstr("--ringray.log_file: '/dev/null/log' cannot be written"));
}

TEST_F(Log, MissingFolderOfTheFileIsAnErrorAndIsNotMade) {
  const auto folder = std::filesystem::temp_directory_path() / ("ringray-no-folder-" + std::to_string(getpid()));
  const auto started = log::start({.file = folder / "log", .rank = 0});
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().text, HasSubstr("there is no folder '" + folder.string() + "'"));
  EXPECT_FALSE(std::filesystem::exists(folder));
}

}  // namespace
}  // namespace ringray
