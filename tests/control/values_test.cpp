#include "ringray/control/values.hpp"

#include <gtest/gtest.h>

namespace ringray::control {
namespace {

bool flag(const Reply& reply) { return std::get<Flag>(reply).value; }

TEST(Values, PutGetDelete) {
  Values values({});
  EXPECT_TRUE(flag(values.put({"s", "k", "one"})));
  EXPECT_FALSE(flag(values.put({"s", "k", "two", false})));
  EXPECT_EQ(std::get<Value>(values.get({"s", "k"})).value, "one");
  EXPECT_TRUE(flag(values.put({"s", "k", "three"})));
  EXPECT_EQ(std::get<Value>(values.get({"s", "k"})).value, "three");
  EXPECT_TRUE(flag(values.has({"s", "k"})));
  EXPECT_TRUE(flag(values.remove({"s", "k"})));
  EXPECT_FALSE(flag(values.remove({"s", "k"})));
  EXPECT_FALSE(flag(values.has({"s", "k"})));
  EXPECT_EQ(std::get<Value>(values.get({"s", "k"})).value, std::nullopt);
}

TEST(Values, NamespacesAreSeparate) {
  Values values({});
  values.put({"a", "k", "1"});
  EXPECT_FALSE(flag(values.has({"b", "k"})));
  EXPECT_EQ(std::get<Keys>(values.list({"b", ""})).keys, std::vector<std::string>{});
}

TEST(Values, KeysByPrefixAreSorted) {
  Values values({});
  for (const auto* key : {"run/2", "run/1", "ru", "rung", "s"}) values.put({"a", key, ""});
  values.put({"b", "run/3", ""});
  EXPECT_EQ(std::get<Keys>(values.list({"a", "run"})).keys, (std::vector<std::string>{"run/1", "run/2", "rung"}));
  EXPECT_EQ(std::get<Keys>(values.list({"a", ""})).keys.size(), 5u);
}

TEST(Values, SizesAreBounded) {
  Values values({.value_bytes_max = 10, .total_bytes_max = 30});
  EXPECT_EQ(std::get<Refusal>(values.put({"s", "k", std::string(11, 'x')})).code, Errc::config);
  for (int round = 0; round < 100; ++round) {  // overwriting and deleting give the bytes back
    ASSERT_TRUE(flag(values.put({"s", "k", std::string(10, 'x')})));
    ASSERT_TRUE(flag(values.put({"s", "l", std::string(10, 'x')})));
    ASSERT_EQ(std::get<Refusal>(values.put({"s", "m", std::string(9, 'x')})).code, Errc::out_of_memory);
    ASSERT_TRUE(flag(values.remove({"s", "l"})));
  }
}

}  // namespace
}  // namespace ringray::control
