// A program with its own MPI that runs drivers now and then. Every test runs on both ranks and is collective.

#include <gtest/gtest.h>
#include <mpi.h>
#include <stdlib.h>

#include <ringray/mpi.hpp>
#include <ringray/ringray.hpp>
#include <stdexcept>
#include <string>
#include <utility>

namespace {

using namespace ringray;

int world_rank() {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}
int world_sum(int value) {
  int sum = 0;
  MPI_Allreduce(&value, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  return sum;
}

std::uint32_t where() { return this_rank().value; }
struct Counter {
  int add(int k) { return value += k; }
  int value = 0;
};

/// Uses both ranks; says whether all was well.
bool both_ranks_work() {
  bool well = ranks() == 2;
  for (std::uint32_t r = 0; r < ranks(); ++r) well &= get(submit({.placement = on_rank(Rank{r})}, where)) == r;
  auto counter = spawn<Counter>({.name = "counter", .placement = on_rank(Rank{1})});
  for (int i = 1; i <= 10; ++i) counter.send<&Counter::add>(i);
  return well && get(counter.call<&Counter::add>(0)) == 55;
}

TEST(Runtime, RunsDriversBetweenTheCallersOwnCommunication) {
  int ahead = -1;
  MPI_Request request;
  MPI_Irecv(&ahead, 1, MPI_INT, 1 - world_rank(), 7, MPI_COMM_WORLD, &request);  // pending over both runs
  for (int times = 0; times < 2; ++times) {
    EXPECT_EQ(world_sum(world_rank() + 1), 3);
    Runtime runtime(MPI_COMM_WORLD);
    for (int runs = 0; runs < 2; ++runs) {
      bool ran = false, well = false;
      runtime.run([&] {
        ran = true;
        well = both_ranks_work();
      });
      EXPECT_EQ(ran, world_rank() == 0);
      EXPECT_EQ(well, world_rank() == 0);
      EXPECT_EQ(world_sum(1), 2);
    }
  }
  const int own = world_rank();
  MPI_Send(&own, 1, MPI_INT, 1 - own, 7, MPI_COMM_WORLD);
  MPI_Wait(&request, MPI_STATUS_IGNORE);
  EXPECT_EQ(ahead, 1 - own);
}

TEST(Runtime, TasksMayUseMpiThemselves) {
  int provided = 0;
  MPI_Query_thread(&provided);
  if (provided < MPI_THREAD_MULTIPLE) GTEST_SKIP() << "this MPI allows one thread";
  Runtime runtime(MPI_COMM_WORLD);
  runtime.run([] {
    const auto one = submit({.placement = on_rank(Rank{0})}, world_sum, 10);
    const auto other = submit({.placement = on_rank(Rank{1})}, world_sum, 5);
    EXPECT_EQ(get(one), 15);
    EXPECT_EQ(get(other), 15);
  });
}

TEST(Runtime, WhatTheDriverThrowsReachesRankZeroAndTheNextDriverRuns) {
  Runtime runtime(MPI_COMM_WORLD);
  std::string caught;
  try {
    runtime.run([] { throw std::runtime_error("the driver's own mistake"); });
  } catch (const std::runtime_error& e) {
    caught = e.what();
  }
  EXPECT_EQ(caught, world_rank() == 0 ? "the driver's own mistake" : "");
  bool well = false;
  runtime.run([&] { well = both_ranks_work(); });
  EXPECT_EQ(well, world_rank() == 0);
}

template <class F>
std::string refusal(F&& f) {
  try {
    f();
    return "nothing was thrown";
  } catch (const ConfigError& e) {
    return e.what();
  }
}

/// What a rank may keep from a driver until it runs another.
struct Kept {
  ObjectRef<int> plain, named, foreign;
  ActorHandle<Counter> here, there;
  Stream<int> stream;
  PlacementGroup group;
};
Kept kept;
struct Keeper {
  void keep(ObjectRef<int> ref, ActorHandle<Counter> actor) {
    kept.foreign = std::move(ref);
    kept.there = std::move(actor);
  }
};
Generator<int> count_up() {
  for (int i = 0; i < 10; ++i) co_yield i;
}
struct Box {
  ObjectRef<int> ref;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(ref);
  }
};
int where_is(int x) { return x; }
int look_into(const Box&) { return 1; }

TEST(Runtime, WhatIsKeptFromOneRunIsRefusedInTheNextAndCanBeLetGo) {
  Runtime runtime(MPI_COMM_WORLD);
  runtime.run([] {
    kept.plain = put(1);
    kept.named = submit({.placement = on_rank(Rank{1})}, world_rank);
    kept.here = spawn<Counter>();
    kept.there = spawn<Counter>({.placement = on_rank(Rank{1})});
    kept.stream = submit({.placement = on_rank(Rank{1})}, count_up);
    kept.group = create_placement_group({.bundles = {{.cpus = 1}}});
    auto keeper = spawn<Keeper>({.placement = on_rank(Rank{1})});
    get(keeper.call<&Keeper::keep>(kept.plain, spawn<Counter>()));
    get(kept.here.call<&Counter::add>(1));
    EXPECT_EQ(get(kept.named), 1);
  });
  if (kept.plain) {
    EXPECT_NE(refusal([] { get(kept.plain); }).find("outside of ringray::run"), std::string::npos);
  }
  bool well = false;
  runtime.run([&] {
    well = both_ranks_work();
    const auto fresh = put(5);  // names of the two runs are alike
    EXPECT_EQ(get(submit(
                  {.placement = on_rank(Rank{1})}, [](int x) { return x; }, fresh)),
              5);
    for (const auto& text : {
             refusal([] { get(kept.plain); }),
             refusal([] { get(kept.named); }),
             refusal([] { submit(where_is, kept.plain); }),
             refusal([] { kept.here.call<&Counter::add>(1); }),
             refusal([] { kept.there.send<&Counter::add>(1); }),
             refusal([] { kept.stream.begin(); }),
             refusal([] { kept.group.ready(); }),
         })
      EXPECT_NE(text.find("of an earlier run"), std::string::npos) << text;
    try {  // inside of what travels
      get(submit({.placement = on_rank(Rank{1})}, look_into, Box{kept.plain}));
      ADD_FAILURE() << "it travelled";
    } catch (const TaskError& e) {
      EXPECT_NE(std::string(e.what()).find("of an earlier run"), std::string::npos) << e.what();
    }
    for (std::uint32_t r = 0; r < ranks(); ++r)
      get(submit({.placement = on_rank(Rank{r})}, [] {
        auto copy = kept.here;
        kept = {};
      }));
    EXPECT_EQ(get(submit(
                  {.placement = on_rank(Rank{1})}, [](int x) { return x; }, fresh)),
              5);
    well &= both_ranks_work();
    EXPECT_NE(refusal([] { Runtime(MPI_COMM_WORLD).run([] {}); }).find("one job at a time"), std::string::npos);
  });
  EXPECT_EQ(well, world_rank() == 0);
}

TEST(Runtime, AWrongOptionOfOneRankIsAnErrorOnAll) {
  if (world_rank() == 1) setenv("RINGRAY_WORKRS", "2", 1);
  Runtime runtime(MPI_COMM_WORLD);
  unsetenv("RINGRAY_WORKRS");
  try {
    runtime.run([] { ADD_FAILURE() << "the driver ran"; });
    ADD_FAILURE() << "nothing was thrown";
  } catch (const ConfigError& e) {
    EXPECT_NE(std::string(e.what()).find("RINGRAY_WORKRS"), std::string::npos) << e.what();
  }
  EXPECT_EQ(world_sum(1), 2);
}

TEST(Runtime, TakesItsOptionsFromTheArguments) {
  char program[] = "program", option[] = "--ringray.cpus=7", other[] = "--other";
  char* arguments[] = {program, option, other, nullptr};
  int count = 3;
  Runtime runtime(MPI_COMM_WORLD, &count, arguments);
  EXPECT_EQ(count, 2);
  EXPECT_STREQ(arguments[1], "--other");
  runtime.run([] { EXPECT_EQ(resources().cpus, 14); });
}

TEST(Runtime, EachPartOfASplitCommunicatorIsAJobOfItsOwn) {
  MPI_Comm part;
  MPI_Comm_split(MPI_COMM_WORLD, world_rank(), 0, &part);
  {
    Runtime runtime(part);
    bool ran = false;
    runtime.run([&] {
      EXPECT_EQ(ranks(), 1);
      EXPECT_EQ(this_rank(), Rank{0});
      EXPECT_EQ(get(submit(where)), 0);
      ran = true;
    });
    EXPECT_TRUE(ran);
  }
  MPI_Comm_free(&part);
  EXPECT_EQ(world_sum(1), 2);
}

}  // namespace

int main(int argc, char** argv) {
  int provided = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided);
  testing::InitGoogleTest(&argc, argv);
  const int failed = RUN_ALL_TESTS();
  const int failed_anywhere = world_sum(failed);
  MPI_Finalize();
  return failed_anywhere != 0;
}
