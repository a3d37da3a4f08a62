#include <atomic>
#include <thread>
#include <vector>

#include "jobs.hpp"

namespace ringray::execution {
namespace {

using WorkTest = ExecutionTest;

struct Counter : Waiter {
  int told = 0;
  Counter() {
    notify = [](Waiter& waiter) noexcept { ++static_cast<Counter&>(waiter).told; };
  }
};

TEST_F(WorkTest, IsSmallEnoughToBePartOfEveryObject) { EXPECT_LE(sizeof(Work), 40u); }

TEST_F(WorkTest, CompletionTellsEveryWaiterOnce) {
  const auto work = event();
  Counter a, b, c;
  EXPECT_TRUE(work->add_waiter(a));
  EXPECT_TRUE(work->add_waiter(b));
  EXPECT_TRUE(work->add_waiter(c));
  EXPECT_FALSE(work->done());
  work->complete();
  EXPECT_TRUE(work->done());
  EXPECT_EQ(a.told + b.told + c.told, 3);
  EXPECT_EQ(a.told, 1);
}

TEST_F(WorkTest, RemovedWaiterIsNotTold) {
  const auto work = event();
  Counter a, b, c;
  work->add_waiter(a);
  work->add_waiter(b);
  work->add_waiter(c);
  EXPECT_TRUE(work->remove_waiter(b));
  EXPECT_TRUE(work->remove_waiter(a));
  work->complete();
  EXPECT_EQ(b.told, 0);
  EXPECT_EQ(a.told, 0);
  EXPECT_EQ(c.told, 1);
  EXPECT_FALSE(work->remove_waiter(c));
}

TEST_F(WorkTest, WaiterOfADoneWorkIsNotAdded) {
  const auto work = event();
  work->complete();
  Counter late;
  EXPECT_FALSE(work->add_waiter(late));
  EXPECT_EQ(late.told, 0);
}

TEST_F(WorkTest, CompleteWaitsForWhoMadeSureThatItIsNotDone) {
  const auto work = event();
  std::atomic<bool> returned{false};
  std::thread completer;
  bool called = false, while_called = true;
  work->unless_done([&] {
    called = true;
    completer = std::thread([&] {
      work->complete();
      returned = true;
    });
    while (!work->done()) std::this_thread::yield();
    for (int i = 0; i < 100; ++i) std::this_thread::yield();
    while_called = returned;
  });
  completer.join();
  EXPECT_TRUE(called);
  EXPECT_FALSE(while_called);
  work->unless_done([&] { called = false; });
  EXPECT_TRUE(called);
}

TEST_F(WorkTest, IsClaimedOnce) {
  const auto work = event();
  EXPECT_FALSE(work->claimed());
  EXPECT_TRUE(work->claim());
  EXPECT_FALSE(work->claim());
  EXPECT_TRUE(work->claimed());
}

TEST_F(WorkTest, CompletingTwiceIsABug) {
  const auto work = event();
  work->complete();
  EXPECT_DEATH(work->complete(), "completes once");
}

TEST_F(WorkTest, WaitersThatComeAndGoWhileItCompletesAreToldOrRemoved) {
  for (int round = 0; round < 2000; ++round) {
    const auto work = event();
    std::atomic<int> ready{0};
    std::atomic<int> settled{0};
    auto come_and_go = [&] {
      ++ready;
      while (ready < 3) std::this_thread::yield();
      struct Told : Waiter {
        std::atomic<bool> told{false};
      } waiter;
      waiter.notify = [](Waiter& w) noexcept { static_cast<Told&>(w).told = true; };
      if (work->add_waiter(waiter) && !work->remove_waiter(waiter))
        while (!waiter.told) std::this_thread::yield();
      ++settled;
    };
    std::thread a(come_and_go), b(come_and_go);
    ++ready;
    while (ready < 3) std::this_thread::yield();
    work->complete();
    a.join();
    b.join();
    ASSERT_EQ(settled, 2);
  }
}

TEST_F(WorkTest, ForeignThreadsBlockUntilDone) {
  const auto work = event();
  int value = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      work->wait();
      EXPECT_EQ(value, 42);
    });
  value = 42;
  work->complete();
  for (auto& thread : threads) thread.join();
}

TEST_F(WorkTest, ForeignThreadTimesOutAndIsUnaffected) {
  const auto work = event();
  EXPECT_FALSE(work->wait_until(base::now() + std::chrono::milliseconds(2)));
  EXPECT_FALSE(work->wait_until(base::Nanoseconds(0)));
  work->complete();
  EXPECT_TRUE(work->wait_until(base::Nanoseconds(0)));
}

}  // namespace
}  // namespace ringray::execution
