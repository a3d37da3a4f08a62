#include <gtest/gtest.h>

#include <algorithm>

#include "cluster.hpp"

namespace ringray::control::testing {
namespace {

using namespace std::chrono_literals;

const GroupId id{1, 0, 100};

CreateGroup create(std::vector<Resources> bundles, Strategy strategy = Strategy::pack, GroupId group = id) {
  return {{.id = group, .bundles = std::move(bundles), .strategy = strategy}};
}

struct Groups : ::testing::Test {
  // Four ranks with two cpus each; rank 3 has two gpus too.
  Cluster cluster{ranks_with({{.cpus = 2}, {.cpus = 2}, {.cpus = 2}, {.cpus = 2, .gpus = 2}})};
  scheduler::Ledger& ledger(Rank rank) { return cluster.members[rank.value]->ledger; }
  GroupRecord record(GroupId group = id) { return *cluster.store->groups().find(group); }
  std::size_t count(wire::Kind kind) {
    return static_cast<std::size_t>(std::count_if(cluster.log.begin(), cluster.log.end(),
                                                  [&](const Mail& mail) { return mail.envelope.kind == kind; }));
  }
  void report_death(Rank rank) {
    cluster.kill(rank);
    cluster.call<Flag>(0, ReportDeath{rank, 0});
  }
  std::size_t bundles_held() {
    std::size_t held = 0;
    for (const auto& member : cluster.members) held += member->ledger.bundles().size();
    return held;
  }
  void expect_all_free() {
    for (const auto& member : cluster.members)
      if (member->running) {
        EXPECT_EQ(member->ledger.free(), member->ledger.total());
      }
  }
};

TEST_F(Groups, ReadyWhenEveryRankHolds) {
  EXPECT_TRUE(cluster.call<Flag>(1, create({{.cpus = 2}, {.cpus = 1}, {.gpus = 1}}, Strategy::strict_spread)).value);
  const auto found = cluster.call<GroupFound>(2, WaitGroup{id}).record;
  ASSERT_EQ(found->state, GroupState::ready);
  EXPECT_EQ(found->ranks[2], Rank(3));
  for (std::uint32_t i = 0; i < 3; ++i)
    EXPECT_EQ(*ledger(found->ranks[i]).total_of({id, i}), found->specification.bundles[i]);
  EXPECT_EQ(count(wire::Kind::reserve), 3u);
  EXPECT_EQ(count(wire::Kind::reserved), 3u);
  EXPECT_EQ(count(wire::Kind::unreserve), 0u);
}

TEST_F(Groups, TheSameGroupTwiceIsOneGroup) {
  EXPECT_TRUE(cluster.call<Flag>(1, create({{.cpus = 1}})).value);
  EXPECT_FALSE(cluster.call<Flag>(1, create({{.cpus = 1}})).value);
  EXPECT_EQ(bundles_held(), 1u);
}

TEST_F(Groups, BundlesOnOneRankHaveDisjointGpus) {
  cluster.call<Flag>(1, create({{.gpus = 1}, {.gpus = 1}}));
  const auto a = ledger(3).take_from({id, 0}, {.gpus = 1}, {}), b = ledger(3).take_from({id, 1}, {.gpus = 1}, {});
  EXPECT_NE(ledger(3).grant(*a).gpus[0].device, ledger(3).grant(*b).gpus[0].device);
}

TEST_F(Groups, OneRefusalUndoesAllAndItIsTriedAgain) {
  const auto task = ledger(2).take({.cpus = 2}, {}).value();
  const auto waiting = (cluster.ask(1, create(std::vector<Resources>(4, {.cpus = 1}), Strategy::strict_spread)),
                        cluster.ask(0, WaitGroup{id}));
  cluster.settle();
  EXPECT_EQ(record().state, GroupState::pending);
  EXPECT_NE(record().reason.find("waits for resources in use"), std::string::npos) << record().reason;
  cluster.pass(300ms);
  EXPECT_FALSE(cluster.reply(waiting));
  ledger(2).give_back(task);
  cluster.pass(300ms);
  EXPECT_EQ(cluster.get<GroupFound>(waiting).record->state, GroupState::ready);
  EXPECT_EQ(bundles_held(), 4u);
}

TEST_F(Groups, ABusyRankIsPlannedAround) {
  for (std::uint32_t busy = 0; busy < 3; ++busy) ledger(busy).take({.cpus = 1}, {});
  cluster.call<Flag>(1, create({{.cpus = 2}, {.cpus = 1}}));
  EXPECT_EQ(record().state, GroupState::ready) << record().reason;
  EXPECT_EQ(record().ranks[0], Rank(3));
}

TEST_F(Groups, APendingGroupDoesNotBlockOthers) {
  ledger(3).take({.gpus = 1}, {});
  cluster.call<Flag>(1, create({{.gpus = 2}}));
  EXPECT_EQ(record().state, GroupState::pending);
  const GroupId other{2, 0, 1};
  cluster.call<Flag>(2, create({{.cpus = 2}}, Strategy::pack, other));
  EXPECT_EQ(record(other).state, GroupState::ready);
}

TEST_F(Groups, GpusInPiecesAreFoundOutAndWaitedFor) {
  const auto a = ledger(3).take({.gpus = 0.5}, {}).value();
  const auto whole = ledger(3).take({.gpus = 1}, {}).value();
  const auto b = ledger(3).take({.gpus = 0.5}, {}).value();
  ledger(3).give_back(whole);
  const auto c = ledger(3).take({.gpus = 0.6}, {}).value();
  ledger(3).give_back(b);  // half a gpu is free on one device, 0.4 on the other
  cluster.call<Flag>(1, create({{.gpus = 0.8}}));
  cluster.pass(500ms);
  EXPECT_EQ(record().state, GroupState::pending);
  EXPECT_LT(count(wire::Kind::reserve), 100u) << "a refused plan is not tried in a loop";
  ledger(3).give_back(c);
  cluster.pass(500ms);
  EXPECT_EQ(record().state, GroupState::ready);
  ledger(3).give_back(a);
}

TEST_F(Groups, WhatNoRankHasIsReportedWithTheReason) {
  cluster.call<Flag>(1, create({{.cpus = 1}, {.gpus = 3}}));
  const auto wait = cluster.ask(2, WaitGroup{id});
  cluster.settle();
  EXPECT_EQ(cluster.reply(wait)->error().code, Errc::unschedulable);
  EXPECT_EQ(cluster.reply(wait)->error().text,
            "the placement group cannot be placed: bundle 1 needs 3 gpus (the best, rank 3, has 2 cpus, 2 gpus)");
  EXPECT_EQ(count(wire::Kind::reserve), 0u);
}

TEST_F(Groups, WhatIsNoGroupIsRefused) {
  const std::pair<CreateGroup, Errc> cases[] = {
      {create({}), Errc::config},
      {create({{}}), Errc::config},
      {create({{.cpus = -1}}), Errc::config},
      {create({{.gpus = 1.5}}), Errc::config},
      {create({{.cpus = 1}}, Strategy::pack, {}), Errc::corrupt_data},
      {create({{.cpus = 1}}, Strategy(9)), Errc::corrupt_data},
      {create({{.cpus = 1}}, Strategy::pack, {1, 5, 1}), Errc::owner_died},
  };
  for (const auto& [request, code] : cases) {
    const auto token = cluster.ask(1, request);
    cluster.settle();
    EXPECT_EQ(cluster.reply(token)->error().code, code);
  }
  EXPECT_TRUE(cluster.store->groups().list().empty());
}

TEST_F(Groups, ANamedGroupIsFoundAndItsNameIsTaken) {
  auto named = create({{.cpus = 1}});
  named.specification.name = "mesh";
  cluster.call<Flag>(1, named);
  EXPECT_EQ(cluster.store->groups().find("mesh")->specification, named.specification);
  EXPECT_EQ(cluster.store->groups().find(""), nullptr);
  named.specification.id.sequence += 1;
  const auto token = cluster.ask(2, named);
  cluster.settle();
  EXPECT_EQ(cluster.reply(token)->error().code, Errc::name_taken);
}

TEST_F(Groups, RemovalEvictsUsersAndReturnsEverything) {
  cluster.call<Flag>(1, create({{.cpus = 2}, {.gpus = 1}}));
  const auto place = record().ranks[0];
  const auto grant = ledger(place).take_from({id, 0}, {.cpus = 1}, {7, 0, 7}).value();
  EXPECT_TRUE(cluster.call<Flag>(2, RemoveGroup{id}).value);
  EXPECT_FALSE(cluster.call<Flag>(2, RemoveGroup{id}).value);
  cluster.settle();
  ASSERT_EQ(cluster.members[place.value]->evicted.size(), 1u);
  EXPECT_EQ(cluster.members[place.value]->evicted[0].user, (ObjectId{7, 0, 7}));
  ledger(place).give_back(grant);
  expect_all_free();
  EXPECT_EQ(cluster.store->groups().find(id), nullptr);
}

TEST_F(Groups, RemovalDuringReservationReturnsEverything) {
  for (std::uint64_t steps = 0; steps < 14; ++steps) {
    Cluster fresh(ranks_with(std::vector<Resources>(4, {.cpus = 2})), {.seed = steps});
    fresh.ask(1, create(std::vector<Resources>(4, {.cpus = 2}), Strategy::spread));
    const auto wait = fresh.ask(1, WaitGroup{id});
    for (std::uint64_t i = 0; i < steps; ++i) fresh.step();
    fresh.ask(1, RemoveGroup{id});
    fresh.settle();
    ASSERT_TRUE(fresh.reply(wait)) << "after " << steps << " steps";
    for (const auto& member : fresh.members) EXPECT_EQ(member->ledger.free(), member->ledger.total());
  }
}

TEST_F(Groups, RankLossReschedulesOnlyTheLostBundles) {
  cluster.call<Flag>(0, create({{.cpus = 1}, {.cpus = 1}, {.cpus = 1}}, Strategy::strict_spread, {0, 0, 1}));
  const GroupId group{0, 0, 1};
  const auto before = record(group).ranks;
  const auto lost = std::find_if(before.begin(), before.end(), [](Rank rank) { return rank != Rank(0); });
  const auto reserves = count(wire::Kind::reserve);
  report_death(*lost);
  const auto after = record(group);
  EXPECT_EQ(after.state, GroupState::ready);
  EXPECT_EQ(count(wire::Kind::reserve), reserves + 1);
  EXPECT_EQ(count(wire::Kind::unreserve), 0u);
  for (std::size_t i = 0; i < before.size(); ++i)
    if (before[i] == *lost)
      EXPECT_TRUE(std::find(before.begin(), before.end(), after.ranks[i]) == before.end());
    else
      EXPECT_EQ(after.ranks[i], before[i]);
}

TEST_F(Groups, LostBundlesThatFitNowhereAreReported) {
  cluster.call<Flag>(0, create(std::vector<Resources>(4, {.cpus = 1}), Strategy::strict_spread, {0, 0, 1}));
  report_death(2);
  EXPECT_EQ(record({0, 0, 1}).state, GroupState::infeasible);
  const auto wait = cluster.ask(0, WaitGroup{{0, 0, 1}});
  cluster.settle();
  EXPECT_EQ(cluster.reply(wait)->error().code, Errc::unschedulable);
  cluster.call<Flag>(0, RemoveGroup{{0, 0, 1}});
  cluster.settle();
  expect_all_free();
}

TEST_F(Groups, GroupsOfADeadCreatorGoUnlessDetached) {
  auto detached = create({{.cpus = 1}}, Strategy::pack, {1, 0, 2});
  detached.specification.detached = true;
  cluster.call<Flag>(1, create(std::vector<Resources>(3, {.cpus = 1}), Strategy::spread));
  cluster.call<Flag>(1, detached);
  report_death(1);
  cluster.settle();
  const auto left = cluster.store->groups().list();
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].specification.id, (GroupId{1, 0, 2}));
  EXPECT_EQ(left[0].state, GroupState::ready);
  for (const auto rank : {0, 2, 3}) EXPECT_LE(ledger(rank).bundles().size(), 1u);
}

