#include <gtest/gtest.h>

#include <string>

#include "../command.hpp"

namespace {

Ended run(const std::string& command) { return run_command(command + " 2>&1"); }

void expect_refused(const std::string& arguments, const std::string& line) {
  const auto ended = run(UTS " --ringray.log_level=warning " + arguments);
  EXPECT_EQ(ended.status, 2) << ended.output;
  EXPECT_EQ(ended.output, line + "; --help lists the options\n");
}

TEST(Jobs, RefuseAWrongCommandLineWithOneLineAndStatusTwo) {
  expect_refused("--tree T9", "uts: --tree: T9 not in {T1,T3,small}");
  expect_refused("--grain 0", "uts: --grain: Value 0 not in range 1 to 1099511627776");
  expect_refused("--tre small x", "uts: not expected: --tre small x; did you mean --tree?");
  expect_refused("--tre=small", "uts: not expected: --tre=small; did you mean --tree?");
  expect_refused("one two", "uts: not expected: one two");
}

TEST(Jobs, CountOneRankInTheSingular) {
  const auto hello = run(HELLO);
  EXPECT_EQ(hello.status, 0) << hello.output;
  EXPECT_NE(hello.output.find("counted on 1 rank\n"), std::string::npos) << hello.output;
  const auto uts = run(UTS " --tree small");
  EXPECT_EQ(uts.status, 0) << uts.output;
  EXPECT_NE(uts.output.find("small on 1 rank: 3987 nodes"), std::string::npos) << uts.output;
}

}  // namespace
