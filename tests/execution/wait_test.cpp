#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "jobs.hpp"

namespace ringray::execution {
namespace {

using namespace std::chrono_literals;
using WaitTest = ExecutionTest;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int deep = 2'000;
constexpr int rounds = 300;
#else
constexpr int deep = 100'000;
constexpr int rounds = 5'000;
#endif

TEST_F(WaitTest, SuspendedFiberGoesOnAfterCompletion) {
  on_pool(1, [](Pool& pool) {
    const auto gate = event();
    int passed = 0;
    std::vector<Held> works;
    for (int i = 0; i < 50; ++i)
      works.push_back(spawn(pool, [&] {
        gate->wait();
        ++passed;
      }));
    while (pool.fibers() < 50) yield();
    EXPECT_EQ(passed, 0);
    gate->complete();
    for (auto& work : works) work->wait();
    EXPECT_EQ(passed, 50);
  });
}

TEST_F(WaitTest, ReadyWorkRunsOnTheWaitersStack) {
  on_pool(1, [](Pool& pool) {
    void* context_of_waiter = &pool;
    context() = context_of_waiter;
    std::thread::id where;
    const auto work = spawn(pool, [&] { where = std::this_thread::get_id(); });
    const auto fibers = pool.fibers();
    work->wait();
    EXPECT_EQ(pool.fibers(), fibers);
    EXPECT_EQ(where, std::this_thread::get_id());
    EXPECT_EQ(context(), context_of_waiter);
  });
}

/// Does `what` at the third poll by the thread of the test, where a task waits.
struct AtThirdPoll : Pool::Poller {
  explicit AtThirdPoll(std::function<void()> what) : what(std::move(what)) {}
  bool poll() override {
    if (std::this_thread::get_id() != thread) return false;  // the helper, or another worker that is idle
    EXPECT_FALSE(Pool::poll_for(*never)) << "a poll inside a poll";
    EXPECT_EQ(context(), nullptr) << "what it does is not the task's";
    if (++polls != 3) return false;
    what();
    return true;
  }
  int descriptor() override { return -1; }
  bool arm() override { return true; }
  std::function<void()> what;
  int polls = 0;
  const Held never = event();
  const std::thread::id thread = std::this_thread::get_id();
};

TEST_F(WaitTest, AWaitingTaskPollsOnItsOwnStack) {
  const auto soon = event();
  AtThirdPoll poller([&] { soon->complete(); });
  on_pool(
      1,
      [&](Pool& pool) {
        context() = &pool;
        const auto fibers = pool.fibers();
        while (!Pool::poll_for(*soon)) {  // a thread that loses its core may poll less than three times
        }
        EXPECT_EQ(poller.polls, 3);
        EXPECT_EQ(context(), &pool);
        EXPECT_EQ(pool.fibers(), fibers);
      },
      &poller);
}

TEST_F(WaitTest, AWaitingTaskThatPollsLeavesWhatItMadeReadyToOthers) {
  std::atomic<bool> ran{false};
  const auto never = event();
  Pool* pool_of_all = nullptr;
  AtThirdPoll poller([&] { spawn(*pool_of_all, [&] { ran = true; }); });
  on_pool(
      2,
      [&](Pool& pool) {
        pool_of_all = &pool;
        while (poller.polls < 3) EXPECT_FALSE(Pool::poll_for(*never));
        while (!ran) std::this_thread::yield();  // this worker gives nothing away
        never->complete();
      },
      &poller);
}

TEST_F(WaitTest, NobodyPollsInATaskWhileSomethingElseCanRun) {
  const auto never = event();
  AtThirdPoll poller([] {});
  on_pool(
      1,
      [&](Pool& pool) {
        const auto queued = spawn(pool, [] {});
        EXPECT_FALSE(Pool::poll_for(*never));
        EXPECT_EQ(poller.polls, 0);
        queued->wait();
        never->complete();
      },
      &poller);
}

TEST_F(WaitTest, WorkWhoseArgumentsAreMissingIsNotRunByItsWaiter) {
  on_pool(1, [](Pool& pool) {
    bool ran = false;
    auto body = [&] { ran = true; };
    auto* work = new Job<decltype(body)>(body, Work::Start::waiting);
    const Held held(work);
    const auto waiter = spawn(pool, [&] { held->wait(); });
    for (int i = 0; i < 10; ++i) yield();
    EXPECT_FALSE(ran);
    pool.schedule(*work);
    waiter->wait();
    EXPECT_TRUE(ran);
  });
}

// Waits for the next one of its chain.
struct Link : Work {
  std::vector<Held>& chain;
  std::atomic<long>& sum;
  std::size_t index;
  Link(std::vector<Held>& chain, std::atomic<long>& sum)
      : Work(type, Start::ready, 2), chain(chain), sum(sum), index(chain.size()) {
    ++live_works;
  }
  static void run(Work& work) {
    auto& self = static_cast<Link&>(work);
    if (self.index + 1 < self.chain.size()) self.chain[self.index + 1]->wait();
    ++self.sum;
    self.complete();
  }
  static void gone(Work& work) noexcept {
    delete static_cast<Link*>(&work);
    --live_works;
  }
  static constexpr Type type{.run = &run, .help = nullptr, .destroy = &gone};
};

TEST_F(WaitTest, ChainOfDependentWaitsIsAsDeepAsOneLikes) {
  for (unsigned workers : {1u, 2u}) {
    on_pool(workers, [](Pool& pool) {
      std::vector<Held> chain;
      chain.reserve(deep);
      std::atomic<long> sum{0};
      std::vector<Link*> links;
      for (int i = 0; i < deep; ++i) {
        links.push_back(new Link(chain, sum));
        chain.emplace_back(links.back());
      }
      for (auto* link : links) pool.schedule(*link);
      chain[0]->wait();
      EXPECT_EQ(sum, deep);
    });
  }
}

struct Helped : Work {
  int steps = 0;
  Helped() : Work(type) { ++live_works; }
  static bool step(Work& work) {
    auto& self = static_cast<Helped&>(work);
    if (++self.steps == 5) self.complete();
    return true;
  }
  static void gone(Work& work) noexcept {
    delete static_cast<Helped*>(&work);
    --live_works;
  }
  static constexpr Type type{.run = nullptr, .help = &step, .destroy = &gone};
};

TEST_F(WaitTest, HelpIsOfferedUntilTheWorkIsDone) {
  on_pool(1, [](Pool&) {
    auto* work = new Helped;
    const Held held(work);
    held->wait();
    EXPECT_EQ(work->steps, 5);
  });
}

TEST_F(WaitTest, TimesOutOnAFiberWithoutBlockingTheWorker) {
  on_pool(1, [](Pool& pool) {
    const auto never = event();
    int meanwhile = 0;
    const auto other = spawn(pool, [&] { ++meanwhile; });
    EXPECT_FALSE(never->wait_until(base::now() + 3ms));
    EXPECT_EQ(meanwhile, 1);
    EXPECT_EQ(pool.timers().pending(), 0u);
    other->wait();
    never->complete();
    EXPECT_TRUE(never->wait_until(base::Nanoseconds(0)));
  });
}

TEST_F(WaitTest, CompletionBeforeTheDeadlineCancelsTheTimer) {
  on_pool(2, [](Pool& pool) {
    for (int i = 0; i < rounds; ++i) {
      const auto gate = event();
      const auto opener = spawn(pool, [gate] { gate->complete(); });
      ASSERT_TRUE(gate->wait_until(base::now() + 60s));
      ASSERT_EQ(pool.timers().pending(), 0u);
      opener->wait();
    }
  });
}

TEST_F(WaitTest, DeadlineAndCompletionMayCoincide) {
  on_pool(3, [](Pool& pool) {
    int expired = 0;
    for (int i = 0; i < rounds; ++i) {
      const auto gate = event();
      const auto opener = spawn(pool, [gate] { gate->complete(); });
      if (!gate->wait_until(base::now() + base::Nanoseconds(i % 40 * 500))) ++expired;
      opener->wait();
    }
    EXPECT_EQ(pool.timers().pending(), 0u);
    EXPECT_LE(expired, rounds);
  });
}

TEST_F(WaitTest, ExceptionInFlightSurvivesSuspensionAndMigration) {
  on_pool(3, [](Pool& pool) {
    std::vector<Held> works;
    std::atomic<int> right{0};
    for (int i = 0; i < 300; ++i) {
      works.push_back(spawn(pool, [&, i] {
        const auto mine = "error " + std::to_string(i);
        try {
          throw std::runtime_error(mine);
        } catch (const std::runtime_error& error) {
          for (int k = 0; k < 5; ++k) {
            try {
              yield();
              const auto gate = event();
              pool.timers().after(base::Nanoseconds(0), [gate] { gate->complete(); });
              gate->wait();
              throw std::logic_error(mine);
            } catch (const std::logic_error& inner) {
              yield();
              EXPECT_EQ(inner.what(), mine);
            }
          }
          EXPECT_EQ(std::uncaught_exceptions(), 0);
          try {
            throw;  // the one that this fiber handles, whatever others handle on the thread meanwhile
          } catch (const std::runtime_error& same) {
            if (same.what() == mine && &same == &error) ++right;
          }
        }
      }));
    }
    for (auto& work : works) work->wait();
    EXPECT_EQ(right, 300);
  });
}

TEST_F(WaitTest, WaitDuringUnwindingKeepsTheCountOfUncaughtExceptions) {
  on_pool(2, [](Pool& pool) {
    struct WaitsInDestructor {
      Pool& pool;
      int& seen;
      ~WaitsInDestructor() {
        const auto gate = event();
        pool.timers().after(base::Nanoseconds(0), [gate] { gate->complete(); });
        gate->wait();
        seen = std::uncaught_exceptions();
      }
    };
    std::vector<Held> works;
    for (int i = 0; i < 100; ++i)
      works.push_back(spawn(pool, [&pool] {
        EXPECT_EQ(std::uncaught_exceptions(), 0);
        int seen = 0;
        try {
          WaitsInDestructor guard{pool, seen};
          throw std::runtime_error("unwinding");
        } catch (const std::runtime_error&) {
        }
        EXPECT_EQ(seen, 1);
      }));
    for (auto& work : works) work->wait();
  });
}

TEST_F(WaitTest, ForeignThreadWaitsForAWorkOfThePool) {
  Pool pool({.workers = 2});
  std::thread outside([&] {
    for (int i = 0; i < rounds; ++i) {
      int value = 0;
      const auto work = spawn(pool, [&] { value = i + 1; });
      work->wait();
      ASSERT_EQ(value, i + 1);
    }
    pool.stop();
  });
  pool.run();
  outside.join();
}

TEST_F(WaitTest, BlockOnResumesEvenIfResumedAtOnce) {
  on_pool(2, [](Pool& pool) {
    int arranged = 0;
    for (int i = 0; i < 1000; ++i)
      block_on([&](Resume resume) {
        ++arranged;
        resume();
      });
    const auto work = spawn(pool, [&] {
      for (int i = 0; i < 1000; ++i) block_on([&](Resume resume) { resume(); });
    });
    work->wait();
    EXPECT_EQ(arranged, 1000);
  });
}

}  // namespace
}  // namespace ringray::execution
