#include "ringray/scheduler/placement.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace ringray::scheduler {
namespace {

// Ranks 0 and 1 on host "a", 2 and 3 on host "b"; 4 cpus each; rank 3 has two gpus and a label.
struct Placing : testing::Test {
  Placing() : membership(4), load(4) {
    for (std::uint32_t i = 0; i < 4; ++i) {
      RankRecord record{.rank = i, .host = i / 2, .host_name = i < 2 ? "a" : "b", .total = {.cpus = 4}};
      if (i == 3) {
        record.total.gpus = 2;
        record.labels = {{"gpu_model", "h100"}};
      }
      membership.join(record);
    }
  }
  Choice ask() {
    return choose({.resources = resources,
                   .placement = placement,
                   .here = here,
                   .arguments = arguments,
                   .near_copies = near_copies,
                   .bundles = bundles,
                   .turn = turn,
                   .random = random},
                  membership, load);
  }
  Rank rank() {
    const auto choice = ask();
    EXPECT_TRUE(std::holds_alternative<Rank>(choice)) << reason(choice);
    return std::holds_alternative<Rank>(choice) ? std::get<Rank>(choice) : Rank{};
  }
  static std::string reason(const Choice& choice) {
    if (const auto* never = std::get_if<Unschedulable>(&choice)) return "never: " + never->reason;
    if (const auto* wait = std::get_if<Wait>(&choice)) return "wait: " + wait->reason;
    return "rank";
  }
  void busy(Rank rank, double cpus) { load.report(rank, {.demand = {.cpus = cpus}}); }

