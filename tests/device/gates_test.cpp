// Messages between actors of different kernels, of one rank and of two. On one rank, the other rank is this one.

#include <malloc.h>

#include "program.hpp"
#include "public.hpp"

namespace ringray::test {
namespace {

using namespace device;
using Handle = KernelHandle<TestProgram>;

Rank last() { return Rank{ranks() - 1}; }
Handle launched_on(Rank rank, std::uint32_t queue_capacity = 256) {
  return get(submit(
      {.placement = on_rank(rank)},
      [](std::uint32_t capacity) { return launch<TestProgram>({.name = "gated", .queue_capacity = capacity}); },
      queue_capacity));
}
std::uint64_t sum_to(std::uint64_t n) { return n * (n + 1) / 2; }

TEST(Gates, C50_ActorsOfTwoKernelsAskAndAnswerEachOther) {
  const auto here = launched_on(this_rank()), there = launched_on(last());
  constexpr std::uint64_t rounds = 500;
  const auto echo_here = here.spawn<Echo>(), echo_there = there.spawn<Echo>();
  const auto asker_here = here.spawn<Asker>(), asker_there = there.spawn<Asker>();
  const auto out = asker_here.call(Begin{here.address_of(echo_there), rounds});
  const auto back = asker_there.call(Begin{there.address_of(echo_here), rounds});
  EXPECT_EQ(get(out, 20s).value, sum_to(rounds));
  EXPECT_EQ(get(back, 20s).value, sum_to(rounds));
  EXPECT_EQ(get(echo_there.call(Ping{0})).count, rounds + 1);
  EXPECT_TRUE(here.dead_letters().empty());
  EXPECT_TRUE(there.dead_letters().empty());
}

TEST(Gates, AnActorHasOneGateAndIsItsOwnAtHome) {
  const auto here = launched_on(this_rank()), there = launched_on(last());
  const auto near = here.spawn<Echo>(), far = there.spawn<Echo>(), farther = there.spawn<Echo>();
  EXPECT_EQ(here.address_of(near), near.address());
  EXPECT_EQ(there.address_of(far), far.address());
  EXPECT_TRUE(here.address_of(far).is_gate());
  EXPECT_EQ(here.address_of(far), here.address_of(far));
  EXPECT_FALSE(here.address_of(far) == here.address_of(farther));
}

TEST(Gates, C56_MessagesArriveInOrderThoughMailboxesAreSmall) {
  const auto here = launched_on(this_rank()), there = launched_on(last(), 4);
  const auto echo = there.spawn<Echo>();
  constexpr std::uint64_t count = 3000;
  const auto first = here.spawn<Relay>({}, {here.address_of(echo)});
  const auto second = there.spawn<Relay>({.queue_capacity = 4}, {there.address_of(first)});
  for (std::uint64_t i = 0; i < count; ++i) second.send(Next{i});  // there, here, and there again
  EXPECT_TRUE(soon([&] { return there.telemetry().handled == 2 * count; })) << there.telemetry().handled;
  EXPECT_EQ(get(echo.call(Ping{0})).count, 1u) << "some came out of order";
  EXPECT_TRUE(here.dead_letters().empty());
  EXPECT_TRUE(there.dead_letters().empty());
}

TEST(Gates, C50_WhatCannotBeHandledIsADeadLetterOfTheKernelThatKnows) {
  const auto here = launched_on(this_rank());
  auto there = launched_on(last());
  const auto relay = here.spawn<Relay>();
  const auto echo = there.spawn<Echo>();
  const auto gate = here.address_of(echo);
  relay.send(Forward{Address::of(Address::gates_first + 77, 0), 1});
  EXPECT_TRUE(soon([&] { return here.dead_letters().size() == 1; }));
  EXPECT_EQ(here.dead_letters().front().reason, Reason::no_such_actor);
  echo.terminate();
  relay.send(Forward{gate, 2});
  EXPECT_TRUE(soon([&] { return there.dead_letters().size() == 1; }));
  EXPECT_EQ(there.dead_letters().front().reason, Reason::no_such_actor);
  EXPECT_TRUE(there.dead_letters().front().envelope.source.is_gate());
  const auto asker = there.spawn<Asker>();
  relay.send(Forward{here.address_of(asker), 3});
  EXPECT_TRUE(soon([&] { return there.dead_letters().size() == 2; }));
  EXPECT_EQ(there.dead_letters().back().reason, Reason::no_handler);
  // The kernel's end is no trouble to those who send there.
  there.terminate();
  for (std::uint64_t i = 0; i < 100; ++i) relay.send(Forward{gate, i});
  EXPECT_TRUE(soon([&] { return here.telemetry().handled == 103; }));
  EXPECT_TRUE(has(thrown([&] { there.address_of(relay); }), {"ActorDiedError", "kernel 'gated' has ended"}));
}

TEST(Gates, AMailboxWithoutRoomDoesWhatItsActorWasSpawnedToDo) {
  const auto here = launched_on(this_rank()), there = launched_on(last());
  const auto echo = here.spawn<Echo>();
  const auto asker = there.spawn<Asker>({.queue_capacity = 4, .overflow = Overflow::reject}, {});
  EXPECT_EQ(get(asker.call(Begin{there.address_of(echo), 1})).value, 1u);  // it has a gate here already
  const auto relay = here.spawn<Relay>();
  asker.suspend();
  for (std::uint64_t i = 0; i < 100; ++i) relay.send(Forward{here.address_of(asker), i});
  EXPECT_TRUE(soon([&] { return there.dead_letters().size() == 96; })) << there.dead_letters().size();
  EXPECT_EQ(there.dead_letters().back().reason, Reason::rejected);
  EXPECT_EQ(there.telemetry().dropped, 96u);
}

TEST(Gates, AFloodIsRefusedWhereItBegins) {
  if (ranks() == 1) GTEST_SKIP() << "what waits on this rank is limited where it arrives";
  const auto here = launched_on(this_rank()), there = launched_on(last(), 4);
  const auto echo = there.spawn<Echo>();
  const auto relay = here.spawn<Relay>({}, {here.address_of(echo)});
  echo.suspend();
  constexpr std::uint64_t count = 50'000;
  for (std::uint64_t i = 0; i < count; ++i) relay.send(Next{i});
  EXPECT_TRUE(soon([&] { return here.telemetry().handled == count; }));
  echo.resume();
  // Each message was handled, or is counted as refused, here or there.
  Telemetry far;
  EXPECT_TRUE(soon([&] {
    far = there.telemetry();
    return far.handled + far.dropped + here.telemetry().refused == count;
  })) << far.handled
      << " handled, " << far.dropped << " dropped, " << here.telemetry().refused << " refused";
  EXPECT_GE(far.handled, 4096u);
}

TEST(Gates, AnActorThatSendsWithoutEndHoldsUpNoSpawn) {
  const auto here = launched_on(this_rank()), there = launched_on(last());
  const auto echo_here = here.spawn<Echo>(), echo_there = there.spawn<Echo>();
  const auto endless = here.spawn<Asker>().call(Begin{here.address_of(echo_there), 1ull << 60});
  for (int i = 0; i < 50; ++i) here.spawn<Echo>().terminate();
  EXPECT_EQ(get(echo_here.call(Ping{1})).count, 1u);
  here.terminate();
  EXPECT_TRUE(has(error_of(endless), {"ActorDiedError"}));
}

TEST(Gates, KernelsThatHaveEndedLeaveNothingWithThoseWhoKnewThem) {
  const auto home = launched_on(this_rank());
  const auto echo = home.spawn<Echo>();
  const auto cycle = [&] {
    const auto guest = launched_on(last());
    EXPECT_EQ(get(guest.spawn<Asker>().call(Begin{guest.address_of(echo), 2})).value, 3u);
  };
  const auto bytes = [] {
    return get(submit({.placement = on_rank(last())}, [] {
      const auto now = mallinfo2();
      return now.uordblks + now.hblkhd;
    }));
  };
  for (int i = 0; i < 5; ++i) cycle();
  const auto before = bytes();
  for (int i = 0; i < 60; ++i) cycle();
  EXPECT_TRUE(soon([&] { return bytes() < before + (15u << 20); })) << "a kernel has 0.6 MiB: " << bytes() - before;
}

TEST(Gates, AMessageThatPointsIntoMemoryStaysOnItsRank) {
  if (ranks() == 1) GTEST_SKIP() << "one rank has one memory";
  const auto here = launched_on(this_rank()), there = launched_on(last());
  here.spawn<Relay>().send(Point{here.address_of(there.spawn<Echo>())});
  EXPECT_TRUE(soon([&] { return here.dead_letters().size() == 1; }));
  EXPECT_EQ(here.dead_letters().front().reason, Reason::unreachable);
}

TEST(Gates, KernelsThatKnowEachOtherEndWithTheirLastHandles) {
  auto here = launched_on(this_rank()), there = launched_on(last());
  const auto echo_here = here.spawn<Echo>(), echo_there = there.spawn<Echo>();
  EXPECT_EQ(get(here.spawn<Asker>().call(Begin{here.address_of(echo_there), 3})).value, 6u);
  EXPECT_EQ(get(there.spawn<Asker>().call(Begin{there.address_of(echo_here), 3})).value, 6u);
  here = {};
  there = {};
  EXPECT_TRUE(soon([&] { return echo_here.state() == Life::terminated && echo_there.state() == Life::terminated; }));
}

/// Counts reports that come in order, from 0 on.
struct Listener {
  void hear(Report report) {
    if (report.value == next) ++next;
  }
  std::uint64_t heard() { return next; }
  std::uint64_t next = 0;
};

TEST(Gates, WhatActorsSendToTheHostGoesToItsActorInOrder) {
  auto kernel = launched_on(last());
  const auto relay = kernel.spawn<Relay>();
  relay.send(Forward{host_address, 0});
  EXPECT_TRUE(soon([&] { return kernel.dead_letters().size() == 1; })) << "nobody listens";
  EXPECT_EQ(kernel.dead_letters().front().reason, Reason::no_handler);
  auto deaf = spawn<Listener>(), listener = spawn<Listener>({.placement = on_rank(Rank{0})});
  kernel.connect<Report, &Listener::hear>(deaf);
  kernel.connect<Report, &Listener::hear>(listener);
  for (std::uint64_t i = 0; i < 1000; ++i) relay.send(Forward{host_address, i});
  EXPECT_TRUE(soon([&] { return get(listener.call<&Listener::heard>()) == 1000; }));
  EXPECT_EQ(get(deaf.call<&Listener::heard>()), 0u);
  EXPECT_EQ(kernel.dead_letters().size(), 1u);
}

TEST(Gates, AKernelKeepsWhoListensToIt) {
  auto kernel = launched_on(last());
  const auto relay = kernel.spawn<Relay>();
  kernel.connect<Report, &Listener::hear>(spawn<Listener>({.name = "listener"}));
  relay.send(Forward{host_address, 0});
  EXPECT_TRUE(soon([&] { return get(get_actor<Listener>("listener").call<&Listener::heard>()) == 1; }));
  kernel.terminate();
  EXPECT_TRUE(soon([&] { return thrown([&] { get_actor<Listener>("listener"); }) != ""; }));
}

TEST(Gates, ATokenGoesRoundTheKernelsOfAllRanks) {
  std::vector<Handle> kernels;
  std::vector<Actor<Relay>> relays;
  const std::uint32_t count = 2 * ranks();
  const auto echo_kernel = launched_on(this_rank());
  const auto echo = echo_kernel.spawn<Echo>();
  for (std::uint32_t i = 0; i < count; ++i) {
    kernels.push_back(launched_on(Rank{i % ranks()}));
    const auto to = kernels[i].address_of(echo);
    relays.push_back(kernels[i].spawn<Relay>({}, {i == 0 ? to : kernels[i].address_of(relays[i - 1])}));
  }
  for (std::uint64_t i = 0; i < 500; ++i) relays.back().send(Next{i});
  EXPECT_TRUE(soon([&] { return echo_kernel.telemetry().handled == 500; }));
  EXPECT_EQ(get(echo.call(Ping{0})).count, 1u);
}

}  // namespace
}  // namespace ringray::test
