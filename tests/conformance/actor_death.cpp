// What the death of a rank means for actors, groups, and what is on its way. Six ranks with 4 cpus each, started by
// mpirun --enable-recovery. One test for one death, in the order of the ranks that die: 1, 3, 5, 4.

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "actors.hpp"
#include "ringray/runtime/core.hpp"

namespace conformance {
namespace {

namespace files = std::filesystem;
using Numbers = std::vector<int>;

void die() { ::kill(getpid(), SIGKILL); }

/// An actor that its owner has named and never spawns.
ActorHandle<Mortal> unborn(Rank home) {
  auto& core = runtime::core();
  auto* state = new runtime::ActorState;
  state->home = home;
  core.with([&] { core.promote(*state); });
  return runtime::Access::make<ActorHandle<Mortal>>(state);
}

/// From now on this rank answers nobody.
void be_silent_and_die(std::string folder) {
  runtime::core().with([&] {
    std::ofstream(folder + "/silent") << "now";
    while (!files::exists(folder + "/die")) {
    }
    die();
  });
}

// A result that is too large to travel, and says when it is gone.
std::atomic<int> results{0}, results_ever{0};
struct Result {
  Result() { ++results, ++results_ever; }
  Result(Result&& other) noexcept : values(std::move(other.values)) { ++results; }
  Result(const Result& other) : values(other.values) { ++results; }
  ~Result() { --results; }
  Numbers values = Numbers(100'000, 1);
  template <class Archive>
  void serialize(Archive& archive) {
    archive(values);
  }
};
std::atomic<bool> orphan_waits{false};
Result orphan(Rank parent) {
  orphan_waits = true;
  while (alive(parent)) this_task::yield();
  return {};
}

struct Family {
  ActorHandle<Mortal> child;
};
Family& family() {
  static Family all;
  return all;
}
void found_family(ActorHandle<Witness> witness, Rank home) {
  family().child = spawn<Mortal>({.placement = on_rank(home)}, witness, "child");
  auto survivor =
      spawn<Mortal>({.name = "survivor", .placement = on_rank(home), .detached = true}, witness, "survivor");
  get(survivor.call<&Mortal::add>(1));
  get(family().child.call<&Mortal::add>(1));
}

TEST_F(Ray, C35_DeathOfTheOwnerEndsItsActorsAndFailsCallsToThoseThatNeverCame) {
  const Rank owner{1}, home{2};
  const TaskOptions there{.placement = on_rank(owner)}, at_home{.placement = on_rank(home)};
  const auto folder = files::temp_directory_path() / ("ringray-death-" + std::to_string(getpid()));
  files::create_directories(folder);
  auto witness = spawn<Witness>();
  get(submit(there, found_family, witness, home));
  get(submit(
      there, [](Rank where, Rank parent) { submit({.placement = on_rank(where)}, orphan, parent); }, home, owner));
  EXPECT_TRUE(soon([&] { return get(submit(at_home, [] { return orphan_waits.load(); })); }));

  const auto handle = get(submit(there, unborn, home));
  const auto dies = submit({.placement = on_rank(owner), .max_retries = 0}, be_silent_and_die, folder.string());
  EXPECT_TRUE(soon([&] { return files::exists(folder / "silent"); }));
  const auto early = handle.call<&Mortal::add>(1);
  get(submit(at_home, [] {}));  // so it has come, and waits there
  EXPECT_TRUE(pending(early));
  std::ofstream(folder / "die") << "now";
  EXPECT_THROW(get(dies), RankDiedError);
  EXPECT_FALSE(error_of<ActorDiedError>(early).empty());
  EXPECT_FALSE(error_of<ActorDiedError>(handle.call<&Mortal::add>(1)).empty());

  EXPECT_TRUE(soon([&] { return noted(witness, "child destroyed") == 1; }));
  for (const auto rank : {Rank{0}, home, Rank{3}})
    EXPECT_GT(get(submit({.placement = on_rank(rank)},
                         [] { return get(get_actor<Mortal>("survivor").call<&Mortal::add>(1)); })),
              1);
  EXPECT_EQ(noted(witness, "survivor destroyed"), 0);
  kill(get_actor<Mortal>("survivor"));
  EXPECT_TRUE(soon([&] { return noted(witness, "survivor destroyed") == 1; }));

  // What was made for the dead rank is not kept.
  EXPECT_TRUE(soon([&] { return get(submit(at_home, [] { return results_ever > 0 && results == 0; })); }));
  files::remove_all(folder);
}

// An argument whose encoding waits until the target is dead.
std::atomic<int> encoding{0};
struct Slow {
  explicit Slow(Rank t = {}) : target(t) {}
  Rank target;
  template <class Archive>
  void save(Archive& archive) const {
    ++encoding;
    while (alive(target)) this_task::yield();
    archive(target.value);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(target.value);
  }
};
struct Taker {
  Taker() = default;
  explicit Taker(const Slow&) {}
  int take(const Slow&) { return 1; }
  int ping() { return 1; }
};
TaskOptions once_on(Rank rank) { return {.placement = on_rank(rank), .max_retries = 0}; }
int take(const Slow&) { return 1; }
Generator<int> take_often(Slow) {
  for (int i = 0; i < 3; ++i) co_yield i;
}
Returns<int, int> take_twice(const Slow&) { return {1, 2}; }

TEST_F(Ray, C33_RequestsToARankThatDiesWhileTheyAreEncodedFail) {
  const Rank target{3};
  const TaskOptions here{.placement = on_rank(Rank{0})};
  auto taker = spawn<Taker>({.placement = on_rank(target)});
  EXPECT_EQ(get(taker.call<&Taker::ping>()), 1);
  std::vector<ObjectRef<bool>> outcomes;
  outcomes.push_back(submit(here, [=] {
    const auto ref = submit(once_on(target), take, Slow(target));
    return !error_of<RankDiedError>(ref).empty();
  }));
  outcomes.push_back(submit(here, [=] {
    auto [first, second] = submit(once_on(target), take_twice, Slow(target));
    return !error_of<RankDiedError>(first).empty() && !error_of<RankDiedError>(second).empty();
  }));
  outcomes.push_back(submit(here, [=] {
    try {
      for (const auto& item : submit(once_on(target), take_often, Slow(target))) static_cast<void>(get(item));
    } catch (const RankDiedError&) {
      return true;
    }
    return false;
  }));
  outcomes.push_back(submit(
      here,
      [=](ActorHandle<Taker> to) { return !error_of<ActorDiedError>(to.call<&Taker::take>(Slow(target))).empty(); },
      taker));
  outcomes.push_back(submit(
      here,
      [=](ActorHandle<Taker> to) {
        to.send<&Taker::take>(Slow(target));
        return true;
      },
      taker));
  outcomes.push_back(submit(here, [=] {
    const auto fresh = spawn<Taker>({.placement = on_rank(target)}, Slow(target));
    return !error_of<ActorDiedError>(fresh.call<&Taker::ping>()).empty();
  }));
  EXPECT_TRUE(soon([&] { return encoding == static_cast<int>(outcomes.size()); }));
  const auto dies = submit(once_on(target), die);
  EXPECT_THROW(get(dies), RankDiedError);
  for (std::size_t i = 0; i < outcomes.size(); ++i) EXPECT_TRUE(get(outcomes[i])) << i;
  EXPECT_FALSE(error_of<ActorDiedError>(taker.call<&Taker::ping>()).empty());
}

ActorHandle<Taker>& kept_taker() {
  static ActorHandle<Taker> taker;
  return taker;
}
bool named_anew(const std::string& name) {
  auto taker = spawn<Taker>({.name = name});
  return get(get_actor<Taker>(name).call<&Taker::ping>()) == 1;
}

TEST_F(Ray, C37_ANameIsFreeAgainWhenTheRankOfItsActorDiedThoughItsHandleLives) {
  const Rank victim{5}, other{2};
  const auto mine = spawn<Taker>({.name = "mine", .placement = on_rank(victim)});
  const auto detached = spawn<Taker>({.name = "detached", .placement = on_rank(victim), .detached = true});
  get(submit({.placement = on_rank(other)},
             [=] { kept_taker() = spawn<Taker>({.name = "theirs", .placement = on_rank(victim)}); }));
  for (const auto* name : {"mine", "detached", "theirs"})
    EXPECT_EQ(get(get_actor<Taker>(name).call<&Taker::ping>()), 1);
  EXPECT_THROW(spawn<Taker>({.name = "mine"}), NameTakenError);
  EXPECT_THROW(get(submit(once_on(victim), die)), RankDiedError);
  EXPECT_FALSE(error_of<ActorDiedError>(mine.call<&Taker::ping>()).empty());
  EXPECT_TRUE(named_anew("mine"));
  EXPECT_TRUE(named_anew("detached"));
  EXPECT_TRUE(soon([&] {  // its owner may hear of the death later
    try {
      return named_anew("theirs");
    } catch (const NameTakenError&) {
      return false;
    }
  }));
  EXPECT_FALSE(error_of<ActorDiedError>(detached.call<&Taker::ping>()).empty());
  get(submit({.placement = on_rank(other)}, [] { kept_taker() = {}; }));
}

TEST_F(Ray, C59_DeathOfARankMovesOnlyTheBundlesThatItHad) {
  const Rank victim{4};
  const auto group =
      create_placement_group({.bundles = std::vector<Resources>(3, {.cpus = 2}), .strategy = Strategy::spread});
  get(group.ready());
  const auto before = group.ranks();
  const auto lost = static_cast<std::size_t>(std::find(before.begin(), before.end(), victim) - before.begin());
  ASSERT_LT(lost, before.size()) << "three ranks live: 0, 2 and this one";
  std::vector<ActorHandle<Taker>> users;
  for (std::uint32_t i = 0; i < before.size(); ++i) {
    users.push_back(spawn<Taker>({.resources = {.cpus = 1}, .placement = bundle(group, i)}));
    EXPECT_EQ(get(users.back().call<&Taker::ping>()), 1);
  }
  EXPECT_THROW(get(submit(once_on(victim), die)), RankDiedError);
  const auto in_bundle =
      submit({.resources = {.cpus = 1}, .placement = bundle(group, static_cast<std::uint32_t>(lost))},
             [] { return this_rank().value; });
  const auto where = get(in_bundle);
  EXPECT_NE(where, victim.value);
  const auto after = group.ranks();
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (i == lost) {
      EXPECT_EQ(after[i].value, where);
      EXPECT_FALSE(error_of<ActorDiedError>(users[i].call<&Taker::ping>()).empty());
    } else {
      EXPECT_EQ(after[i], before[i]);
      EXPECT_EQ(get(users[i].call<&Taker::ping>()), 1);  // nothing happened to it
    }
  }
  users.clear();
  remove_placement_group(group);
}

// A reference may come back to its owner after the object was freed, when the rank that vouched for it died.
TEST_F(Ray, C45_AReferenceToWhatWasFreedTooEarlyFails) {
  auto& core = runtime::core();
  const auto again = [&](Rank home) {
    return core.with([&] {
      const runtime::Carried lost{core.owner().next_id(), home, 0};
      core.owner().acquire(lost);
      return core.adopt(lost);
    });
  };
  const auto object = runtime::Access::make<ObjectRef<Numbers>>(again(Rank{}));
  EXPECT_FALSE(error_of<ObjectLostError>(object).empty());
  EXPECT_FALSE(
      error_of<TaskError>(submit(
                              {.placement = on_rank(Rank{2})}, [](ObjectRef<Numbers> ref) { get(ref); }, object))
          .empty());
  const auto actor = runtime::Access::make<ActorHandle<Mortal>>(static_cast<runtime::ActorState*>(again(Rank{2})));
  EXPECT_FALSE(error_of<ActorDiedError>(actor.call<&Mortal::add>(1)).empty());
}

}  // namespace
}  // namespace conformance
