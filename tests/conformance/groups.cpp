// Placement groups. Runs with --ringray.cpus=4 --ringray.gpus=2 on every rank.

#include <set>

#include "actors.hpp"

namespace conformance {
namespace {

std::set<std::uint32_t> distinct(const std::vector<Rank>& all) {
  std::set<std::uint32_t> set;
  for (const auto rank : all) set.insert(rank.value);
  return set;
}

TEST_F(Ray, C59_StrategiesPlaceAsNamed) {
  struct Case {
    Strategy strategy;
    std::size_t bundles;
    std::size_t ranks_used;
  };
  const std::size_t all = ranks();
  for (const auto& c : {Case{Strategy::pack, 2, 1}, Case{Strategy::strict_pack, 4, 1}, Case{Strategy::spread, all, all},
                        Case{Strategy::strict_spread, all, all}}) {
    const auto group =
        create_placement_group({.bundles = std::vector<Resources>(c.bundles, {.cpus = 1}), .strategy = c.strategy});
    get(group.ready());
    const auto places = group.ranks();
    ASSERT_EQ(places.size(), c.bundles);
    EXPECT_EQ(distinct(places).size(), c.ranks_used) << "strategy " << static_cast<int>(c.strategy);
    for (std::uint32_t i = 0; i < c.bundles; ++i)
      EXPECT_EQ(get(submit({.resources = {.cpus = 1}, .placement = bundle(group, i)}, [] { return this_rank(); })),
                places[i]);
    remove_placement_group(group);
  }
  const auto never = create_placement_group(
      {.bundles = std::vector<Resources>(ranks() + 1, {.cpus = 1}), .strategy = Strategy::strict_spread});
  EXPECT_THROW(get(never.ready()), UnschedulableError);
  remove_placement_group(never);
}

/// Counts holders of all resources at the same time.
struct Referee {
  void enter() { most = std::max(most, ++inside); }
  void leave() { --inside; }
  int worst() const { return most; }
  int inside = 0, most = 0;
};
void take_everything(ActorHandle<Referee> referee) {
  const auto group = create_placement_group(
      {.bundles = std::vector<Resources>(ranks(), {.cpus = 3}), .strategy = Strategy::strict_spread});
  get(group.ready());
  get(referee.call<&Referee::enter>());
  for (std::uint32_t i = 0; i < ranks(); ++i)
    get(submit({.resources = {.cpus = 3}, .placement = bundle(group, i)}, [] {}));
  get(referee.call<&Referee::leave>());
  remove_placement_group(group);
}

TEST_F(Ray, C59_CreationIsAllOrNothingUnderContention) {
  auto referee = spawn<Referee>();
  std::vector<ObjectRef<void>> rivals;
  for (std::uint32_t i = 0; i < 4 * ranks(); ++i)
    rivals.push_back(submit({.placement = on_rank(Rank{i % ranks()})}, take_everything, referee));
  get(rivals);
  EXPECT_EQ(get(referee.call<&Referee::worst>()), 1);
}

TEST_F(Ray, C59_RemovalKillsUsersAndFreesTheResources) {
  for_each_home([](Rank home) {
    auto witness = spawn<Witness>();
    // A bundle on `home`: the others are taken by its neighbours in the group.
    const auto group = create_placement_group(
        {.bundles = std::vector<Resources>(ranks(), {.cpus = 3}), .strategy = Strategy::strict_spread});
    const auto places = group.ranks();
    const auto index = static_cast<std::uint32_t>(std::find(places.begin(), places.end(), home) - places.begin());
    auto mortal = spawn<Mortal>({.resources = {.cpus = 1}, .placement = bundle(group, index)}, witness);
    EXPECT_EQ(get(mortal.call<&Mortal::add>(1)), 1);
    EXPECT_EQ(mortal.rank(), home);
    const auto running = submit(
        {.resources = {.cpus = 2}, .placement = bundle(group, index)},
        [](ActorHandle<Witness> w) {
          const auto stop = this_task::stop_token();
          get(w.call<&Witness::note>("task runs"));
          while (!stop.stop_requested()) this_task::yield();
          return 5;
        },
        witness);
    EXPECT_TRUE(soon([&] { return noted(witness, "task runs") == 1; }));
    const auto queued = submit({.resources = {.cpus = 3}, .placement = bundle(group, index)}, [] { return 1; });
    auto stranded = spawn<Mortal>({.resources = {.cpus = 3}, .placement = bundle(group, index)}, witness, "stranded");
    const auto never = stranded.call<&Mortal::add>(1);
    EXPECT_TRUE(pending(queued));
    remove_placement_group(group);
    EXPECT_EQ(get(running), 5);  // it was asked to stop
    EXPECT_FALSE(error_of<UnschedulableError>(queued).empty());
    EXPECT_FALSE(error_of<ActorDiedError>(never).empty());
    EXPECT_TRUE(soon([&] { return !error_of<ActorDiedError>(mortal.call<&Mortal::add>(1)).empty(); }));
    EXPECT_TRUE(soon([&] { return noted(witness, "mortal destroyed") == 1; }));
    EXPECT_EQ(get(submit({.resources = {.cpus = 4}, .placement = on_rank(home)}, [] { return 2; })), 2);
    EXPECT_FALSE(error_of<UnschedulableError>(submit({.resources = {.cpus = 1}, .placement = bundle(group, index)}, [] {
                   return 1;
                 })).empty());
  });
}

struct GpuUser {
  std::vector<std::uint32_t> gpus() const { return this_task::gpus(); }
};

TEST_F(Ray, C59_GpusInBundlesAreDisjoint) {
  for (const auto strategy : {Strategy::strict_pack, Strategy::spread}) {
    const std::uint32_t bundles = 2 * ranks();
    if (strategy == Strategy::strict_pack && bundles > 2) {
      const auto never =
          create_placement_group({.bundles = std::vector<Resources>(bundles, {.gpus = 1}), .strategy = strategy});
      EXPECT_THROW(get(never.ready()), UnschedulableError);
      remove_placement_group(never);
      continue;
    }
    const auto group =
        create_placement_group({.bundles = std::vector<Resources>(bundles, {.gpus = 1}), .strategy = strategy});
    const auto places = group.ranks();
    std::set<std::pair<std::uint32_t, std::uint32_t>> used;
    std::vector<ActorHandle<GpuUser>> users;
    for (std::uint32_t i = 0; i < bundles; ++i) {
      users.push_back(spawn<GpuUser>({.resources = {.gpus = 1}, .placement = bundle(group, i)}));
      const auto gpus = get(users.back().call<&GpuUser::gpus>());
      ASSERT_EQ(gpus.size(), 1);
      EXPECT_LT(gpus[0], 2);
      EXPECT_TRUE(used.emplace(places[i].value, gpus[0]).second) << "one gpu in two bundles";
    }
    users.clear();
    EXPECT_EQ(used.size(), bundles);
    for (std::uint32_t i = 0; i < bundles; ++i) {
      const auto gpus =
          get(submit({.resources = {.gpus = 1}, .placement = bundle(group, i)}, [] { return this_task::gpus(); }));
      EXPECT_EQ(gpus.size(), 1);
    }
    remove_placement_group(group);
  }
}

}  // namespace
}  // namespace conformance