TEST_F(Groups, RankThatDiesDuringReservationIsPlannedAround) {
  cluster.hold = [](const Mail& mail) { return mail.envelope.kind == wire::Kind::reserve && mail.target == Rank(1); };
  const GroupId group{0, 0, 1};
  cluster.ask(0, create(std::vector<Resources>(3, {.cpus = 2}), Strategy::strict_spread, group));
  cluster.pass(20ms);
  ASSERT_EQ(record(group).state, GroupState::pending);
  report_death(1);
  cluster.pass(20ms);
  EXPECT_EQ(record(group).state, GroupState::ready);
  const auto ranks = record(group).ranks;
  EXPECT_EQ(std::count(ranks.begin(), ranks.end(), Rank(1)), 0);
}

TEST_F(Groups, RankThatDoesNotAnswerIsPlannedAroundAndHoldsNothingLater) {
  bool is_frozen = true;
  cluster.hold = [&](const Mail& mail) { return is_frozen && mail.target == Rank(1); };
  const GroupId group{0, 0, 1};
  cluster.ask(0, create(std::vector<Resources>(3, {.cpus = 2}), Strategy::strict_spread, group));
  cluster.pass(4s);
  EXPECT_EQ(record(group).state, GroupState::pending);
  cluster.pass(3s);
  EXPECT_EQ(record(group).state, GroupState::ready);
  is_frozen = false;
  cluster.settle();
  EXPECT_TRUE(ledger(1).bundles().empty());
  EXPECT_EQ(ledger(1).free(), ledger(1).total());
}

