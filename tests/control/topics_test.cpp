#include "ringray/control/topics.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "cluster.hpp"

namespace ringray::control::testing {
namespace {

using Texts = std::vector<std::string>;

struct TopicsTest : ::testing::Test {
  Cluster cluster{ranks_with(std::vector<Resources>(4, {.cpus = 1}))};
  Subscriber subscriber(std::uint32_t home, std::string type = "double@1") {
    return {{home, 0, 1}, home, 77, std::move(type), {}, false};
  }
  Publication publication(const std::string& topic, const std::string& value) {
    const auto bytes = std::as_bytes(std::span(value));
    return {topic, "double@1", {}, {bytes.begin(), bytes.end()}, Quality::at_most_once};
  }
  std::size_t known_on(std::uint32_t rank, const std::string& topic = "sim/3") {
    return cluster.members[rank]->subscriptions.of(topic)->size();
  }
  /// What came to subscribers of that rank, in order.
  static std::vector<std::string> published_on(std::uint32_t rank, const Cluster& cluster) {
    std::vector<std::string> values;
    for (const auto& mail : cluster.members[rank]->published)
      values.emplace_back(reinterpret_cast<const char*>(mail.payload.data()), mail.payload.size());
    return values;
  }
};

TEST_F(TopicsTest, WhoSubscribedIsKnownToEveryRankBeforeItHearsSo) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Cluster racing(ranks_with(std::vector<Resources>(4, {.cpus = 1})), {.seed = seed});
    const auto token = racing.ask(1, Subscribe{"sim/*", subscriber(2)});
    while (!racing.reply(token)) ASSERT_TRUE(racing.step());
    for (const auto& member : racing.members) EXPECT_EQ(member->subscriptions.of("sim/3")->size(), 1u);
    const auto ended = racing.ask(3, Unsubscribe{"sim/*", subscriber(2)});
    while (!racing.reply(ended)) ASSERT_TRUE(racing.step());
    for (const auto& member : racing.members) EXPECT_EQ(member->subscriptions.of("sim/3")->size(), 0u);
    EXPECT_TRUE(racing.get<Flag>(ended).value);
  }
}

TEST_F(TopicsTest, AWrongPatternAndADeadHomeAreRefused) {
  const auto wrong = cluster.ask(1, Subscribe{"#/a", subscriber(2)});
  cluster.settle();
  EXPECT_EQ(cluster.reply(wrong)->error().code, Errc::config);
  cluster.kill(2);
  cluster.call<Flag>(1, ReportDeath{2, 0});
  const auto dead = cluster.ask(1, Subscribe{"a", subscriber(2)});
  cluster.settle();
  EXPECT_EQ(cluster.reply(dead)->error().code, Errc::actor_died);
}

TEST_F(TopicsTest, WhoeverEndedBeforeItsRankKnewIsRefused) {
  cluster.members[2]->ended = subscriber(2).actor;
  const auto token = cluster.ask(1, Subscribe{"a", subscriber(2)});
  cluster.settle();
  EXPECT_EQ(cluster.reply(token)->error().code, Errc::actor_died);
}

TEST_F(TopicsTest, WhatIsNoSubscriptionCannotEnd) {
  EXPECT_FALSE(cluster.call<Flag>(1, Unsubscribe{"sim/*", subscriber(2)}).value);
}

TEST_F(TopicsTest, TheDeathOfARankEndsItsSubscriptionsAndHoldsUpNobody) {
  cluster.call<Flag>(1, Subscribe{"sim/*", subscriber(2)});
  cluster.kill(3);
  const auto token = cluster.ask(1, Subscribe{"sim/#", subscriber(1)});
  cluster.settle();
  EXPECT_FALSE(cluster.reply(token)) << "rank 3 may still publish without knowing";
  cluster.call<Flag>(0, ReportDeath{3, 0});
  EXPECT_TRUE(cluster.get<Flag>(token).value);
  EXPECT_EQ(known_on(0), 2u);
  cluster.kill(2);
  cluster.call<Flag>(0, ReportDeath{2, 0});
  EXPECT_EQ(known_on(0), 1u);
  EXPECT_EQ(known_on(1), 1u);
}

TEST_F(TopicsTest, AnUnsubscribeIsNotRefusedForAnothersSubscribe) {
  cluster.members[2]->ended = subscriber(2).actor;
  cluster.hold = [](const Mail& mail) {
    return mail.envelope.kind == wire::Kind::subscription_known && mail.source == Rank{2};
  };
  const auto dead = cluster.ask(1, Subscribe{"a", subscriber(2)});
  while (cluster.step()) {
  }
  const auto none = cluster.ask(3, Unsubscribe{"b", subscriber(3)});  // waits for the same change
  while (cluster.step()) {
  }
  cluster.hold = [](const Mail&) { return false; };
  cluster.settle();
  EXPECT_EQ(cluster.reply(dead)->error().code, Errc::actor_died);
  ASSERT_TRUE(*cluster.reply(none)) << cluster.reply(none)->error().text;
  EXPECT_FALSE(cluster.get<Flag>(none).value);
}

