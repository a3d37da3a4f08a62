// Mailboxes on one thread: priorities, aging, policies, statistics. Numbers: conformance/device.md.

#include "ringray/device/mailbox.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ringray::device {
namespace {

struct Number {
  static constexpr std::uint16_t id = 3;
  int value;
};

struct Large {
  static constexpr std::uint16_t id = 4;
  char bytes[100];
};
static_assert(cells_for(sizeof(Large)) == 3);

struct TestMailbox {
  std::vector<Cell> cells;
  MailboxWords words;
  Mailbox<Near> mailbox;
  std::uint32_t choice = 0;
  std::vector<std::string> buried;

  explicit TestMailbox(Overflow overflow, std::uint32_t capacity_log2 = 2)
      : cells(std::size_t{priorities} << capacity_log2), mailbox(words, cells.data(), capacity_log2, overflow) {}

  auto bury() {
    return [this](Word* dead, Reason reason) {
      Parcel parcel;
      std::copy(dead, dead + cell_data_words, parcel.words);
      buried.push_back(std::to_string(parcel.as<Number>().value) +
                       (reason == Reason::dropped_oldest ? " oldest" : " newest"));
    };
  }
  Offer offer(int value, Priority priority = Priority::normal) {
    Parcel parcel;
    pack(parcel.words, {}, Number{value});
    return mailbox.offer(priority, parcel.words, bury());
  }
  /// -1: nothing there.
  int take() {
    Parcel parcel;
    return mailbox.take(choice, parcel.words) == 0 ? -1 : parcel.as<Number>().value;
  }
  std::vector<int> take_all() {
    std::vector<int> values;
    for (int value = take(); value != -1; value = take()) values.push_back(value);
    return values;
  }
};

TEST(Mailbox, C20_EnqueueToFullChangesNothing) {
  for (const auto overflow : {Overflow::reject, Overflow::wait}) {
    TestMailbox t(overflow);
    for (int i = 1; i <= 4; ++i) EXPECT_EQ(t.offer(i), Offer::accepted);
    EXPECT_EQ(t.offer(5), Offer::full);
    EXPECT_EQ(t.mailbox.stats().enqueued, 4u);
    EXPECT_EQ(t.take_all(), (std::vector<int>{1, 2, 3, 4}));
    EXPECT_TRUE(t.buried.empty());
  }
}

TEST(Mailbox, C21_DequeueOfEmptyGivesNothing) {
  TestMailbox t(Overflow::reject);
  EXPECT_EQ(t.take(), -1);
  EXPECT_EQ(t.choice, 0u);
}

TEST(Mailbox, C24_StatsCountAndForget) {
  TestMailbox t(Overflow::reject);
  for (int i = 0; i < 3; ++i) t.offer(i);
  EXPECT_EQ(t.mailbox.stats().depth_max, 3u);
  t.take();
  const auto stats = t.mailbox.stats();
  EXPECT_EQ(stats.enqueued, 3u);
  EXPECT_EQ(stats.dequeued, 1u);
  EXPECT_EQ(stats.depth, 2u);
  EXPECT_EQ(stats.depth_max, 3u);
  EXPECT_EQ(stats.dropped, 0u);
  t.mailbox.forget_depth_max();
  EXPECT_EQ(t.mailbox.stats().depth_max, 2u) << "what is there now";
}

TEST(Mailbox, C30_DropOldestKeepsTheNewest) {
  TestMailbox t(Overflow::drop_oldest);
  for (int i = 1; i <= 6; ++i) EXPECT_EQ(t.offer(i), Offer::accepted);
  EXPECT_EQ(t.buried, (std::vector<std::string>{"1 oldest", "2 oldest"}));
  EXPECT_EQ(t.mailbox.stats().dropped, 2u);
  EXPECT_EQ(t.take_all(), (std::vector<int>{3, 4, 5, 6}));
}

TEST(Mailbox, C20_C30_DropNewestKeepsTheOldestAndCounts) {
  TestMailbox t(Overflow::drop_newest);
  for (int i = 1; i <= 4; ++i) EXPECT_EQ(t.offer(i), Offer::accepted);
  EXPECT_EQ(t.offer(5), Offer::dropped);
  EXPECT_EQ(t.buried, (std::vector<std::string>{"5 newest"}));
  EXPECT_EQ(t.mailbox.stats().dropped, 1u);
  EXPECT_EQ(t.take_all(), (std::vector<int>{1, 2, 3, 4}));
}

TEST(Mailbox, ALargeMessageDropsAsManyOldOnesAsItNeeds) {
  TestMailbox t(Overflow::drop_oldest);
  for (int i = 1; i <= 4; ++i) t.offer(i);
  Parcel parcel;
  pack(parcel.words, {}, Large{});
  EXPECT_EQ(t.mailbox.offer(Priority::normal, parcel.words, t.bury()), Offer::accepted);
  EXPECT_EQ(t.buried, (std::vector<std::string>{"1 oldest", "2 oldest", "3 oldest"}));
}

TEST(Mailbox, C32_TheHighestPriorityGoesFirstAndEqualsInOrder) {
  TestMailbox t(Overflow::reject);
  t.offer(1, Priority::low);
  t.offer(2, Priority::normal);
  t.offer(3, Priority::critical);
  t.offer(4, Priority::normal);
  t.offer(5, Priority::high);
  t.offer(6, Priority::critical);
  EXPECT_EQ(t.take_all(), (std::vector<int>{3, 6, 5, 2, 4, 1}));
}

TEST(Mailbox, TheLowestPriorityIsServedAtLeastEverySixteenthTime) {
  TestMailbox t(Overflow::reject, 6);
  t.offer(-2, Priority::low);
  int others = 0;
  for (; others < 64; ++others) {
    t.offer(1, Priority::critical);
    if (t.take() == -2) break;
  }
  EXPECT_EQ(others, 15);
}

TEST(Mailbox, C33_PeekDoesNotConsumeAndClearEmpties) {
  TestMailbox t(Overflow::reject);
  t.offer(1);
  t.offer(2, Priority::high);
  Parcel parcel;
  for (int i = 0; i < 2; ++i) {
    EXPECT_NE(t.mailbox.peek(t.choice, parcel.words), 0u);
    EXPECT_EQ(parcel.as<Number>().value, 2);
  }
  EXPECT_EQ(t.mailbox.depth(), 2u);
  int cleared = 0;
  t.mailbox.clear(Reason::actor_terminated, [&](const Word*, Reason reason) {
    EXPECT_EQ(reason, Reason::actor_terminated);
    ++cleared;
  });
  EXPECT_EQ(cleared, 2);
  EXPECT_EQ(t.mailbox.depth(), 0u);
  EXPECT_EQ(t.take(), -1);
}

TEST(Mailbox, AClosedMailboxKeepsWhatItHas) {
  TestMailbox t(Overflow::drop_oldest);
  t.offer(1);
  t.offer(2, Priority::low);
  t.mailbox.close();
  EXPECT_EQ(t.offer(3), Offer::closed);
  EXPECT_FALSE(t.mailbox.drained());
  EXPECT_EQ(t.take_all(), (std::vector<int>{1, 2}));
  EXPECT_TRUE(t.mailbox.drained());
  EXPECT_TRUE(t.buried.empty());
}

}  // namespace
}  // namespace ringray::device
