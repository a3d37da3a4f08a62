// Many groups want the same ranks while tasks come and go, messages race and, in some runs, are lost or doubled and
// ranks die. Whatever the seed: a ready group is held as recorded, nobody holds part of a group for good, every group
// becomes ready or is impossible, and in the end everything is free again.

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "cluster.hpp"

namespace ringray::control::testing {
namespace {

using namespace std::chrono_literals;

struct Contest {
  explicit Contest(std::uint64_t seed, ClusterOptions options, double death)
      : random(seed * 77 + 1), cluster(make_records(random), options), death(death) {}

  static std::vector<RankRecord> make_records(base::Random& random) {
    std::vector<Resources> totals(3 + random.below(4));
    for (auto& total : totals)
      total = {.cpus = scheduler::Amount(2 + random.below(3)), .gpus = scheduler::Amount(random.below(3))};
    return ranks_with(totals);
  }

  void create_group() {
    GroupSpecification group;
    do group.id = {static_cast<std::uint32_t>(random.below(cluster.members.size())), 0, ++sequence};
    while (!cluster.members[group.id.owner.value]->running);
    group.bundles.resize(1 + random.below(3));
    for (auto& bundle : group.bundles) {
      bundle.cpus = scheduler::Amount(1 + random.below(2));
      if (random.chance(0.3)) bundle.gpus = random.chance(0.5) ? 0.5 : 1;
    }
    group.strategy = static_cast<Strategy>(random.below(4));
    open[group.id] = {.create = cluster.ask(group.id.owner, CreateGroup{group})};
    ++created;
  }

  // A task on some rank starts or ends.
  void work() {
    const auto rank = static_cast<std::uint32_t>(random.below(cluster.members.size()));
    auto& ledger = cluster.members[rank]->ledger;
    if (auto& mine = tasks[rank]; mine.size() > random.below(3)) {
      ledger.give_back(mine.back());
      mine.pop_back();
    } else if (const auto grant = ledger.take({.cpus = 1, .gpus = random.chance(0.3) ? 0.5 : 0.0}, {})) {
      mine.push_back(*grant);
    }
  }

  // Each creator waits for its group once it exists, and removes it when it is ready or impossible.
  void attend_to_groups() {
    for (auto at = open.begin(); at != open.end();) {
      auto& [id, group] = *at;
      const bool owner_alive = cluster.members[id.owner.value]->running;
      if (owner_alive && group.wait == 0 && cluster.reply(group.create))
        group.wait = cluster.ask(id.owner, WaitGroup{id});
      const auto reply = cluster.reply(group.wait);
      if (!reply && owner_alive) {
        ++at;
        continue;
      }
      if (reply && *reply) ++became_ready;
      if (reply && *reply) check_held(std::get<GroupFound>(**reply).record.value());
      if (owner_alive) cluster.ask(id.owner, RemoveGroup{id});
      at = open.erase(at);
      ++ended;
    }
  }

  // A ready group whose ranks live and that is not being removed is held exactly as it is recorded.
  void check_held(const GroupRecord& record) {
    const auto* now = cluster.store->groups().find(record.specification.id);
    if (now == nullptr || now->state != GroupState::ready) return;
    for (std::uint32_t i = 0; i < now->ranks.size(); ++i) {
      if (!cluster.members[now->ranks[i].value]->running) continue;
      const auto* total = cluster.members[now->ranks[i].value]->ledger.total_of({record.specification.id, i});
      ASSERT_NE(total, nullptr);
      ASSERT_EQ(*total, record.specification.bundles[i]);
    }
    const std::set<Rank> used(now->ranks.begin(), now->ranks.end());
    if (record.specification.strategy == Strategy::strict_spread) {
      ASSERT_EQ(used.size(), now->ranks.size());
    }
    if (record.specification.strategy == Strategy::strict_pack) {
      ASSERT_EQ(used.size(), 1u);
    }
  }

  void kill_somebody() {
    const auto rank = static_cast<std::uint32_t>(1 + random.below(cluster.members.size() - 1));
    if (!cluster.members[rank]->running) return;
    cluster.kill(rank);
    tasks.erase(rank);
    cluster.ask(0, ReportDeath{rank, 0});
  }

  void run() {
    for (int round = 0; round < 60; ++round) {
      if (created < 20) create_group();
      for (auto deeds = random.below(4); deeds != 0; --deeds) work();
      for (auto steps = random.below(30); steps != 0; --steps) cluster.step();
      if (random.chance(0.3)) cluster.pass(std::chrono::milliseconds(random.below(60)));
      if (random.chance(death)) kill_somebody();
      attend_to_groups();
    }
    for (auto& [rank, mine] : tasks)
      for (const auto grant : mine) cluster.members[rank]->ledger.give_back(grant);
    for (int round = 0; round < 600 && !open.empty(); ++round) {
      cluster.pass(200ms);
      attend_to_groups();
    }
    EXPECT_TRUE(open.empty()) << open.size() << " groups never became ready";
    for (int round = 0; round < 100 && !done(); ++round) cluster.pass(1s);
    EXPECT_EQ(ended, created);
    EXPECT_TRUE(cluster.store->groups().list().empty());
    for (const auto& member : cluster.members) {
      if (!member->running) continue;
      EXPECT_EQ(member->ledger.free(), member->ledger.total());
      EXPECT_TRUE(member->ledger.idle());
    }
    for (std::uint32_t i = 0; i < cluster.members.size(); ++i) {
      if (!cluster.members[i]->running) continue;
      EXPECT_EQ(cluster.store->groups().bundled(i), Resources{}) << "the control store's account of rank " << i;
    }
  }
  bool done() const { return cluster.store->groups().quiet() && cluster.store->groups().list().empty(); }

  base::Random random;
  Cluster cluster;
  double death;
  struct OpenGroup {
    std::uint64_t create = 0, wait = 0;  // tokens
  };
  std::uint64_t sequence = 0, created = 0, ended = 0, became_ready = 0;
  std::map<GroupId, OpenGroup> open;
  std::map<std::uint32_t, std::vector<scheduler::GrantId>> tasks;
};

void contest(ClusterOptions options, double death, std::uint64_t seeds) {
  std::uint64_t ready = 0, created = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    options.seed = seed;
    Contest contest(seed, options, death);
    contest.run();
    if (::testing::Test::HasFailure()) return;
    ready += contest.became_ready;
    created += contest.created;
  }
  EXPECT_GT(ready, created / 3) << "most groups are possible, so the test tests something";
}

TEST(Contention, EveryGroupGetsItsTurn) { contest({}, 0, 200); }
TEST(Contention, RanksMayDie) { contest({}, 0.05, 200); }
TEST(Contention, MessagesMayBeLostAndDoubled) { contest({.drop = 0.1, .duplicate = 0.1}, 0, 60); }
TEST(Contention, AllOfIt) { contest({.drop = 0.1, .duplicate = 0.1}, 0.05, 60); }

}  // namespace
}  // namespace ringray::control::testing
