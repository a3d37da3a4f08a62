// Topics and patterns. Numbers: conformance/device.md.

#include "ringray/base/topic.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ringray/base/random.hpp"

namespace ringray::base {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

TEST(Topic, C52_AnExactNameMatchesOnlyItself) {
  EXPECT_TRUE(matches("sim/3/energy", "sim/3/energy"));
  EXPECT_FALSE(matches("sim/3/energy", "sim/3"));
  EXPECT_FALSE(matches("sim/3", "sim/3/energy")) << "a matching prefix is no match";
  EXPECT_FALSE(matches("sim/3", "sim/33"));
  EXPECT_FALSE(matches("a", "A"));
}

TEST(Topic, C52_AStarIsExactlyOneLevel) {
  EXPECT_TRUE(matches("sim/*/energy", "sim/3/energy"));
  EXPECT_TRUE(matches("*", "sim"));
  EXPECT_TRUE(matches("*/*", "a/b"));
  EXPECT_TRUE(matches("a/*", "a/")) << "an empty level is a level";
  EXPECT_FALSE(matches("sim/*/energy", "sim/energy"));
  EXPECT_FALSE(matches("sim/*", "sim/3/energy"));
  EXPECT_FALSE(matches("sim/*", "sim"));
}

TEST(Topic, C52_AHashIsAnyNumberOfLevelsAlsoNone) {
  for (const auto* topic : {"a", "a/b", "a/b/c"}) EXPECT_TRUE(matches("a/#", topic)) << topic;
  EXPECT_FALSE(matches("a/#", "ab"));
  EXPECT_FALSE(matches("a/#", "b/a"));
  EXPECT_TRUE(matches("#", "a/b/c"));
  EXPECT_TRUE(matches("*/#", "a"));
  EXPECT_TRUE(matches("a/*/#", "a/b"));
  EXPECT_FALSE(matches("a/*/#", "a"));
}

TEST(Topic, C52_WrongPatternsAndTopicsAreRefused) {
  for (const auto* pattern : {"", "a/#/b", "#/a", "a*", "a/b#", "##", "*a/b"})
    EXPECT_EQ(check_pattern(pattern).error().code, Errc::config) << pattern;
  for (const auto* pattern : {"a", "a/b", "*", "#", "*/#", "a//b", "/"}) EXPECT_TRUE(check_pattern(pattern)) << pattern;
  for (const auto* topic : {"", "a/*", "#"}) EXPECT_EQ(check_topic(topic).error().code, Errc::config) << topic;
  EXPECT_TRUE(check_topic("a/b"));
}

/// matches() as its definition says, level by level and recursively.
bool matches_slowly(const std::vector<std::string>& pattern, const std::vector<std::string>& topic, std::size_t p = 0,
                    std::size_t t = 0) {
  if (p == pattern.size()) return t == topic.size();
  if (pattern[p] == "#") {
    for (std::size_t end = t; end <= topic.size(); ++end)
      if (matches_slowly(pattern, topic, p + 1, end)) return true;
    return false;
  }
  return t < topic.size() && (pattern[p] == "*" || pattern[p] == topic[t]) &&
         matches_slowly(pattern, topic, p + 1, t + 1);
}

TEST(Topic, C52_RandomPatternsAgreeWithTheDefinition) {
  Random random(1);
  const auto join = [](const std::vector<std::string>& levels) {
    std::string text = levels[0];
    for (std::size_t i = 1; i < levels.size(); ++i) text += "/" + levels[i];
    return text;
  };
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::string> pattern, topic;
    for (auto levels = 1 + random.below(4); levels > 0; --levels)
      pattern.push_back(random.chance(0.3) ? "*" : std::string(1, static_cast<char>('a' + random.below(2))));
    if (random.chance(0.3)) pattern.back() = "#";
    for (auto levels = 1 + random.below(4); levels > 0; --levels)
      topic.push_back(std::string(1, static_cast<char>('a' + random.below(2))));
    ASSERT_EQ(matches(join(pattern), join(topic)), matches_slowly(pattern, topic))
        << join(pattern) << " " << join(topic);
  }
}

TEST(Topics, EachSubscriberGetsAValueOnce) {
  Topics<int, std::string> topics;
  ASSERT_TRUE(topics.subscribe("sim/*/energy", 1));
  ASSERT_TRUE(topics.subscribe("sim/#", 1));
  ASSERT_TRUE(topics.subscribe("sim/#", 2));
  ASSERT_TRUE(topics.subscribe("sim/4/energy", 3));
  EXPECT_THAT(topics.subscribers("sim/3/energy").value(), UnorderedElementsAre(1, 2));
  EXPECT_THAT(topics.subscribers("sim/4/energy").value(), UnorderedElementsAre(1, 2, 3));
  EXPECT_THAT(topics.subscribers("other").value(), IsEmpty());
  EXPECT_EQ(topics.subscribers("sim/*").error().code, Errc::config);
  EXPECT_EQ(topics.subscribe("a/#/b", 1).error().code, Errc::config);
}

TEST(Topics, UnsubscribingEndsOnePatternAndForgettingAll) {
  Topics<int, int> topics;
  topics.subscribe("a", 1).value();
  topics.subscribe("a", 1).value();
  topics.subscribe("#", 1).value();
  EXPECT_TRUE(topics.unsubscribe("a", 1));
  EXPECT_FALSE(topics.unsubscribe("a", 1));
  EXPECT_THAT(topics.subscribers("a").value(), ElementsAre(1));
  EXPECT_TRUE(topics.forget_if([](int subscriber) { return subscriber == 1; }));
  EXPECT_FALSE(topics.forget_if([](int subscriber) { return subscriber == 1; }));
  EXPECT_THAT(topics.subscribers("a").value(), IsEmpty());
  EXPECT_EQ(topics.patterns(), 0u);
}

TEST(Topics, ARetainedValueIsGivenToLaterSubscribersUntilCleared) {
  Topics<int, int> topics;
  topics.retain("sim/1", 10);
  topics.retain("sim/2", 20);
  topics.retain("sim/1", 11);
  EXPECT_THAT(topics.subscribe("sim/*", 1).value(), ElementsAre(Pair("sim/1", 11), Pair("sim/2", 20)));
  EXPECT_THAT(topics.subscribe("other", 1).value(), IsEmpty());
  EXPECT_TRUE(topics.clear_retained("sim/1"));
  EXPECT_FALSE(topics.clear_retained("sim/1"));
  EXPECT_THAT(topics.subscribe("#", 2).value(), ElementsAre(Pair("sim/2", 20)));
}

}  // namespace
}  // namespace ringray::base
