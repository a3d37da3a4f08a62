#include "ringray/control/names.hpp"

#include <gtest/gtest.h>

#include "cluster.hpp"

namespace ringray::control::testing {
namespace {

struct NamesTest : ::testing::Test {
  Cluster cluster{ranks_with(std::vector<Resources>(4, {.cpus = 1}))};
  ActorRecord record(ActorId actor, bool detached = false) {
    return {"space", "hits", actor, actor.owner, detached, "Counter"};
  }
  ReserveName reserve(ActorId actor, bool get_if_exists = false) { return {"space", "hits", actor, get_if_exists}; }
  /// Reserves the name and says that the actor lives.
  void enter(Rank rank, const ActorRecord& actor) {
    cluster.call<NameReserved>(rank, ReserveName{actor.space, actor.name, actor.actor});
    EXPECT_TRUE(cluster.call<Flag>(rank, RegisterActor{actor}).value);
  }
  void report_death(Rank rank) {
    cluster.kill(rank);
    EXPECT_TRUE(cluster.call<Flag>(0, ReportDeath{rank, 0}).value);
  }
  const ActorId first{1, 0, 1}, second{2, 0, 1}, third{3, 0, 1};
};

TEST_F(NamesTest, OfManyCreatorsOneCreatesAndTheOthersGetItsHandle) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Cluster racing(ranks_with(std::vector<Resources>(4, {.cpus = 1})), {.seed = seed});
    std::vector<std::uint64_t> tokens;
    for (std::uint32_t i = 0; i < 4; ++i) tokens.push_back(racing.ask(i, reserve({i, 0, 1}, true)));
    racing.settle();
    std::optional<std::uint32_t> creator;
    for (std::uint32_t i = 0; i < 4; ++i) {
      if (!racing.reply(tokens[i])) continue;
      racing.get<NameReserved>(tokens[i]);
      ASSERT_FALSE(creator) << "two creators, seed " << seed;
      creator = i;
    }
    ASSERT_TRUE(creator);
    EXPECT_TRUE(racing.call<Flag>(*creator, RegisterActor{record({*creator, 0, 1})}).value);
    for (std::uint32_t i = 0; i < 4; ++i)
      if (i != *creator) {
        EXPECT_EQ(racing.get<ActorFound>(tokens[i]).record->actor.owner, Rank(*creator));
      }
  }
}

TEST_F(NamesTest, DuplicateNameIsRefusedWithTheExistingActor) {
  cluster.call<NameReserved>(1, reserve(first));
  EXPECT_EQ(cluster.call<NameTaken>(2, reserve(second)).existing.actor, first);
  cluster.call<Flag>(1, RegisterActor{record(first)});
  EXPECT_EQ(cluster.call<NameTaken>(2, reserve(second)).existing, record(first));
  EXPECT_EQ(cluster.call<NameTaken>(2, RegisterActor{record(second)}).existing, record(first));
}

TEST_F(NamesTest, NamesOfOtherNamespacesAreInvisible) {
  enter(1, record(first));
  EXPECT_EQ(cluster.call<ActorFound>(2, LookupActor{"other", "hits"}).record, std::nullopt);
  EXPECT_EQ(cluster.call<ActorFound>(2, LookupActor{"space", "hits"}).record, record(first));
  cluster.call<NameReserved>(2, ReserveName{"other", "hits", second});
}

TEST_F(NamesTest, LookupWaitsForTheActorThatIsBeingCreated) {
  cluster.call<NameReserved>(1, reserve(first));
  const auto lookup = cluster.ask(2, LookupActor{"space", "hits"});
  cluster.settle();
  EXPECT_FALSE(cluster.reply(lookup));
  cluster.call<Flag>(1, RegisterActor{record(first)});
  EXPECT_EQ(cluster.get<ActorFound>(lookup).record, record(first));
}

TEST_F(NamesTest, NameIsFreeWhenTheActorIsDead) {
  enter(1, record(first));
  EXPECT_TRUE(cluster.call<Flag>(1, RemoveActor{first}).value);
  EXPECT_FALSE(cluster.call<Flag>(1, RemoveActor{first}).value);
  EXPECT_EQ(cluster.call<ActorFound>(2, LookupActor{"space", "hits"}).record, std::nullopt);
  cluster.call<NameReserved>(2, reserve(second));
}

TEST_F(NamesTest, AnActorThatEndedBeforeItsCreatorSaidThatItLivesIsNotEntered) {
  cluster.call<NameReserved>(1, reserve(first));
  EXPECT_TRUE(cluster.call<Flag>(3, RemoveActor{first}).value);
  EXPECT_FALSE(cluster.call<Flag>(1, RegisterActor{record(first)}).value);
  EXPECT_EQ(cluster.store->names().size(), 0u);
}