  Membership membership;
  LoadView load;
  Resources resources{.cpus = 1};
  Placement placement;
  Rank here = 1;
  std::vector<Holding> arguments, near_copies;
  std::vector<BundlePlace> bundles;
  std::uint64_t turn = 0, random = 0;
};

TEST_F(Placing, DefaultPacksHereToHalfThenTheOwnHostThenTheOthers) {
  std::vector<std::uint32_t> order;
  for (int i = 0; i < 8; ++i) {
    order.push_back(rank().value);
    load.add(order.back(), resources);
  }
  EXPECT_EQ(order, (std::vector<std::uint32_t>{1, 1, 0, 0, 2, 2, 3, 3}));
}

TEST_F(Placing, AboveHalfTheLeastLoadedGetsIt) {
  busy(0, 3), busy(1, 3), busy(2, 2.5), busy(3, 3);
  EXPECT_EQ(rank(), Rank(2));
  busy(2, 3);
  EXPECT_EQ(rank(), here) << "among equals, here";
  busy(1, 3.5);
  std::map<std::uint32_t, int> seen;
  for (random = 0; random < 9; ++random) ++seen[rank().value];
  EXPECT_EQ(seen, (std::map<std::uint32_t, int>{{0, 3}, {2, 3}, {3, 3}}));
}

TEST_F(Placing, WhenAllAreFullWorkStaysHere) {
  for (std::uint32_t i = 0; i < 4; ++i) busy(i, 4 + i);
  EXPECT_EQ(rank(), here);
}

TEST_F(Placing, WhatOnlyOthersHaveGoesThere) {
  resources = {.cpus = 1, .gpus = 1};
  EXPECT_EQ(rank(), Rank(3));
  busy(3, 40);
  EXPECT_EQ(rank(), Rank(3)) << "and queues there";
}

TEST_F(Placing, TheRankWithMostArgumentBytesGetsIt) {
  arguments = {{0, 100'000}, {2, 80'000}, {2, 80'000}, {1, 10'000}};
  EXPECT_EQ(rank(), Rank(2));
}

TEST_F(Placing, FewArgumentBytesAreNotWorthATransfer) {
  arguments = {{2, 60'000}};
  EXPECT_EQ(rank(), here);
  arguments = {{2, 100'000}, {1, 90'000}};
  EXPECT_EQ(rank(), here) << "nearly as much is here";
  arguments = {{2, 100'000}, {1, 100'000}};
  EXPECT_EQ(rank(), here);
}

TEST_F(Placing, LocalityOnlyCountsWhereItCanRun) {
  arguments = {{2, 1'000'000}};
  resources.gpus = 1;
  EXPECT_EQ(rank(), Rank(3));
  resources.gpus = 0;
  membership.declare_dead(2, 0);
  EXPECT_EQ(rank(), here);
}

TEST_F(Placing, SpreadIgnoresLocalityAndGoesRound) {
  placement = spread();
  arguments = {{2, 1'000'000}};
  std::vector<std::uint32_t> order;
  for (turn = 0; turn < 6; ++turn) order.push_back(rank().value);
  EXPECT_EQ(order, (std::vector<std::uint32_t>{0, 1, 2, 3, 0, 1}));
  membership.declare_dead(1, 0);
  order.clear();
  for (turn = 0; turn < 3; ++turn) order.push_back(rank().value);
  EXPECT_EQ(order, (std::vector<std::uint32_t>{0, 2, 3}));
}

TEST_F(Placing, ExplicitPlacementComesFirst) {
  arguments = {{2, 1'000'000}};
  placement = on_rank(0);
  EXPECT_EQ(rank(), Rank(0));
  placement = label("gpu_model", "h100");
  EXPECT_EQ(rank(), Rank(3));
  placement = on_host("b");
  EXPECT_EQ(rank(), Rank(2));
  busy(2, 2);
  EXPECT_EQ(rank(), Rank(3)) << "the default policy decides within the host";
}

TEST_F(Placing, NearGoesToTheHolderOfMostBytes) {
  placement = near({0, 0, 5});
  EXPECT_EQ(reason(ask()), "wait: the object to be near to does not exist yet");
  near_copies = {{2, 1}, {3, 2}};
  EXPECT_EQ(rank(), Rank(3));
}

TEST_F(Placing, BundleWaitsUntilItsGroupIsReady) {
  placement = bundle({0, 0, 7}, 1);
  EXPECT_EQ(reason(ask()), "wait: bundle 1 of group 0.7 is not ready");
  bundles = {{0, 0, {.cpus = 1}}, {1, 2, {.cpus = 2}}};
  EXPECT_EQ(rank(), Rank(2));
  resources.cpus = 3;
  EXPECT_EQ(reason(ask()), "never: bundle 1 of group 0.7 has 2 cpus, the request needs 3 cpus");
  resources.cpus = 1;
  membership.declare_dead(2, 0);
  EXPECT_EQ(reason(ask()), "wait: bundle 1 of group 0.7 is being placed again");
}

TEST_F(Placing, ASoftWishThatCannotBeMetIsIgnored) {
  for (const auto& wish :
       {on_host("c"), label("gpu_model", "a100"), on_rank(9), bundle({0, 0, 7}, 0), near({0, 0, 1})}) {
    placement = wish.soft();
    EXPECT_EQ(rank(), here) << placement.text();
  }
  placement = on_rank(2).soft();
  EXPECT_EQ(rank(), Rank(2));
}

TEST_F(Placing, ReasonNamesWhatTheBestRankHas) {
  resources = {.cpus = 2, .gpus = 4};
  EXPECT_EQ(reason(ask()), "never: no rank has 2 cpus, 4 gpus (the best, rank 3, has 4 cpus, 2 gpus)");
  placement = on_rank(0);
  EXPECT_EQ(reason(ask()), "never: no rank 0 has 2 cpus, 4 gpus (the best, rank 0, has 4 cpus)");
  placement = label("zone", "x");
  EXPECT_EQ(reason(ask()), "never: no rank with label zone=x is alive (needs 2 cpus, 4 gpus)");
}

TEST_F(Placing, DrainingRanksTakeNoNewWork) {
  load.report(1, {.draining = true});
  EXPECT_EQ(rank(), Rank(0));
  placement = on_rank(1);
  EXPECT_EQ(std::get<Wait>(ask()).reason.find("no rank 1"), 0u);
  arguments = {{1, 1'000'000}};
  placement = {};
  EXPECT_EQ(rank(), Rank(0));
}

}  // namespace
}  // namespace ringray::scheduler
