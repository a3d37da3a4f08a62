// The table of lives and steps. Numbers: conformance/device.md.

#include "ringray/device/lifecycle.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace ringray::device {
namespace {

std::vector<Life> lives() {
  std::vector<Life> all;
  for (int i = 0; i < static_cast<int>(Life::count); ++i) all.push_back(static_cast<Life>(i));
  return all;
}

TEST(Lifecycle, C1_CreatedLaunchedActive) {
  EXPECT_EQ(after(Life::created, Step::launch), Life::launched);
  EXPECT_EQ(after(Life::launched, Step::activate), Life::active);
  EXPECT_EQ(after(Life::active, Step::suspend), Life::suspended);
  EXPECT_EQ(after(Life::suspended, Step::resume), Life::active);
}

TEST(Lifecycle, C3_AnIllegalStepNamesBothStates) {
  const auto result = advance(Life::active, Step::activate, "kernel 'wave'");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::invalid_transition);
  EXPECT_EQ(result.error().text,
            "kernel 'wave' is active and cannot be activated: no step leads from 'active' to 'active'");
}

TEST(Lifecycle, C5_TerminateIsLegalFromEverywhereAndActivateAfterItFromNowhere) {
  for (const auto life : {Life::created, Life::launched, Life::active, Life::suspended, Life::failed})
    EXPECT_EQ(after(life, Step::terminate), Life::terminating) << life_name(life);
  EXPECT_EQ(after(Life::terminating, Step::finish), Life::terminated);
  for (const auto life : {Life::terminating, Life::terminated}) {
    EXPECT_EQ(after(life, Step::activate), Life::count);
    EXPECT_EQ(advance(life, Step::activate, "it").error().code, Errc::invalid_transition);
  }
}

TEST(Lifecycle, C6_TerminatingTwiceChangesNothing) {
  EXPECT_EQ(after(Life::terminating, Step::terminate), Life::terminating);
  EXPECT_EQ(after(Life::terminated, Step::terminate), Life::terminated);
}

TEST(Lifecycle, EveryOtherStepIsRefused) {
  const std::set<std::pair<Life, Step>> legal = {
      {Life::created, Step::launch},     {Life::launched, Step::activate},     {Life::active, Step::suspend},
      {Life::suspended, Step::resume},   {Life::terminating, Step::finish},    {Life::failed, Step::restart},
      {Life::launched, Step::fail},      {Life::active, Step::fail},           {Life::suspended, Step::fail},
      {Life::terminating, Step::fail},   {Life::failed, Step::fail},           {Life::created, Step::terminate},
      {Life::launched, Step::terminate}, {Life::active, Step::terminate},      {Life::suspended, Step::terminate},
      {Life::failed, Step::terminate},   {Life::terminating, Step::terminate}, {Life::terminated, Step::terminate}};
  for (const auto life : lives())
    for (int i = 0; i < static_cast<int>(Step::count); ++i) {
      const auto step = static_cast<Step>(i);
      EXPECT_EQ(after(life, step) != Life::count, legal.count({life, step}) == 1) << life_name(life) << " step " << i;
    }
}

TEST(Lifecycle, EveryStateCanEnd) {
  for (const auto life : lives()) {
    const auto ending = after(life, Step::terminate);
    EXPECT_TRUE(ending == Life::terminated || after(ending, Step::finish) == Life::terminated) << life_name(life);
  }
}

}  // namespace
}  // namespace ringray::device
