// What each worker runs, asked by others.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <ctime>
#include <thread>

#include "jobs.hpp"
#include "ringray/execution/pool.hpp"

namespace ringray::execution {
namespace {

using namespace std::chrono_literals;

void* keep_context(void* context) noexcept { return context; }

#ifdef __SANITIZE_THREAD__
constexpr bool signals_come = false;
#else
constexpr bool signals_come = true;
#endif
#define SKIP_WITHOUT_SIGNALS \
  if (!signals_come) GTEST_SKIP() << "the thread sanitizer holds signals back while a worker sleeps or computes"

TEST(Interrupt, LookFindsTheContextOfWhatRunsAndNothingOnIdleWorkers) {
  SKIP_WITHOUT_SIGNALS;
  Pool pool({.workers = 3});
  int task = 0;
  std::atomic<bool> runs{false}, stop{false};
  std::thread outside([&] {
    spawn(pool, [&] {
      context() = &task;
      runs = true;
      while (!stop) {
      }
    });
    while (!runs) std::this_thread::yield();
    auto looks = pool.look(&keep_context, 30s);
    const auto missing = [](const Look& look) { return !look.answered; };
    while (std::any_of(looks.begin(), looks.end(), missing)) looks = pool.look(&keep_context, 30s);  // some start
    EXPECT_EQ(looks.size(), 3u);
    unsigned busy = 0;
    for (const auto& look : looks) {
      EXPECT_TRUE(look.kept == nullptr || look.kept == &task);
      busy += look.kept == &task;
    }
    EXPECT_EQ(busy, 1u);
    stop = true;
    pool.stop();
  });
  pool.run();
  outside.join();
}

std::atomic<int> times_kept{0};
void* keep_slowly(void*) noexcept {
  for (const auto end = base::now() + 3ms; base::now() < end;) {
  }
  ++times_kept;
  return &times_kept;
}

TEST(Interrupt, WhatAWorkerKeepsReachesWhoAskedThoughItHasNoPatience) {
  SKIP_WITHOUT_SIGNALS;
  Pool pool({.workers = 2});
  std::thread outside([&] {
    int reached = 0;
    for (int i = 0; i < 100; ++i)
      for (const auto& look : pool.look(&keep_slowly, i % 4 * 1ms)) reached += look.kept != nullptr;
    std::atomic<bool> ran{false};
    spawn(pool, [&] { ran = true; });  // what was asked before has come to an end
    while (!ran) std::this_thread::yield();
    pool.stop();
    EXPECT_EQ(reached, times_kept.load());
  });
  pool.run();
  outside.join();
}

TEST(Interrupt, WorkersThatAreNotThereDoNotAnswerAndNobodyWaitsForThem) {
  Pool pool({.workers = 2});
  const auto before = pool.look(&keep_context, 1h);
  pool.stop();
  pool.run();
  const auto after = pool.look(&keep_context, 1h);
  for (const auto& looks : {before, after})
    for (const auto& look : looks) EXPECT_FALSE(look.answered);
}

TEST(Interrupt, LooksWhileFibersSwitchFindOnlyWhatLives) {
  SKIP_WITHOUT_SIGNALS;
  Pool pool({.workers = 2});
  std::atomic<bool> stop{false};
  int task = 0;
  for (int i = 0; i < 8; ++i)
    spawn(pool, [&] {
      context() = &task;
      while (!stop) yield();
    });
  std::thread outside([&] {
    for (int i = 0; i < 200; ++i)
      for (const auto& look : pool.look(&keep_context, 30s)) EXPECT_TRUE(look.kept == nullptr || look.kept == &task);
    stop = true;
    pool.stop();
  });
  pool.run();
  outside.join();
}

TEST(Interrupt, SystemCallThatAFunctionSleepsInIsNotEndedEarly) {
  SKIP_WITHOUT_SIGNALS;
  Pool pool({.workers = 1});
  std::atomic<bool> runs{false}, done{false};
  int result = -1;
  std::thread outside([&] {
    spawn(pool, [&] {
      const timespec time{.tv_sec = 0, .tv_nsec = 500'000'000};
      runs = true;
      result = ::nanosleep(&time, nullptr);
      done = true;
    });
    while (!runs) std::this_thread::yield();
    std::this_thread::sleep_for(100ms);  // it is on its way into the kernel
    while (!done) pool.look(&keep_context, 30s);
    EXPECT_EQ(result, 0);
    pool.stop();
  });
  pool.run();
  outside.join();
}

TEST(Interrupt, WhatGoesOnAfterASignalIsAskedThoughItSleeps) {
  SKIP_WITHOUT_SIGNALS;
  Pool pool({.workers = 1});
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  int task = 0;
  ssize_t got = 0;
  std::thread outside([&] {
    spawn(pool, [&] {
      context() = &task;
      char byte;
      got = ::read(pipe[0], &byte, 1);
    });
    for (void* kept = nullptr; kept != &task;) kept = pool.look(&keep_context, 30s)[0].kept;
    for (int i = 0; i < 20; ++i) EXPECT_EQ(pool.look(&keep_context, 30s)[0].kept, &task);
    EXPECT_EQ(::write(pipe[1], "x", 1), 1);
    pool.stop();
  });
  pool.run();
  outside.join();
  EXPECT_EQ(got, 1) << "the signal ended it";
  for (const int end : pipe) ::close(end);
}

TEST(Interrupt, SleepersAreWokenWhereTheyAreNotSpared) {
  SKIP_WITHOUT_SIGNALS;
  Pool pool({.workers = 1});
  int task = 0;
  std::thread outside([&] {
    spawn(pool, [&] {
      context() = &task;
      const timespec hour{.tv_sec = 3600, .tv_nsec = 0};
      ::nanosleep(&hour, nullptr);
    });
    for (void* kept = nullptr; kept != &task;) kept = pool.look(&keep_context, 30s, InSystemCall::woken)[0].kept;
    pool.stop();
  });
  pool.run();
  outside.join();
}

TEST(Interrupt, TurnsGrowWithWhatAWorkerTakes) {
  Pool pool({.workers = 1});
  for (int i = 0; i < 10; ++i) spawn(pool, [] {});
  const auto before = pool.turns(0);
  pool.stop();
  pool.run();
  EXPECT_GE(pool.turns(0), before + 10);
}

}  // namespace
}  // namespace ringray::execution
