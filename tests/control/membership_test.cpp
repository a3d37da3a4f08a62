#include <gtest/gtest.h>

#include <algorithm>

#include "cluster.hpp"

namespace ringray::control::testing {
namespace {

TEST(MembershipNewsTest, EveryLivingRankLearnsOfEveryDeath) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    base::Random random(seed);
    const auto ranks = static_cast<std::uint32_t>(2 + random.below(40));
    Cluster cluster(ranks_with(std::vector<Resources>(ranks, {.cpus = 1})), {.seed = seed});
    std::vector<Rank> dead;
    for (std::uint32_t i = 1; i < ranks; ++i)
      if (random.chance(0.3)) dead.push_back(i);
    for (const auto rank : dead)
      cluster.kill(rank);  // all at once: news pass through ranks that are dead unknown to all
    for (const auto rank : dead) {
      for (auto reporters = random.below(3) + 1; reporters != 0; --reporters) {
        const Rank reporter = random.below(ranks);
        cluster.ask(cluster.members[reporter.value]->running ? reporter : Rank(0), ReportDeath{rank, 0});
      }
      if (random.chance(0.5)) cluster.settle();
    }
    cluster.settle();
    for (std::uint32_t i = 0; i < ranks; ++i) {
      auto& member = *cluster.members[i];
      if (!member.running) continue;
      EXPECT_EQ(member.died.size(), dead.size()) << "each death is news once, rank " << i;
      for (const auto rank : dead) EXPECT_FALSE(member.membership.alive(rank));
    }
  }
}

TEST(MembershipNewsTest, DeathIsNewsOnce) {
  Cluster cluster(ranks_with(std::vector<Resources>(3, {.cpus = 1})));
  cluster.kill(2);
  EXPECT_TRUE(cluster.call<Flag>(1, ReportDeath{2, 0}).value);
  EXPECT_FALSE(cluster.call<Flag>(0, ReportDeath{2, 0}).value);
  EXPECT_FALSE(cluster.call<Flag>(1, ReportDeath{0, 0}).value) << "rank 0 cannot outlive itself";
  EXPECT_FALSE(cluster.call<Flag>(1, ReportDeath{99, 0}).value);
  const auto news = std::count_if(cluster.log.begin(), cluster.log.end(),
                                  [](const Mail& mail) { return mail.envelope.kind == wire::Kind::membership; });
  EXPECT_EQ(news, 2) << "to itself and to rank 1";
}

TEST(MembershipNewsTest, TheDeadGetNoAnswersAnyMore) {
  Cluster cluster(ranks_with(std::vector<Resources>(3, {.cpus = 1})));
  EXPECT_TRUE(cluster.call<Flag>(1, ReportDeath{2, 0}).value);  // falsely: it still runs
  const auto token = cluster.ask(2, PutValue{"s", "k", "v"});
  cluster.settle();
  EXPECT_FALSE(cluster.reply(token));
  EXPECT_FALSE(cluster.call<Flag>(1, HasValue{"s", "k"}).value);
}

}  // namespace
}  // namespace ringray::control::testing