TEST_F(TopicsTest, ASubscriptionThatComesBehindTheNewsOfItsHomesDeathIsNotKept) {
  // Rank 3 hears of the death by rank 1, and of the subscription by rank 0.
  Cluster wide(ranks_with(std::vector<Resources>(16, {.cpus = 1})));
  wide.hold = [](const Mail& mail) {
    return mail.envelope.kind == wire::Kind::subscription && mail.target == Rank{15};
  };
  const auto waits = wide.ask(1, Subscribe{"a", subscriber(2)});
  while (wide.step()) {
  }
  wide.kill(2);
  wide.ask(1, ReportDeath{2, 0});
  while (wide.step()) {
  }
  ASSERT_FALSE(wide.members[15]->membership.alive(Rank{2}));
  wide.hold = [](const Mail&) { return false; };
  wide.settle();
  EXPECT_TRUE(wide.reply(waits)) << "it is acknowledged all the same";
  for (const auto rank : {0, 1, 15}) EXPECT_EQ(wide.members[rank]->subscriptions.patterns(), 0u) << rank;
}

TEST_F(TopicsTest, ARetainedValueComesOnceToASubscriberWithSeveralPatterns) {
  cluster.call<Flag>(3, Retain{publication("sim/3", "value")});
  cluster.call<Flag>(3, Retain{publication("sim/3/energy", "other")});
  cluster.call<Flag>(0, Subscribe{"sim/*", subscriber(1)});
  cluster.call<Flag>(0, Subscribe{"sim/#", subscriber(1)});
  EXPECT_EQ(published_on(1, cluster), (Texts{"value", "other"}));
}

TEST_F(TopicsTest, AnActorThatEndedSubscribesToNothing) {
  cluster.call<Flag>(1, Subscribe{"sim/*", subscriber(2)});
  cluster.call<Flag>(1, Subscribe{"sim/#", subscriber(2)});
  cluster.call<Flag>(2, RemoveActor{subscriber(2).actor});
  for (std::uint32_t rank = 0; rank < 4; ++rank) EXPECT_EQ(known_on(rank), 0u);
}

TEST_F(TopicsTest, RetainedValuesComeToAllInOneOrderAndTheLastToLaterSubscribers) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Cluster racing(ranks_with(std::vector<Resources>(4, {.cpus = 1})), {.seed = seed});
    racing.ask(1, Subscribe{"sim/*", subscriber(2)});
    racing.ask(3, Subscribe{"sim/3", subscriber(3)});
    for (const auto* value : {"a", "b", "c"})
      for (std::uint32_t rank = 0; rank < 4; ++rank)
        racing.ask(rank, Retain{publication("sim/3", value + std::to_string(rank))});
    racing.ask(2, Subscribe{"#", subscriber(1)});
    racing.settle();
    std::vector<std::vector<std::string>> seen;
    for (std::uint32_t rank = 1; rank < 4; ++rank) seen.push_back(published_on(rank, racing));
    std::sort(seen.begin(), seen.end(), [](const auto& x, const auto& y) { return x.size() < y.size(); });
    for (const auto& part : seen) {  // who subscribed later has seen the end of what the others have
      ASSERT_FALSE(part.empty());
      ASSERT_TRUE(std::equal(part.rbegin(), part.rend(), seen.back().rbegin())) << "seed " << seed;
    }
  }
}

TEST_F(TopicsTest, ARetainedValueIsKeptUntilItIsCleared) {
  cluster.call<Flag>(3, Retain{publication("sim/3", "old")});
  cluster.call<Flag>(3, Retain{publication("sim/3", "new")});
  cluster.call<Flag>(0, Subscribe{"sim/#", subscriber(1)});
  EXPECT_EQ(published_on(1, cluster), Texts{"new"});
  EXPECT_TRUE(cluster.call<Flag>(3, ClearRetained{"sim/3"}).value);
  EXPECT_FALSE(cluster.call<Flag>(3, ClearRetained{"sim/3"}).value);
  cluster.call<Flag>(0, Subscribe{"sim/*", subscriber(1)});
  EXPECT_EQ(published_on(1, cluster), Texts{"new"});
}

TEST_F(TopicsTest, AValueOfAnotherTypeIsToldInItsPlace) {
  cluster.call<Flag>(1, Subscribe{"sim/*", subscriber(2, "int@5")});
  cluster.call<Flag>(1, Retain{publication("sim/3", "x")});
  EXPECT_EQ(published_on(2, cluster), Texts{"a value of type double was published under 'sim/3', but it takes int"});
  EXPECT_EQ(cluster.members[2]->published[0].envelope.error, static_cast<std::uint16_t>(Errc::config));
  EXPECT_EQ(published_on(1, cluster), Texts{});
}

}  // namespace
}  // namespace ringray::control::testing
