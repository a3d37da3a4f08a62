#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "jobs.hpp"
#include "ringray/execution/topology.hpp"

namespace ringray::execution {
namespace {

using PoolTest = ExecutionTest;

long fib(Pool& pool, int n) {
  if (n < 2) return n;
  long a = 0;
  const auto left = spawn(pool, [&] { a = fib(pool, n - 1); });
  const auto b = fib(pool, n - 2);
  left->wait();
  return a + b;
}

long fib_of_two_tasks(Pool& pool, int n) {
  if (n < 2) return n;
  long a = 0, b = 0;
  const auto first = spawn(pool, [&] { a = fib_of_two_tasks(pool, n - 1); });
  const auto second = spawn(pool, [&] { b = fib_of_two_tasks(pool, n - 2); });
  first->wait();
  second->wait();
  return a + b;
}

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::size_t resident_bytes_max() {
  rusage usage{};
  EXPECT_EQ(getrusage(RUSAGE_SELF, &usage), 0);
  return static_cast<std::size_t>(usage.ru_maxrss) * 1024;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int fib_large = 16;
#else
constexpr int fib_large = 32;
#endif

TEST_F(PoolTest, RunsMainAndReturnsAfterStop) {
  bool ran = false;
  on_pool(1, [&](Pool& pool) {
    EXPECT_EQ(Pool::current(), &pool);
    EXPECT_TRUE(on_fiber());
    ran = true;
  });
  EXPECT_TRUE(ran);
  EXPECT_EQ(Pool::current(), nullptr);
  EXPECT_FALSE(on_fiber());
}

TEST_F(PoolTest, WithoutMainServesUntilStopped) {
  Pool pool({.workers = 2});
  std::atomic<int> count{0};
  std::thread outside([&] {
    std::vector<Held> works;
    for (int i = 0; i < 100; ++i) works.push_back(spawn(pool, [&] { ++count; }));
    for (auto& work : works) work->wait();
    pool.stop();
  });
  pool.run();
  outside.join();
  EXPECT_EQ(count, 100);
}

TEST_F(PoolTest, WhatWasQueuedBeforeStopRuns) {
  std::atomic<int> count{0};
  on_pool(2, [&](Pool& pool) {
    for (int i = 0; i < 1000; ++i) spawn(pool, [&] { ++count; });
  });
  EXPECT_EQ(count, 1000);
}

TEST_F(PoolTest, ExceptionOfMainLeavesRun) {
  Pool pool({.workers = 2});
  EXPECT_THROW(pool.run([] { throw std::runtime_error("main"); }), std::runtime_error);
}

TEST_F(PoolTest, OwnQueueRunsNewestFirstAndOutsideQueueOldestFirst) {
  std::vector<int> order;
  Pool pool({.workers = 1});
  for (int i = 0; i < 4; ++i) spawn(pool, [&order, i] { order.push_back(i); });
  pool.run([&] {
    const auto last = event();
    for (int i = 10; i < 14; ++i) spawn(pool, [&order, i] { order.push_back(i); });
    pool.timers().after(base::Nanoseconds(0), [last] { last->complete(); });
    last->wait();
    pool.stop();
  });
  EXPECT_EQ(order, (std::vector{13, 12, 11, 10, 0, 1, 2, 3}));
}

TEST_F(PoolTest, EveryWorkIsRunExactlyOnceThoughWaitersThievesAndCancellersCompete) {
  for (int round = 0; round < 20; ++round) {
    constexpr int count = 2000;
    std::vector<std::atomic<int>> runs(count);
    std::atomic<int> cancelled{0};
    on_pool(3, [&](Pool& pool) {
      std::vector<Held> works;
      for (int i = 0; i < count; ++i) works.push_back(spawn(pool, [&runs, i] { ++runs[i]; }));
      std::thread canceller([&] {
        for (int i = 0; i < count; i += 7)
          if (works[i]->claim()) {
            ++cancelled;
            works[i]->complete();
          }
      });
      std::vector<Held> waiters;
      for (int k = 0; k < 3; ++k)
        waiters.push_back(spawn(pool, [&] {
          for (auto& work : works) work->wait();
        }));
      for (auto& waiter : waiters) waiter->wait();
      canceller.join();
    });
    int total = cancelled;
    for (auto& run : runs) {
      ASSERT_LE(run, 1);
      total += run;
    }
    ASSERT_EQ(total, count);
  }
}

TEST_F(PoolTest, FibonacciWithoutCutOffIsRightOnOneAndTwoWorkers) {
  for (unsigned workers : {1u, 2u, 4u}) {
    on_pool(workers, [&](Pool& pool) {
      EXPECT_EQ(fib(pool, 20), 6765);
      EXPECT_EQ(fib_of_two_tasks(pool, 20), 6765);
    });
  }
}

TEST_F(PoolTest, FibonacciOf32WithoutCutOffKeepsMemoryBounded) {
  const auto before = resident_bytes_max();
  on_pool(1, [&](Pool& pool) {
    EXPECT_EQ(fib_of_two_tasks(pool, fib_large), fib_large == 32 ? 2'178'309 : 987);
    EXPECT_EQ(pool.queued_estimate(), 0u);
  });
  EXPECT_LT(resident_bytes_max() - before, 64u << 20);
}

TEST_F(PoolTest, WorksThatWereRunInlineDoNotPileUpInTheQueue) {
  on_pool(1, [&](Pool& pool) {
    for (int i = 0; i < 100'000; ++i) {
      const auto first = spawn(pool, [] {});
      const auto second = spawn(pool, [] {});
      const auto third = spawn(pool, [] {});
      second->wait();
      first->wait();
      third->wait();
      ASSERT_LE(pool.queued_estimate(), 3u);
    }
  });
}

TEST_F(PoolTest, WorksAwaitedInTheOrderOfSubmissionLeaveNothingInTheQueue) {
  on_pool(1, [&](Pool& pool) {
    std::vector<Held> works;
    for (int i = 0; i < 1000; ++i) works.push_back(spawn(pool, [] {}));
    for (std::size_t i = 0; i < works.size(); ++i) {
      works[i]->wait();
      ASSERT_LE(pool.queued_estimate(), works.size() - i - 1);
    }
  });
}

TEST_F(PoolTest, OtherRankTakesTheOldestUnclaimedWork) {
  std::vector<int> order;
  on_pool(1, [&](Pool& pool) {
    std::vector<Held> works;
    for (int i = 0; i < 4; ++i) works.push_back(spawn(pool, [&order, i] { order.push_back(i); }));
    ASSERT_TRUE(works[0]->claim());
    works[0]->complete();
    auto* stolen = pool.steal_for_other_rank();
    ASSERT_EQ(stolen, &*works[1]);
    ASSERT_TRUE(stolen->claim());
    for (int i = 2; i < 4; ++i) works[i]->wait();
    EXPECT_EQ(pool.steal_for_other_rank(), nullptr);
    stolen->complete();
    stolen->release();
  });
  EXPECT_EQ(order, (std::vector{2, 3}));
}

TEST_F(PoolTest, MainStaysOnItsThreadWhileOthersMigrate) {
  std::set<std::thread::id> seen;
  std::mutex mutex;
  on_pool(3, [&](Pool& pool) {
    const auto home = std::this_thread::get_id();
    for (int i = 0; i < 300; ++i) {
      const auto gate = event();
      const auto other = spawn(pool, [&] {
        gate->wait();
        std::lock_guard lock(mutex);
        seen.insert(std::this_thread::get_id());
      });
      const auto opener = spawn(pool, [gate] { gate->complete(); });
      yield();
      other->wait();
      ASSERT_EQ(std::this_thread::get_id(), home);
    }
  });
  EXPECT_GE(seen.size(), 1u);
}

TEST_F(PoolTest, ContextBelongsToTheTaskThatSetIt) {
  int outer = 0;
  on_pool(2, [&](Pool& pool) {
    EXPECT_EQ(context(), nullptr);
    context() = &outer;
    std::vector<Held> works;
    for (int i = 0; i < 200; ++i) {
      works.push_back(spawn(pool, [&pool] {
        EXPECT_EQ(context(), nullptr);
        int mine = 0;
        context() = &mine;
        yield();
        const auto inner = spawn(pool, [] { EXPECT_EQ(context(), nullptr); });
        inner->wait();
        EXPECT_EQ(context(), &mine);
      }));
    }
    for (auto& work : works) work->wait();
    EXPECT_EQ(context(), &outer);
  });
  context() = &outer;  // a foreign thread has one too
  std::thread([] { EXPECT_EQ(context(), nullptr); }).join();
  context() = nullptr;
}

TEST_F(PoolTest, YieldLetsEverythingElseRun) {
  on_pool(1, [&](Pool& pool) {
    std::atomic<int> turns{0};
    const auto a = spawn(pool, [&] {
      while (turns < 100) yield();
    });
    const auto b = spawn(pool, [&] {
      while (turns < 100) ++turns, yield();
    });
    while (!a->done() || !b->done()) yield();
    EXPECT_GE(turns, 100);
  });
}

TEST_F(PoolTest, TasksThatScheduleEachOtherForEverDoNotStarveOlderOnes) {
  on_pool(1, [&](Pool& pool) {
    const auto stopped = event();
    std::atomic<bool> stop{false};
    spawn(pool, [&stop] { stop = true; });
    struct Again {
      Pool& pool;
      std::atomic<bool>& stop;
      Held stopped;
      void operator()() {
        if (stop)
          stopped->complete();
        else
          spawn(pool, *this);
      }
    };
    spawn(pool, Again{pool, stop, stopped});
    stopped->wait();
  });
}

TEST_F(PoolTest, MainThatIsAlwaysReadyDoesNotStarveTasks) {
  on_pool(1, [&](Pool& pool) {
    const auto work = spawn(pool, [] {});
    while (!work->done()) block_on([](Resume resume) { resume(); });
  });
}

TEST_F(PoolTest, StartsAndStopsAThousandTimesWithoutLeaving) {
#if defined(__SANITIZE_THREAD__)
  constexpr int cycles = 100;
#else
  constexpr int cycles = 1000;
#endif
  struct Silent : Pool::Poller {
    bool poll() override { return false; }
    int descriptor() override { return -1; }
    bool arm() override { return true; }
  } poller;
  auto cycle = [&] {
    on_pool(
        2, [](Pool& pool) { spawn(pool, [] { yield(); })->wait(); }, &poller);
  };
  for (int i = 0; i < 10; ++i) cycle();
  [[maybe_unused]] const auto before = resident_bytes();
  for (int i = 0; i < cycles; ++i) cycle();
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(resident_bytes(), before + (4u << 20));
#endif
  const auto probe = dup(0);
  EXPECT_LT(probe, 100);
  close(probe);
}

TEST_F(PoolTest, WorksStillQueuedWhenThePoolGoesAreReleased) {
  Pool pool({.workers = 1});
  spawn(pool, [] { ADD_FAILURE(); });
}

TEST_F(PoolTest, PinnedPoolGivesTheThreadItsProcessorsBack) {
  const auto size = cpuset_size();
  Pool pool({.pin = true});
  EXPECT_EQ(pool.workers(), size);
  pool.run([&] {
    EXPECT_EQ(cpuset_size(), 1u);
    pool.stop();
  });
  EXPECT_EQ(cpuset_size(), size);
}

}  // namespace
}  // namespace ringray::execution
