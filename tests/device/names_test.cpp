// Names of device actors: on one rank, the other rank is this one.

#include "program.hpp"
#include "public.hpp"

namespace ringray::test {
namespace {

using namespace device;
using Handle = KernelHandle<TestProgram>;

struct Host {};
Handle launched_on_last() {
  return get(submit({.placement = on_rank(Rank{ranks() - 1})}, [] { return launch<TestProgram>({.name = "named"}); }));
}

TEST(DeviceNames, AnyRankFindsAnActorByItsName) {
  const auto kernel = launched_on_last();
  const auto echo = kernel.spawn<Echo>({.name = "echo", .priority = Priority::high}, {.count = 10});
  for (std::uint32_t rank = 0; rank < ranks(); ++rank)
    EXPECT_EQ(get(submit({.placement = on_rank(Rank{rank})},
                         [] { return get(find_actor<Echo>("echo").call(Ping{1})).count; })),
              11u + rank);
  EXPECT_TRUE(find_actor<Echo>("echo") == echo);
}

TEST(DeviceNames, TheHandleThatIsFoundSendsAsTheSpawnersDoes) {
  const auto kernel = launched_on_last();
  kernel.suspend();
  kernel.spawn<Echo>({.name = "small", .queue_capacity = 4, .overflow = Overflow::reject}, {});
  const auto echo = find_actor<Echo>("small");
  std::vector<ObjectRef<Pong>> pongs;
  for (std::uint64_t i = 0; i < 5; ++i) pongs.push_back(echo.call(Ping{i}));
  EXPECT_TRUE(has(error_of(pongs.back()), {"QueueFullError"}));
  kernel.resume();
  EXPECT_EQ(get(pongs.front(), 20s).count, 1u);
}

TEST(DeviceNames, C7_ANameIsTakenUntilItsActorOrKernelIsTerminated) {
  const auto kernel = launched_on_last();
  const auto first = kernel.spawn<Echo>({.name = "one"}, {});
  EXPECT_TRUE(has(thrown([&] { kernel.spawn<Relay>({.name = "one"}, {}); }), {"NameTakenError", "'one'"}));
  EXPECT_TRUE(has(thrown([&] { spawn<Host>({.name = "one"}); }), {"NameTakenError", "'one'"}));
  EXPECT_EQ(get(find_actor<Echo>("one").call(Ping{1})).count, 1u);
  first.terminate();
  EXPECT_TRUE(has(thrown([&] { find_actor<Echo>("one"); }), {"ActorDiedError", "'one'"}));
  kernel.spawn<Relay>({.name = "one"}, {});
  EXPECT_TRUE(find_actor<Relay>("one"));
  kernel.terminate();
  auto next = launched_on_last();
  const auto third = next.spawn<Echo>({.name = "one"}, {});
  next = {};
  EXPECT_TRUE(soon([&] { return thrown([&] { find_actor<Echo>("one"); }) != ""; })) << "the last handle is gone";
}

TEST(DeviceNames, WhoCannotHaveANameHasNotLived) {
  const auto kernel = get(submit({.placement = on_rank(Rank{ranks() - 1})},
                                 [] { return launch<TestProgram>({.name = "full", .auto_activate = false}); }));
  const auto one = kernel.spawn<Echo>({.name = "one"}, {});
  for (int i = 0; i < 300; ++i) EXPECT_THROW(kernel.spawn<Echo>({.name = "one"}, {}), NameTakenError);
  const auto other = kernel.spawn<Echo>();  // 300 would have taken all slots
  one.terminate();                          // in a kernel that is not active it ends later
  EXPECT_TRUE(has(thrown([&] { find_actor<Echo>("one"); }), {"ActorDiedError"}));
  kernel.spawn<Echo>({.name = "one"}, {});
}

TEST(DeviceNames, WhoIsEndedByAnotherAsSoonAsItIsFoundLeavesItsNameFree) {
  const auto kernel = launched_on_last();
  const auto end_it = submit({.placement = on_rank(Rank{ranks() - 1})}, [] {
    for (int ended = 0; ended < 100; this_task::yield()) try {
        find_actor<Echo>("brief").terminate();
        ++ended;
      } catch (const ActorDiedError&) {
      }
  });
  for (int i = 0; i < 100; ++i)
    EXPECT_TRUE(soon([&] {
      try {
        kernel.spawn<Echo>({.name = "brief"}, {});
        return true;
      } catch (const NameTakenError&) {
        return false;
      }
    })) << i;
  get(end_it, 20s);
}

TEST(DeviceNames, C8_WhoAsksForSomethingElseIsTold) {
  const auto kernel = launched_on_last();
  kernel.spawn<Echo>({.name = "an echo"}, {});
  const auto host = spawn<Host>({.name = "a host"});
  EXPECT_TRUE(
      has(thrown([&] { find_actor<Relay>("an echo"); }), {"ConfigError", "'an echo'", "test::Echo", "test::Relay"}));
  EXPECT_TRUE(has(thrown([&] { find_actor<Echo>("nobody"); }), {"ActorDiedError", "'nobody'"}));
  EXPECT_TRUE(has(thrown([&] { find_actor<Echo>("a host"); }), {"ConfigError", "'a host'", "Host"}));
}

}  // namespace
}  // namespace ringray::test
