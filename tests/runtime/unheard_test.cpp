// Errors that reach nobody, when they come by the thousand.

#include "ringray/runtime/unheard.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>

namespace ringray::runtime {
namespace {

using namespace std::chrono_literals;

/// The lines that f logs.
template <class F>
std::string logged(F&& f) {
  testing::internal::CaptureStderr();
  f();
  return testing::internal::GetCapturedStderr();
}
auto lines_of(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }
bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

TEST(Unheard, TheFirstOfASubjectIsLoggedAndTheOthersAreCounted) {
  Repeated all;
  const auto first = logged([&] {
    for (int i = 0; i < 5; ++i) all.warn("it", "number " + std::to_string(i));
  });
  EXPECT_TRUE(has(first, "it: number 0\n")) << first;
  EXPECT_EQ(lines_of(first), 1) << first;
  const auto later = base::now() + 1h;
  ASSERT_TRUE(all.is_due(later));
  const auto counted = logged([&] { all.tick(later); });
  EXPECT_TRUE(has(counted, "it: 4 more times\n")) << counted;
  EXPECT_EQ(lines_of(logged([&] { all.tick(later + 1h); })), 0);
  EXPECT_FALSE(all.is_due(later + 2h));
}

TEST(Unheard, WhatComesAfterTheEndOfAJobIsLoggedInFull) {
  Repeated all;
  logged([&] {
    for (int i = 0; i < 3; ++i) all.warn("it", "of the first job");
  });
  EXPECT_TRUE(has(logged([&] { all.end(); }), "it: 2 more times\n"));
  EXPECT_TRUE(has(logged([&] { all.warn("it", "of the second job"); }), "it: of the second job\n"));
}

}  // namespace
}  // namespace ringray::runtime