TEST_F(NamesTest, CreatorThatGivesUpOrDiesPassesTheNameOn) {
  cluster.call<NameReserved>(1, reserve(first));
  const auto lookup = cluster.ask(0, LookupActor{"space", "hits"});
  cluster.settle();
  const auto next = cluster.ask(2, reserve(second, true));
  cluster.settle();
  const auto last = cluster.ask(3, reserve(third, true));
  cluster.settle();
  cluster.call<Flag>(1, RemoveActor{first});
  cluster.get<NameReserved>(next);
  EXPECT_FALSE(cluster.reply(last) || cluster.reply(lookup));
  report_death(2);
  cluster.get<NameReserved>(last);
  cluster.call<Flag>(3, RegisterActor{record(third)});
  EXPECT_EQ(cluster.get<ActorFound>(lookup).record->actor, third);
}

TEST_F(NamesTest, LookupEndsWhenTheLastCreatorIsGone) {
  cluster.call<NameReserved>(1, reserve(first));
  const auto lookup = cluster.ask(0, LookupActor{"space", "hits"});
  report_death(1);
  EXPECT_EQ(cluster.get<ActorFound>(lookup).record, std::nullopt);
  EXPECT_EQ(cluster.store->names().size(), 0u);
}

TEST_F(NamesTest, RestartedActorKeepsItsNameAndTellsItsPlace) {
  enter(1, record(first));
  auto moved = record(first);
  moved.location = 3;
  EXPECT_FALSE(cluster.call<Flag>(1, RegisterActor{moved}).value);
  EXPECT_EQ(cluster.call<ActorFound>(2, LookupActor{"space", "hits"}).record, moved);
}

TEST_F(NamesTest, NamesOfADeadOwnerAreFreeUnlessDetachedAndRunningElsewhere) {
  auto attached = record(first), detached = record(ActorId{1, 0, 2}, true);
  attached.location = detached.location = 3;
  detached.name = "stays";
  enter(1, attached);
  enter(1, detached);
  report_death(1);
  EXPECT_EQ(cluster.call<ActorFound>(2, LookupActor{"space", "hits"}).record, std::nullopt);
  EXPECT_EQ(cluster.call<ActorFound>(2, LookupActor{"space", "stays"}).record, detached);
  report_death(3);
  EXPECT_EQ(cluster.call<ActorFound>(2, LookupActor{"space", "stays"}).record, std::nullopt);
}

TEST_F(NamesTest, ActorOnADeadRankKeepsItsNameWhileItsOwnerLives) {
  auto elsewhere = record(first);
  elsewhere.location = 3;
  enter(1, elsewhere);
  report_death(3);
  EXPECT_EQ(cluster.call<ActorFound>(2, LookupActor{"space", "hits"}).record, elsewhere) << "its owner may restart it";
}

TEST_F(NamesTest, NamesOfActorsOnADeadRankAreFreeWhenTheirOwnerSaysThatTheyDoNotComeBack) {
  const ActorId others{2, 0, 2}, at_home{1, 0, 3};
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Cluster lossy(ranks_with(std::vector<Resources>(4, {.cpus = 1})), {.seed = seed, .drop = 0.2, .duplicate = 0.2});
    const auto enter = [&](ActorId actor, const char* name, Rank location, bool detached) {
      lossy.call<NameReserved>(actor.owner, ReserveName{"space", name, actor});
      lossy.call<Flag>(actor.owner, RegisterActor{{"space", name, actor, location, detached, "Counter"}});
    };
    const auto found = [&](const char* name) { return lossy.call<ActorFound>(0, LookupActor{"space", name}).record; };
    enter(first, "lost", 3, false);
    enter({1, 0, 2}, "detached", 3, true);
    enter(others, "of another owner", 3, false);
    enter(at_home, "elsewhere", 1, false);
    lossy.kill(3);
    lossy.call<Flag>(1, ReportDeath{3, 0});
    EXPECT_TRUE(lossy.call<Flag>(1, RemoveActorsOn{3}).value);
    EXPECT_FALSE(found("lost"));
    EXPECT_FALSE(found("detached"));
    EXPECT_TRUE(found("of another owner"));
    EXPECT_TRUE(found("elsewhere"));
    EXPECT_FALSE(lossy.call<Flag>(1, RemoveActorsOn{3}).value);
    enter({1, 0, 4}, "lost", 1, false);
    EXPECT_EQ(found("lost")->location, Rank{1});
  }
}

TEST_F(NamesTest, AnActorHasOneName) {
  enter(1, record(first));
  auto other = record(first);
  other.name = "misses";
  const auto token = cluster.ask(1, RegisterActor{other});
  cluster.settle();
  EXPECT_EQ(cluster.reply(token)->error().code, Errc::invalid_transition);
}

}  // namespace
}  // namespace ringray::control::testing