TEST_F(Groups, ALateReserveDoesNotComeBackToLife) {
  struct Sink : wire::Outbox {
    std::vector<wire::Envelope> sent;
    void send(Rank, wire::Envelope envelope, wire::View) override { sent.push_back(envelope); }
    void send_bulk(Rank, wire::Envelope, wire::Lease) override {}
  } outbox;
  scheduler::Ledger own({.cpus = 2});
  Reservations reservations(own);
  const auto payload = encode(Resources{.cpus = 1});
  wire::Envelope envelope{.subject = id, .correlation = 5, .argument = 1, .kind = wire::Kind::reserve};
  reservations.on_reserve(envelope, payload.view(), outbox);
  reservations.on_reserve(envelope, payload.view(), outbox);
  EXPECT_EQ(own.free(), (Resources{.cpus = 1})) << "asked twice, held once";
  reservations.on_unreserve(envelope, outbox);
  reservations.on_unreserve(envelope, outbox);
  reservations.on_reserve(envelope, payload.view(), outbox);
  EXPECT_EQ(own.free(), own.total());
  std::vector<int> held;
  for (const auto& answer : outbox.sent) held.push_back(answer.flags & bundle_held);
  EXPECT_EQ(held, (std::vector<int>{1, 1, 0, 0, 0}));
}

}  // namespace
}  // namespace ringray::control::testing
