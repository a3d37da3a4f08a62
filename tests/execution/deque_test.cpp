#include "ringray/execution/deque.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace ringray::execution {
namespace {

TEST(DequeTest, OwnerTakesNewestAndThiefOldest) {
  Deque<int> deque(2);
  std::vector<int> items(10);
  for (auto& item : items) deque.push(&item);
  EXPECT_EQ(deque.size(), 10u);
  EXPECT_TRUE(deque.newest_is(&items[9]));
  EXPECT_FALSE(deque.newest_is(&items[8]));
  EXPECT_EQ(deque.pop(), &items[9]);
  EXPECT_EQ(deque.steal(), &items[0]);
  EXPECT_EQ(deque.steal(), &items[1]);
  for (int i = 8; i >= 2; --i) EXPECT_EQ(deque.pop(), &items[i]);
  EXPECT_EQ(deque.pop(), nullptr);
  EXPECT_EQ(deque.steal(), nullptr);
  EXPECT_EQ(deque.size(), 0u);
  EXPECT_FALSE(deque.newest_is(&items[0]));
}

TEST(DequeTest, OldestIsTakenByNameOnly) {
  std::array<int, 3> items{};
  Deque<int> deque(2);
  EXPECT_FALSE(deque.steal_if_oldest(&items[0]));
  for (auto& item : items) deque.push(&item);
  EXPECT_FALSE(deque.steal_if_oldest(&items[1]));
  EXPECT_FALSE(deque.steal_if_oldest(&items[2]));
  EXPECT_TRUE(deque.steal_if_oldest(&items[0]));
  EXPECT_FALSE(deque.steal_if_oldest(&items[0]));
  EXPECT_TRUE(deque.steal_if_oldest(&items[1]));
  EXPECT_EQ(deque.pop(), &items[2]);
  EXPECT_FALSE(deque.steal_if_oldest(&items[2]));
}

TEST(DequeTest, EveryItemIsTakenExactlyOnceUnderContention) {
  constexpr int count = 100'000;
  Deque<std::atomic<int>> deque(2);
  std::vector<std::atomic<int>> taken(count);
  std::atomic<int> left{count};
  auto thief = [&] {
    while (left > 0)
      if (auto* item = deque.steal()) ++*item, --left;
  };
  std::thread a(thief), b(thief);
  for (int i = 0; i < count; ++i) {
    deque.push(&taken[i]);
    if (i % 3 == 0)
      if (auto* item = deque.pop()) ++*item, --left;
  }
  while (auto* item = deque.pop()) ++*item, --left;
  a.join();
  b.join();
  for (auto& item : taken) ASSERT_EQ(item, 1);
}

}  // namespace
}  // namespace ringray::execution
