// Links and lanes on one thread: capacities, wrap-around, what is given back. Numbers: conformance/device.md.

#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "ringray/base/random.hpp"
#include "ringray/device/capacity.hpp"
#include "ringray/device/lane.hpp"

namespace ringray::device {
namespace {

constexpr Word starts[] = {0, 1, (Word{1} << 32) - 3, (Word{1} << 63) - 3, (Word{1} << 63), ~Word{0} - 5, ~Word{0}};

Parcel random_parcel(base::Random& random, std::uint32_t cells, std::uint32_t correlation) {
  Parcel parcel;
  for (auto& word : parcel.words) word = random();
  parcel.set({.type = 7,
              .cells = static_cast<std::uint8_t>(cells),
              .flags = 0,
              .correlation = correlation,
              .clock = random()});
  return parcel;
}

void expect_equal(const Parcel& received, const Parcel& sent) {
  ASSERT_EQ(received.cells(), sent.cells());
  for (std::uint32_t i = 0; i < sent.cells() * cell_data_words; ++i) ASSERT_EQ(received.words[i], sent.words[i]) << i;
}

struct TestLink {
  std::vector<Cell> cells;
  Word credit;
  LinkSender sender;
  LinkReceiver receiver;
  Link<Near> link;
  TestLink(std::uint32_t capacity_log2, Word start)
      : cells(std::size_t{1} << capacity_log2),
        credit(start),
        sender{start, start},
        receiver{start, start},
        link{cells.data(), &credit, capacity_log2} {}
};

TEST(Link, C34_EveryBitArrivesOverManyWrapsFromEveryStart) {
  base::Random random(1);
  for (const Word start : starts)
    for (std::uint32_t capacity_log2 : {0u, 1u, 2u, 4u, 5u}) {
      TestLink t(capacity_log2, start);
      std::deque<Parcel> under_way;
      std::uint32_t number = 0;
      for (int step = 0; step < 2000; ++step) {
        const auto cells = 1 + static_cast<std::uint32_t>(random.below(std::min<Word>(16, t.link.capacity())));
        const auto parcel = random_parcel(random, cells, ++number);
        if (t.link.send(t.sender, parcel.words)) under_way.push_back(parcel);
        Parcel received;
        while (random.chance(0.6) && t.link.receive(t.receiver, received.words) != 0) {
          ASSERT_FALSE(under_way.empty());
          expect_equal(received, under_way.front());
          under_way.pop_front();
        }
      }
    }
}

TEST(Link, C23_AMessageAsLargeAsTheLinkGoesThroughAlthoughCreditsComeInBatches) {
  base::Random random(2);
  TestLink t(4, ~Word{0} - 7);
  Parcel received;
  for (int round = 0; round < 300; ++round)
    for (std::uint32_t cells : {1u, 1u, 1u, 16u, 3u, 13u}) {
      const auto parcel = random_parcel(random, cells, 1);
      ASSERT_TRUE(t.link.send(t.sender, parcel.words)) << "all was received, so all cells are free";
      ASSERT_EQ(t.link.receive(t.receiver, received.words), cells);
      expect_equal(received, parcel);
      ASSERT_EQ(t.link.receive(t.receiver, received.words), 0u);
    }
}

TEST(Link, CreditsAreReturnedInBatchesWhileThereIsWork) {
  base::Random random(3);
  TestLink t(6, 0);
  const auto parcel = random_parcel(random, 1, 1);
  while (t.link.send(t.sender, parcel.words)) {
  }
  int returned = 0;
  Parcel received;
  for (int i = 0; i < 64; ++i) {
    const Word before = t.credit;
    ASSERT_EQ(t.link.receive(t.receiver, received.words), 1u);
    if (t.credit != before) ++returned;
  }
  EXPECT_EQ(returned, 4);
}

struct TestLane {
  std::vector<Cell> cells;
  LaneWords words;
  Lane<Near> lane;
  TestLane(std::uint32_t capacity_log2, Word start)
      : cells(std::size_t{1} << capacity_log2),
        words{2 * start, start & ~(Word{1} << 63)},
        lane(words, cells.data(), capacity_log2) {}
};

TEST(Lane, C23_AllCellsAreUsableFromEveryStart) {
  base::Random random(4);
  for (const Word start : starts)
    for (std::uint32_t capacity_log2 : {0u, 1u, 3u, 5u}) {
      TestLane t(capacity_log2, start);
      for (int round = 0; round < 300; ++round) {
        std::vector<Parcel> sent;
        for (Word i = 0; i < t.lane.capacity(); ++i) {
          sent.push_back(random_parcel(random, 1, 1));
          ASSERT_EQ(t.lane.send(sent.back().words), Sent::accepted);
        }
        ASSERT_EQ(t.lane.depth(), t.lane.capacity());
        ASSERT_EQ(t.lane.send(sent.back().words), Sent::full);
        Parcel received;
        for (const auto& parcel : sent) {
          ASSERT_EQ(round % 2 == 0 ? t.lane.take(received.words) : t.lane.take_shared(received.words), 1u);
          expect_equal(received, parcel);
        }
        ASSERT_EQ(t.lane.take(received.words), 0u);
        ASSERT_EQ(t.lane.take_shared(received.words), 0u);
      }
    }
}

TEST(Lane, C35_ABurstOfTenThousandIsReceivedOnceAndInOrder) {
  base::Random random(5);
  TestLane t(4, (Word{1} << 63) - 100);
  std::uint32_t sent = 0, received = 0;
  Parcel parcel;
  while (received < 10'000) {
    while (sent < 10'000 && t.lane.send(random_parcel(random, 1 + sent % 16, sent).words) == Sent::accepted) ++sent;
    ASSERT_NE(t.lane.take(parcel.words), 0u);
    ASSERT_EQ(parcel.envelope().correlation, received++);
  }
  EXPECT_EQ(t.lane.take(parcel.words), 0u);
}

TEST(Lane, AClosedLaneAcceptsNothingUntilItOpensAndKeepsWhatItHas) {
  base::Random random(6);
  TestLane t(2, (Word{1} << 63) - 1);
  const auto parcel = random_parcel(random, 1, 1);
  ASSERT_EQ(t.lane.send(parcel.words), Sent::accepted);
  t.lane.close();
  EXPECT_EQ(t.lane.send(parcel.words), Sent::closed);
  EXPECT_FALSE(t.lane.drained());
  Parcel received;
  EXPECT_EQ(t.lane.take(received.words), 1u);
  EXPECT_TRUE(t.lane.drained());
  t.lane.open();
  EXPECT_FALSE(t.lane.drained());
  EXPECT_EQ(t.lane.send(parcel.words), Sent::accepted);
}

TEST(Capacity, C19_OnlyPowersOfTwoAreCapacities) {
  EXPECT_EQ(capacity_log2(1024).value(), 10u);
  EXPECT_EQ(capacity_log2(1).value(), 0u);
  const auto wrong = capacity_log2(1000);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Errc::config);
  EXPECT_NE(wrong.error().text.find("take 512 or 1024"), std::string::npos) << wrong.error().text;
  EXPECT_EQ(capacity_log2(0).error().code, Errc::config);
  EXPECT_EQ(capacity_log2(std::uint64_t{capacity_max} * 2).error().code, Errc::config);
}

TEST(Capacity, C27_ARateAndAHeadroomGiveTheNextPowerOfTwo) {
  EXPECT_EQ(suggest_capacity({.messages_per_second = 1e6, .headroom_seconds = 1e-3}), 1024u);
  EXPECT_EQ(suggest_capacity({.messages_per_second = 1024, .headroom_seconds = 1}), 1024u);
  EXPECT_EQ(suggest_capacity({.messages_per_second = 1025, .headroom_seconds = 1}), 2048u);
  EXPECT_EQ(suggest_capacity({.messages_per_second = 1000, .headroom_seconds = 1, .cells_per_message = 4}), 4096u);
  EXPECT_EQ(suggest_capacity({.messages_per_second = 0, .headroom_seconds = 1}), capacity_min);
  EXPECT_EQ(suggest_capacity({.messages_per_second = 1e18, .headroom_seconds = 1e9}), capacity_max);
}

TEST(Capacity, C28_FillTurnsAtExactlyThreeQuartersAndNineTenths) {
  EXPECT_EQ(fill_of(749, 1000), Fill::normal);
  EXPECT_EQ(fill_of(750, 1000), Fill::warning);
  EXPECT_EQ(fill_of(899, 1000), Fill::warning);
  EXPECT_EQ(fill_of(900, 1000), Fill::critical);
  EXPECT_EQ(fill_of(0, 4), Fill::normal);
  EXPECT_EQ(fill_of(3, 4), Fill::warning);
  EXPECT_EQ(fill_of(4, 4), Fill::critical);
}

TEST(Capacity, C29_ASourceKeepsItsRingAndTheImbalanceTells) {
  std::vector<std::uint64_t> messages(4);
  for (std::uint32_t source = 0; source < 1000; ++source) {
    const auto ring = ring_of(source, 4);
    ASSERT_LT(ring, 4u);
    EXPECT_EQ(ring, ring_of(source, 4));
    ++messages[ring];
  }
  EXPECT_LT(imbalance(messages.data(), 4), 1.1);
  const std::uint64_t uneven[] = {0, 8, 0, 0}, even[] = {3, 3}, none[] = {0, 0};
  EXPECT_DOUBLE_EQ(imbalance(uneven, 4), 4);
  EXPECT_DOUBLE_EQ(imbalance(even, 2), 1);
  EXPECT_DOUBLE_EQ(imbalance(none, 2), 0);
}

}  // namespace
}  // namespace ringray::device
