#include "ringray/scheduler/ledger.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "ringray/base/random.hpp"

namespace ringray::scheduler {
namespace {

const ObjectId user{1, 0, 1};
const BundleKey key{{0, 0, 9}, 2};

TEST(Ledger, NeverGivesMoreThanThereIs) {
  Ledger ledger({.cpus = 1});
  std::vector<GrantId> grants;
  for (int i = 0; i < 10; ++i) grants.push_back(ledger.take({.cpus = 0.1}, user).value());
  EXPECT_FALSE(ledger.take({.cpus = 1e-4}, user));
  EXPECT_EQ(ledger.free(), Resources{});
  for (const auto grant : grants) ledger.give_back(grant);
  EXPECT_EQ(ledger.free(), ledger.total());
  EXPECT_TRUE(ledger.idle());
}

TEST(Ledger, SaysWhoUsesWhichGpu) {
  Ledger ledger({.cpus = 4, .gpus = 2});
  const auto first = ledger.take({.gpus = 1}, user).value();
  const auto second = ledger.take({.gpus = 0.5}, {2, 0, 1}).value();
  EXPECT_EQ(ledger.grant(first).user, user);
  EXPECT_EQ(ledger.grant(first).gpus, (std::vector<GpuShare>{{0, 1}}));
  EXPECT_EQ(ledger.grant(second).gpus, (std::vector<GpuShare>{{1, 0.5}}));
  EXPECT_EQ(ledger.grants().size(), 2u);
}

TEST(Ledger, BundleIsCarvedOutAndUsedOnlyByName) {
  Ledger ledger({.cpus = 4, .gpus = 2});
  ASSERT_TRUE(ledger.reserve(key, {.cpus = 3, .gpus = 1}));
  EXPECT_EQ(ledger.free(), (Resources{.cpus = 1, .gpus = 1}));
  EXPECT_FALSE(ledger.take({.cpus = 2}, user));
  EXPECT_FALSE(ledger.take_from({key.group, 3}, {.cpus = 1}, user));
  const auto grant = ledger.take_from(key, {.cpus = 2, .gpus = 1}, user).value();
  EXPECT_EQ(ledger.grant(grant).gpus, (std::vector<GpuShare>{{0, 1}}));
  EXPECT_EQ(ledger.grant(ledger.take({.gpus = 1}, user).value()).gpus, (std::vector<GpuShare>{{1, 1}}));
  EXPECT_FALSE(ledger.take_from(key, {.cpus = 2}, user));
  ledger.give_back(grant);
  EXPECT_EQ(*ledger.free_in(key), (Resources{.cpus = 3, .gpus = 1}));
}

TEST(Ledger, BundlesOfOneRankHaveDisjointGpus) {
  Ledger ledger({.gpus = 2});
  const BundleKey other{key.group, 3};
  ASSERT_TRUE(ledger.reserve(key, {.gpus = 1}) && ledger.reserve(other, {.gpus = 1}));
  EXPECT_FALSE(ledger.reserve({key.group, 4}, {.gpus = 0.1}));
  const auto a = ledger.take_from(key, {.gpus = 0.5}, user).value();
  const auto b = ledger.take_from(other, {.gpus = 0.5}, user).value();
  EXPECT_NE(ledger.grant(a).gpus[0].device, ledger.grant(b).gpus[0].device);
}

TEST(Ledger, RemovedBundleReturnsWhatItsUsersGiveBack) {
  Ledger ledger({.cpus = 4, .gpus = 1});
  ASSERT_TRUE(ledger.reserve(key, {.cpus = 4, .gpus = 1}));
  const auto grant = ledger.take_from(key, {.cpus = 3, .gpus = 0.5}, user).value();
  const auto users = ledger.unreserve(key);
  ASSERT_EQ(users.size(), 1u);
  EXPECT_EQ(users[0].user, user);
  EXPECT_EQ(ledger.free(), (Resources{.cpus = 1, .gpus = 0.5}));
  // The same bundle again does not get what the old users still have.
  ASSERT_TRUE(ledger.reserve(key, {.cpus = 1}));
  ledger.give_back(grant);
  EXPECT_EQ(*ledger.free_in(key), (Resources{.cpus = 1}));
  EXPECT_TRUE(ledger.unreserve(key).empty());
  EXPECT_EQ(ledger.free(), ledger.total());
  EXPECT_TRUE(ledger.take({.gpus = 1}, user));
}

TEST(Ledger, AWaitingUserLendsItsCpusButNotItsGpu) {
  Ledger ledger({.cpus = 1, .gpus = 1});
  const auto waiter = ledger.take({.cpus = 1, .gpus = 1}, user).value();
  ledger.suspend(waiter);
  EXPECT_FALSE(ledger.take({.gpus = 0.5}, user));
  const auto other = ledger.take({.cpus = 1}, user).value();
  EXPECT_FALSE(ledger.resume(waiter));
  ledger.give_back(other);
  EXPECT_TRUE(ledger.resume(waiter));
  EXPECT_FALSE(ledger.take({.cpus = 1}, user));
  ledger.suspend(waiter);
  ledger.give_back(waiter);
  EXPECT_EQ(ledger.free(), ledger.total());
}

// Any order of operations conserves resources, device by device.
TEST(Ledger, ConservesResourcesUnderRandomUse) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    base::Random random(seed);
    Ledger ledger({.cpus = 8, .gpus = 3, .memory_bytes = 1000, .custom = {{"licence", 2}}});
    std::vector<GrantId> grants;
    const auto some = [&]() -> Resources {
      const Amount gpus = random.chance(0.5)   ? Amount{0}
                          : random.chance(0.5) ? Amount{0.3}
                                               : Amount(1 + random.below(2));
      return {.cpus = Amount::from_units(static_cast<std::int64_t>(random.below(40'000))),
              .gpus = gpus,
              .memory_bytes = random.below(400),
              .custom = {{"licence", Amount{0.5}}}};
    };
    for (int step = 0; step < 300; ++step) {
      const BundleKey bundle{{0, 0, 1}, static_cast<std::uint32_t>(random.below(3))};
      switch (random.below(6)) {
        case 0:
          if (!ledger.has_bundle(bundle)) ledger.reserve(bundle, some());
          break;
        case 1:
          if (ledger.has_bundle(bundle) && random.chance(0.3)) ledger.unreserve(bundle);
          break;
        case 2:
          if (const auto grant = ledger.take(some(), user)) grants.push_back(*grant);
          break;
        case 3:
          if (const auto grant = ledger.take_from(bundle, some(), user)) grants.push_back(*grant);
          break;
        case 4:
          if (!grants.empty()) {
            const auto at = random.below(grants.size());
            ledger.give_back(grants[at]);
            grants.erase(grants.begin() + static_cast<long>(at));
          }
          break;
        default:
          if (!grants.empty()) {
            const auto grant = grants[random.below(grants.size())];
            if (ledger.grant(grant).suspended)
              ledger.resume(grant);
            else
              ledger.suspend(grant);
          }
      }
      std::map<std::uint32_t, Amount> used;
      Resources taken = ledger.free();
      for (const auto& grant : ledger.grants()) {
        for (const auto& share : grant.gpus) used[share.device] += share.amount;
        auto resources = grant.resources;
        if (grant.suspended) resources.cpus = {};
        taken += resources;
      }
      for (const auto& held : ledger.bundles()) taken += *ledger.free_in(held);
      ASSERT_EQ(taken, ledger.total());
      for (const auto& [device, amount] : used) ASSERT_LE(amount, Amount{1});
    }
    for (const auto& bundle : ledger.bundles()) ledger.unreserve(bundle);
    for (const auto grant : grants) ledger.give_back(grant);
    ASSERT_EQ(ledger.free(), ledger.total());
    ASSERT_TRUE(ledger.take(ledger.total(), user)) << "the devices are whole again";
  }
}

}  // namespace
}  // namespace ringray::scheduler
