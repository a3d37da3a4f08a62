#include "ringray/base/symbols.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace {

int only_in_this_file(int x) { return x + 1; }
namespace inner {
[[gnu::used]] double exported_or_not(double x, double y) { return x * y; }
template <class T>
T generic(T x) {
  return x;
}
}  // namespace inner

using ringray::base::function_name;

const void* address(auto* function) { return reinterpret_cast<const void*>(function); }

TEST(Symbols, FunctionsOfOneFileHaveTheirNamesWithoutParameters) {
  EXPECT_EQ(function_name(address(&only_in_this_file)), "only_in_this_file");
  EXPECT_EQ(function_name(address(&inner::exported_or_not)), "inner::exported_or_not");
  EXPECT_NE(function_name(address(&inner::generic<int>)).find("inner::generic<int>"), std::string::npos);
}

TEST(Symbols, FunctionsOfLibrariesHaveTheirNames) { EXPECT_NE(function_name(address(&std::abort)), ""); }

TEST(Symbols, WhatIsNoFunctionHasNoName) {
  static const int data = 3;
  EXPECT_EQ(function_name(&data), "");
  EXPECT_EQ(function_name(nullptr), "");
  EXPECT_EQ(function_name(static_cast<const char*>(address(&only_in_this_file)) + 1), "");
}

TEST(Symbols, ManyThreadsMayAskAtOnce) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([] {
      for (int k = 0; k < 1000; ++k) EXPECT_EQ(function_name(address(&only_in_this_file)), "only_in_this_file");
    });
}

}  // namespace
