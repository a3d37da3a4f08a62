// Stolen tasks are given on: by ranks that do not own them.

#include <chrono>
#include <thread>

#include "harness.hpp"
#include "ringray/base/metrics.hpp"

namespace conformance {
namespace {

std::uint64_t stolen_from_here() { return base::metric_total(Metric::tasks_stolen_out); }

int compute(int number) {
  const auto end = std::chrono::steady_clock::now() + 100us;
  while (std::chrono::steady_clock::now() < end) {
  }
  return number;
}

/// How many tasks were stolen from all ranks but the driver's, which alone submits some.
std::uint64_t given_on() {
  std::uint64_t sum = 0;
  for (std::uint32_t r = 1; r < ranks(); ++r) sum += get(submit({.placement = on_rank(Rank{r})}, stolen_from_here));
  return sum;
}

TEST_F(Ray, StolenTasksThatAreGivenOnGiveTheirResultsToTheirOwner) {
  if (ranks() < 3) GTEST_SKIP() << "they are not given back to their owner";
  constexpr int count = 400;
  const auto before = given_on();
  EXPECT_TRUE(soon([&] {
    std::vector<ObjectRef<int>> tasks;
    for (int i = 0; i < count; ++i) tasks.push_back(submit(compute, i));
    const auto numbers = get(tasks);
    for (int i = 0; i < count; ++i) EXPECT_EQ(numbers[static_cast<std::size_t>(i)], i);
    return given_on() > before;
  })) << "no rank gave a stolen task on";
}

/// Every second one runs until it is asked to stop.
int compute_or_wait(int number) {
  if (number % 2 == 1) return compute(number);
  while (!this_task::stop_token().stop_requested()) this_task::yield();
  return -1;
}

TEST_F(Ray, CancelFindsStolenTasksWhereverTheyAre) {
  constexpr int count = 300;
  for (int round = 0; round < 10; ++round) {
    std::vector<ObjectRef<int>> tasks;
    for (int i = 0; i < count; ++i) tasks.push_back(submit(compute_or_wait, i));
    for (int wait = 0; wait < round * 5; ++wait) this_task::yield();
    for (int i = 0; i < count; i += 2) cancel(tasks[static_cast<std::size_t>(i)]);
    for (int i = 0; i < count; ++i) {
      try {
        EXPECT_EQ(get(tasks[static_cast<std::size_t>(i)], 60s), i % 2 == 1 ? i : -1);
      } catch (const TaskCancelledError&) {
        EXPECT_EQ(i % 2, 0);
      }
    }
  }
}

struct SlowToSave {
  template <class Archive>
  void save(Archive& archive) const {
    std::this_thread::sleep_for(20ms);
    archive(number);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(number);
  }
  int number = 0;
};
int slow_until_stopped(const SlowToSave& value) {
  while (!this_task::stop_token().stop_requested()) this_task::yield();
  return value.number;
}

TEST_F(Ray, CancelFindsTasksThatAreBeingStolen) {
  for (int round = 0; round < 5; ++round) {
    std::vector<ObjectRef<int>> tasks;
    for (int i = 0; i < 4; ++i) tasks.push_back(submit(slow_until_stopped, SlowToSave{i}));
    std::this_thread::sleep_for(std::chrono::milliseconds(5 * round));  // others steal meanwhile
    for (const auto& task : tasks) cancel(task);
    for (int i = 0; i < 4; ++i) {
      try {
        EXPECT_EQ(get(tasks[static_cast<std::size_t>(i)], 60s), i);
      } catch (const TaskCancelledError&) {
      }
    }
  }
}

}  // namespace
}  // namespace conformance
