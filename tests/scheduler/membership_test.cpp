#include "ringray/scheduler/membership.hpp"

#include <gtest/gtest.h>

namespace ringray::scheduler {
namespace {

RankRecord record(Rank rank, std::uint32_t epoch = 0) { return {.rank = rank, .epoch = epoch, .total = {.cpus = 1}}; }

TEST(Membership, KnowsWhoJoined) {
  Membership membership(3);
  EXPECT_TRUE(membership.join(record(0)) && membership.join(record(2)));
  EXPECT_EQ(membership.alive_ranks(), (std::vector<Rank>{0, 2}));
  EXPECT_EQ(membership.alive_count(), 2u);
  EXPECT_FALSE(membership.alive(1));
  EXPECT_EQ(membership.find(1), nullptr);
  EXPECT_EQ(membership.find(2)->rank, Rank(2));
}

TEST(Membership, RefusesWhatIsNoRank) {
  Membership membership(2);
  EXPECT_FALSE(membership.join(record(2)));
  EXPECT_FALSE(membership.join(record(Rank{})));
  EXPECT_FALSE(membership.join({.rank = 1, .total = {.cpus = -1}}));
  EXPECT_FALSE(membership.join({.rank = 1, .total = {.gpus = 0.5}}));
  EXPECT_FALSE(membership.declare_dead(7, 0));
  EXPECT_FALSE(membership.alive(Rank{}));
}

TEST(Membership, TheDeadNeverComeBackWithTheSameEpoch) {
  Membership membership(2);
  membership.join(record(1, 4));
  EXPECT_TRUE(membership.declare_dead(1, 4));
  EXPECT_FALSE(membership.declare_dead(1, 4));
  EXPECT_FALSE(membership.join(record(1, 4)));
  EXPECT_FALSE(membership.join(record(1, 3)));
  EXPECT_FALSE(membership.alive(1));
  EXPECT_TRUE(membership.join(record(1, 5)));
  EXPECT_TRUE(membership.alive(1, 5));
  EXPECT_FALSE(membership.alive(1, 4));
  EXPECT_FALSE(membership.declare_dead(1, 4)) << "an old death does not kill the new incarnation";
  EXPECT_TRUE(membership.alive(1));
}

TEST(Membership, DeathThatOvertakesTheRecordWins) {
  Membership membership(2);
  EXPECT_TRUE(membership.declare_dead(1, 0));
  EXPECT_FALSE(membership.join(record(1, 0)));
  EXPECT_EQ(membership.alive_count(), 0u);
}

}  // namespace
}  // namespace ringray::scheduler
