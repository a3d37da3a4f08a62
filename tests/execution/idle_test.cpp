// Sleeping and waking: what must not be lost, who polls, what an idle pool costs.

#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <mutex>
#include <thread>
#include <vector>

#include "jobs.hpp"

namespace ringray::execution {
namespace {

using namespace std::chrono_literals;
using IdleTest = ExecutionTest;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int wakes = 500;
#else
constexpr int wakes = 5'000;
#endif

/// A transport whose arrivals are bytes in an eventfd.
class Wire : public Pool::Poller {
 public:
  Wire() : descriptor_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  ~Wire() override { close(descriptor_); }
  void deliver(std::function<void()> what) {
    {
      std::lock_guard lock(mutex_);
      arrived_.push_back(std::move(what));
    }
    const std::uint64_t one = 1;
    EXPECT_EQ(write(descriptor_, &one, sizeof one), static_cast<ssize_t>(sizeof one));
  }
  bool poll() override {
    std::unique_lock baton(baton_, std::try_to_lock);
    if (!baton) return false;
    ++polls;
    std::uint64_t count;
    if (read(descriptor_, &count, sizeof count) < 0) return false;
    std::vector<std::function<void()>> arrived;
    {
      std::lock_guard lock(mutex_);
      arrived.swap(arrived_);
    }
    for (auto& what : arrived) what();
    return true;
  }
  int descriptor() override { return descriptor_; }
  bool arm() override { return true; }
  std::atomic<long> polls{0};

 private:
  const int descriptor_;
  std::mutex baton_;
  std::mutex mutex_;
  std::vector<std::function<void()>> arrived_;
};

TEST_F(IdleTest, NoWakeUpIsLostBetweenWorkersAndForeignThreads) {
  for (unsigned workers : {1u, 2u, 4u}) {
    Pool pool({.workers = workers, .spin = 0ns});  // sleeps at every opportunity
    std::thread outside([&] {
      for (int i = 0; i < wakes; ++i) {
        const auto first = spawn(pool, [&] {});
        const auto second = spawn(pool, [&] { first->wait(); });
        second->wait();
        first->wait();
      }
      pool.stop();
    });
    pool.run();
    outside.join();
  }
}

TEST_F(IdleTest, NoWakeUpIsLostBetweenFibers) {
  Pool pool({.workers = 3, .spin = 0ns});
  pool.run([&] {
    for (int i = 0; i < wakes; ++i) {
      std::vector<Held> gates;
      for (int k = 0; k < 4; ++k) gates.push_back(event());
      std::vector<Held> works;
      for (int k = 1; k < 4; ++k)
        works.push_back(spawn(pool, [&gates, k] {
          gates[k - 1]->wait();
          gates[k]->complete();
        }));
      gates[0]->complete();
      gates[3]->wait();
      for (auto& work : works) work->wait();
    }
    pool.stop();
  });
}

TEST_F(IdleTest, NoArrivalIsLostByASleepingPool) {
  Wire wire;
  Pool pool({.workers = 2, .spin = 0ns}, &wire);
  std::thread outside([&] {
    for (int i = 0; i < wakes; ++i) {
      const auto arrived = event();
      wire.deliver([arrived] { arrived->complete(); });
      arrived->wait();
    }
    pool.stop();
  });
  pool.run();
  outside.join();
  EXPECT_GE(wire.polls, 1);
}

/// Has something to do at times that no descriptor tells of.
class Quiet final : public Wire {
 public:
  bool poll() override {
    if (waits.exchange(false)) seen = true;
    return Wire::poll();
  }
  bool waits_for_poll() override { return waits; }
  std::atomic<bool> waits{false}, seen{false};
};

TEST_F(IdleTest, SleepingWatcherPollsForWhatAComputingWorkerLeftToIt) {
  Quiet wire;
  on_pool(
      2,
      [&](Pool& pool) {
        for (int i = 0; i < 5; ++i) {
          while (pool.asleep() < 1) {
          }
          wire.seen = false;
          wire.waits = true;
          while (!wire.seen) {  // computes
          }
        }
      },
      &wire);
}

TEST_F(IdleTest, SleeperIsWokenByWhatArrives) {
  Wire wire;
  Pool pool({.workers = 2}, &wire);
  std::thread outside([&] {
    for (int i = 0; i < 20; ++i) {
      while (pool.asleep() < 2) std::this_thread::yield();
      const auto served = event();
      wire.deliver([&pool, served] { spawn(pool, [served] { served->complete(); }); });
      served->wait();
    }
    pool.stop();
  });
  pool.run();
  outside.join();
}

TEST_F(IdleTest, PollingWorkerRunsWhatBecameReadyItself) {
  Wire wire;
  on_pool(
      2,
      [&](Pool& pool) {
        for (int i = 0; i < 200; ++i) {
          const auto arrived = event();
          std::thread::id polled, ran;
          bool by_worker = false;  // else the helper was faster, when the system kept the workers waiting
          wire.deliver([&, arrived] {
            by_worker = Pool::current() != nullptr;
            polled = std::this_thread::get_id();
            spawn(pool, [&, arrived] {
              ran = std::this_thread::get_id();
              arrived->complete();
            });
          });
          arrived->wait();
          if (by_worker) {
            ASSERT_EQ(polled, ran);
          }
        }
      },
      &wire);
}

TEST_F(IdleTest, HelperPollsWhileEveryWorkerIsInUserCode) {
  Wire wire;
  on_pool(
      2,
      [&](Pool& pool) {
        for (int i = 0; i < 5; ++i) {
          std::atomic<bool> arrived{false};
          std::atomic<int> spinning{0};
          auto spin = [&] {
            if (++spinning == 2) wire.deliver([&] { arrived = true; });
            while (!arrived) base::pause();
          };
          const auto other = spawn(pool, spin);
          while (spinning == 0) base::pause();  // main stays: the other worker must take it
          spin();
          other->wait();
        }
      },
      &wire);
}

TEST_F(IdleTest, HelperRunsTimersWhileEveryWorkerIsInUserCode) {
  Wire wire;
  on_pool(
      1,
      [&](Pool& pool) {
        std::atomic<bool> expired{false};
        pool.timers().after(1ms, [&] { expired = true; });
        while (!expired) base::pause();
      },
      &wire);
}

TEST_F(IdleTest, SleepingWorkerTakesOverTheWatchWhenTheWatcherGetsWork) {
  Wire wire;
  on_pool(
      2,
      [&](Pool& pool) {
        for (int i = 0; i < 3; ++i) {
          while (pool.asleep() < 1) base::pause();
          std::atomic<bool> arrived{false};
          wire.deliver([&] { spawn(pool, [&] { arrived = true; }); });
          while (!arrived) base::pause();  // main keeps its worker: the other one must watch
        }
      },
      &wire);
}

// Counts polls, not time: whoever polls in a pool where nothing happens is awake for nothing.
TEST_F(IdleTest, SleepingPoolDoesNotPoll) {
  Wire wire;
  Pool pool({.workers = 2}, &wire);
  std::thread outside([&] {
    while (pool.asleep() < 2) std::this_thread::yield();
    const auto idle = event();
    (void)idle->wait_until(base::now() + 200ms);  // the helper goes to rest
    const auto polls = wire.polls.load();
    (void)idle->wait_until(base::now() + 300ms);
    EXPECT_LE(wire.polls - polls, 2);
    EXPECT_EQ(pool.asleep(), 2u);
    pool.stop();
  });
  pool.run();
  outside.join();
}

}  // namespace
}  // namespace ringray::execution
