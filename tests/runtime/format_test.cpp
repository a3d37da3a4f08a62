// What users write into log lines.

#include <gtest/gtest.h>

#include <ringray/ringray.hpp>

namespace {

using namespace ringray;

TEST(Format, ValuesThatRingrayGivesCanBeLogged) {
  const Rank rank{3};
  const Resources resources{.cpus = 1.5, .custom = {{"licence", 2}}};
  EXPECT_EQ(fmt::format("{} {:>3}", rank, rank), "3   3");
  EXPECT_EQ(fmt::format("{} {:.2f}", resources.cpus, resources.cpus), "1.5 1.50");
  EXPECT_EQ(fmt::format("{}", resources), resources.text());
  EXPECT_NE(fmt::format("{}", resources).find("1.5 cpus"), std::string::npos);
  log::debug("rank {} has {}", rank, resources);  // compiles
}

}  // namespace
