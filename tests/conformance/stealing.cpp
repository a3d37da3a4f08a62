// Stolen tasks are given on: by ranks that do not own them.

#include <chrono>

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

TEST_F(Ray, CancelFindsStolenTasksWhereverTheyAre) {
  constexpr int count = 300;
  for (int round = 0; round < 10; ++round) {
    std::vector<ObjectRef<int>> tasks;
    for (int i = 0; i < count; ++i) tasks.push_back(submit(compute, i));
    for (int wait = 0; wait < round * 5; ++wait) this_task::yield();
    for (int i = 0; i < count; i += 2) cancel(tasks[static_cast<std::size_t>(i)]);
    for (int i = 0; i < count; ++i) {
      try {
        EXPECT_EQ(get(tasks[static_cast<std::size_t>(i)]), i);
      } catch (const TaskCancelledError&) {
        EXPECT_EQ(i % 2, 0);
      }
    }
  }
}

}  // namespace
}  // namespace conformance
