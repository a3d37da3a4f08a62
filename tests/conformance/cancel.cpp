// Cancelling tasks. Each rank has one "tool".

#include "harness.hpp"

namespace conformance {
namespace {

struct Tally {
  void add() { ++count; }
  int read() { return count; }
  int plus(int x) { return x + 1; }
  int until_stopped() { return until_opened(); }
  int child_until_stopped(ActorHandle<Tally> tally);
  int count = 0;
};
int read(const ActorHandle<Tally>& tally) { return get(tally.call<&Tally::read>()); }
int counted(ActorHandle<Tally> tally, int value) {
  get(tally.call<&Tally::add>());
  return value;
}
int plus_one(int x) { return x + 1; }

template <class T>
void expect_cancelled(const ObjectRef<T>& ref) {
  EXPECT_THROW(get(ref), TaskCancelledError);
}

TEST_F(Ray, C20_CancelledPendingTaskNeverRuns) {
  for (const auto rank : {Rank{0}, last_rank()}) {
    Gate gate(last_rank());
    auto tally = spawn<Tally>();
    const auto pending = submit({.placement = on_rank(rank)}, counted, tally, gate.ref());
    cancel(pending);
    expect_cancelled(pending);
    gate.open();
    EXPECT_EQ(get(gate.ref()), 1);
    EXPECT_EQ(get(submit({.placement = on_rank(rank)}, counted, tally, 5)), 5);
    EXPECT_EQ(read(tally), 1);
  }
}

TEST_F(Ray, C20_CancelledQueuedTaskLeavesTheQueue) {
  for (const auto rank : {Rank{0}, last_rank()}) {
    const TaskOptions with_tool{.resources = {.custom = {{"tool", 1}}}, .placement = on_rank(rank)};
    auto tally = spawn<Tally>();
    const auto busy = submit(
        with_tool,
        [](ActorHandle<Tally> t) {
          counted(t, 0);
          return until_opened();
        },
        tally);
    EXPECT_TRUE(soon([&] { return read(tally) == 1; }));
    const auto cancelled = submit(with_tool, counted, tally, 1);
    const auto next = submit(with_tool, counted, tally, 2);
    cancel(cancelled);
    expect_cancelled(cancelled);
    cancel(busy);
    EXPECT_EQ(get(busy), 1);
    EXPECT_EQ(get(next), 2);
    EXPECT_EQ(read(tally), 2);
  }
}

TEST_F(Ray, C21_CancellingTheHeadOfABlockedChainFailsItsDependentsOnly) {
  for (const auto rank : {Rank{0}, last_rank()}) {
    Gate gate(last_rank());
    const TaskOptions there{.placement = on_rank(rank)};
    const auto upstream = submit(there, plus_one, gate.ref());
    const auto head = submit(there, plus_one, upstream);
    const auto second = submit({.placement = on_rank(last_rank())}, plus_one, head);
    const auto third = submit(there, plus_one, second);
    cancel(head);
    expect_cancelled(head);
    expect_cancelled(second);
    expect_cancelled(third);
    gate.open();
    EXPECT_EQ(get(upstream), 2);
  }
}

int grandchild(ActorHandle<Tally> tally) {
  counted(tally, 0);
  return until_opened();
}
int Tally::child_until_stopped(ActorHandle<Tally> tally) {
  return get(submit({.placement = on_rank(this_rank())}, grandchild, tally));
}
int child(ActorHandle<Tally> tally, ActorHandle<Tally> stuck) {
  const auto deeper = submit({.placement = on_rank(Rank{0})}, grandchild, tally);
  const auto local = submit({.placement = on_rank(this_rank())}, grandchild, tally);
  const auto call = stuck.call<&Tally::until_stopped>();
  counted(tally, 0);
  return get(deeper) + get(local) + get(call);
}
int parent(ActorHandle<Tally> tally, ActorHandle<Tally> stuck) {
  return get(submit({.placement = on_rank(last_rank())}, child, tally, stuck));
}

TEST_F(Ray, C22_RecursiveCancelStopsGrandchildrenAndActorCalls) {
  for (const auto rank : {Rank{0}, last_rank()}) {
    auto tally = spawn<Tally>(), stuck = spawn<Tally>({.placement = on_rank(rank)});
    const auto top = submit({.placement = on_rank(rank)}, parent, tally, stuck);
    EXPECT_TRUE(soon([&] { return read(tally) == 3; }));
    cancel(top, {.recursive = true});
    try {
      EXPECT_EQ(get(top), 3);              // each of the three ended by itself when it was asked to stop
    } catch (const TaskCancelledError&) {  // the call had not started
    }
  }
}

int waits_for_children(ObjectRef<int> never, ActorHandle<Tally> stuck, ActorHandle<Tally> tally) {
  const auto child = submit(plus_one, never);
  const auto here = submit({.placement = on_rank(this_rank())}, plus_one, never);
  const auto call = stuck.call<&Tally::plus>(never);
  counted(tally, 0);
  wait(std::vector{child, here, call}, {.count = 3});
  return get(child) + get(here) + get(call);
}

TEST_F(Ray, C22_RecursiveCancelReachesChildrenThatWaitForArguments) {
  for (const auto rank : {Rank{0}, last_rank()}) {
    Gate gate(last_rank());
    auto tally = spawn<Tally>(), stuck = spawn<Tally>({.placement = on_rank(rank)});
    const auto top = submit({.placement = on_rank(rank)}, waits_for_children, gate.ref(), stuck, tally);
    EXPECT_TRUE(soon([&] { return read(tally) == 1; }));
    cancel(top, {.recursive = true});
    expect_cancelled(top);
  }
}

TEST_F(Ray, C22_CancelOfACallStopsItsChildrenOnly) {
  for (const auto rank : {Rank{0}, last_rank()}) {
    auto tally = spawn<Tally>(), stuck = spawn<Tally>({.placement = on_rank(rank)});
    const auto call = stuck.call<&Tally::child_until_stopped>(tally);
    EXPECT_TRUE(soon([&] { return read(tally) == 1; }));
    const auto other = submit({.placement = on_rank(rank)}, grandchild, tally);
    EXPECT_TRUE(soon([&] { return read(tally) == 2; }));
    cancel(call, {.recursive = true});
    EXPECT_EQ(get(call), 1);
    EXPECT_EQ(get(submit(plus_one, 1)), 2);
    EXPECT_EQ(get(tally.call<&Tally::read>()), 2);
    try {
      get(other, 20ms);
      ADD_FAILURE() << "it has not been cancelled";
    } catch (const GetTimeoutError& e) {
      EXPECT_NE(std::string(e.what()).find("grandchild'"), std::string::npos) << e.what();
    }
    cancel(other);
    EXPECT_EQ(get(other), 1);
  }
}

TEST_F(Ray, C22_CancelWithoutRecursionLeavesChildrenAlone) {
  const auto family = [](ActorHandle<Tally> tally) {
    const auto inner = submit({.placement = on_rank(last_rank())}, grandchild, tally);
    until_opened();
    return inner;
  };
  auto tally = spawn<Tally>();
  const auto outer = submit({.placement = on_rank(last_rank())}, family, tally);
  EXPECT_TRUE(soon([&] { return read(tally) == 1; }));
  cancel(outer, {.recursive = false});
  const auto inner = get(outer);
  EXPECT_THROW(get(inner, 1ms), GetTimeoutError);
  cancel(inner);
  EXPECT_EQ(get(inner), 1);
}

Task<int> awaits_grandchild(ActorHandle<Tally> tally) {
  const auto inner = submit({.placement = on_rank(last_rank())}, grandchild, tally);
  co_return co_await inner;
}
TEST_F(Ray, C22_RecursiveCancelPassesThroughCoroutinesThatWait) {
  for (const auto rank : {Rank{0}, last_rank()}) {
    auto tally = spawn<Tally>();
    const auto top = submit(
        {.placement = on_rank(last_rank())},
        [](ActorHandle<Tally> t, Rank where) {
          return get(submit({.placement = on_rank(where)}, awaits_grandchild, t));
        },
        tally, rank);
    EXPECT_TRUE(soon([&] { return read(tally) == 1; }));
    cancel(top);
    EXPECT_EQ(get(top), 1);
  }
}

TEST_F(Ray, C23_CancelRacingWithTheEndNeverHangsOrRunsTwice) {
  auto tally = spawn<Tally>();
  constexpr int many = 150;
  int values = 0;
  for (int i = 0; i < many; ++i) {
    const auto ref = submit({.placement = on_rank(i % 2 ? last_rank() : Rank{0})}, counted, tally, i);
    for (int wait = 0; wait < i % 5; ++wait) this_task::yield();
    cancel(ref);
    try {
      EXPECT_EQ(get(ref), i);
      ++values;
    } catch (const TaskCancelledError&) {
    }
    cancel(ref);  // of what has ended: nothing happens
  }
  EXPECT_GE(read(tally), values);
  EXPECT_LE(read(tally), many);
}

TEST_F(Ray, C23_CancelReachesChildrenThatAreSubmittedAtThatMoment) {
  for (int i = 0; i < 40; ++i) {
    auto tally = spawn<Tally>();
    const auto top = submit(
        {.placement = on_rank(i % 2 ? last_rank() : Rank{0})},
        [](ActorHandle<Tally> t) {
          counted(t, 0);
          return get(submit({.placement = on_rank(last_rank())}, until_opened)) +
                 get(submit({.placement = on_rank(Rank{0})}, until_opened));
        },
        tally);
    if (i % 4 < 2) {
      EXPECT_TRUE(soon([&] { return read(tally) == 1; }));
    }
    cancel(top);
    try {
      get(top);
    } catch (const TaskCancelledError&) {
    } catch (const TaskError&) {  // of a child
    }
  }
}

TEST_F(Ray, C23_CancelFromANonOwnerIsForwardedToTheOwner) {
  for (const auto rank : {Rank{0}, last_rank()}) {
    auto tally = spawn<Tally>();
    const auto running = submit({.placement = on_rank(rank)}, grandchild, tally);
    EXPECT_TRUE(soon([&] { return read(tally) == 1; }));
    get(submit(
        {.placement = on_rank(last_rank())}, [](ObjectRef<int> ref) { cancel(ref); }, running));
    EXPECT_EQ(get(running), 1);

    Gate gate;
    const auto pending = submit({.placement = on_rank(rank)}, counted, tally, gate.ref());
    get(submit(
        {.placement = on_rank(last_rank())}, [](ObjectRef<int> ref) { cancel(ref); }, pending));
    expect_cancelled(pending);
    EXPECT_EQ(read(tally), 1);
  }
}

}  // namespace
}  // namespace conformance
