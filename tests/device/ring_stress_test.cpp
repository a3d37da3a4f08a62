// Threads on tiny rings with indices near every wrap: nothing is lost, repeated, torn or out of order.

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "ringray/base/random.hpp"
#include "ringray/device/mailbox.hpp"

namespace ringray::device {
namespace {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr std::uint32_t messages = 3'000;
#else
constexpr std::uint32_t messages = 30'000;
#endif

/// A message that tells whether it is whole: all its words follow from its first.
void fill(Parcel& parcel, std::uint32_t sender, std::uint32_t number, std::uint32_t cells) {
  parcel.set({.source = Address::of(sender, 0),
              .cells = static_cast<std::uint8_t>(cells),
              .correlation = number,
              .clock = ~Word{number}});
  base::Random random(std::uint64_t{sender} << 32 | number);
  for (std::uint32_t i = 3; i < cells * cell_data_words; ++i) parcel.words[i] = random();
}
bool is_whole(const Parcel& parcel) {
  const auto envelope = parcel.envelope();
  Parcel expected;
  fill(expected, envelope.source.slot(), envelope.correlation, envelope.cells);
  return std::equal(expected.words, expected.words + envelope.cells * cell_data_words, parcel.words);
}
std::uint32_t cells_of_number(std::uint32_t number, Word capacity) {
  return 1 + static_cast<std::uint32_t>((number * 7) % std::min<Word>(capacity, parcel_cells_max));
}

struct Idle {
  int tries = 0;
  void operator()() {
    if (++tries % 16 == 0) std::this_thread::yield();
  }
};

TEST(RingStress, C34_ALinkBetweenTwoThreads) {
  for (const Word start : {Word{0}, ~Word{0} - 1000})
    for (const std::uint32_t capacity_log2 : {2u, 4u}) {
      std::vector<Cell> cells(std::size_t{1} << capacity_log2);
      Word credit = start;
      const Link<Near> link{cells.data(), &credit, capacity_log2};
      std::thread sending([&] {
        LinkSender sender{start, start};
        Parcel parcel;
        Idle idle;
        for (std::uint32_t number = 0; number < messages; ++number) {
          fill(parcel, 1, number, cells_of_number(number, link.capacity()));
          while (!link.send(sender, parcel.words)) idle();
        }
      });
      LinkReceiver receiver{start, start};
      Parcel parcel;
      Idle idle;
      std::uint32_t bad = 0;
      for (std::uint32_t number = 0; number < messages; ++number) {
        while (link.receive(receiver, parcel.words) == 0) idle();
        if (parcel.envelope().correlation != number || !is_whole(parcel)) ++bad;
      }
      sending.join();
      EXPECT_EQ(bad, 0u);
    }
}

TEST(RingStress, MemoryThatAMessageRefersToIsVisible) {
  std::vector<Cell> cells(4);
  Word credit = 0;
  const Link<Near> link{cells.data(), &credit, 2};
  std::vector<std::uint32_t> memory(messages);  // plain memory: the thread sanitizer checks that the flag orders it
  std::thread sending([&] {
    LinkSender sender;
    Parcel parcel;
    Idle idle;
    for (std::uint32_t number = 0; number < messages; ++number) {
      memory[number] = number + 1;
      parcel.set({.flags = Envelope::refers_to_memory_flag, .correlation = number});
      while (!link.send(sender, parcel.words)) idle();
    }
  });
  LinkReceiver receiver;
  Parcel parcel;
  Idle idle;
  std::uint32_t bad = 0;
  for (std::uint32_t i = 0; i < messages; ++i) {
    while (link.receive(receiver, parcel.words) == 0) idle();
    if (memory[parcel.envelope().correlation] != i + 1) ++bad;
  }
  sending.join();
  EXPECT_EQ(bad, 0u);
}

class MailboxStress : public ::testing::TestWithParam<Overflow> {};

TEST_P(MailboxStress, C25_C56_ConservesMessagesOfManySendersInOrder) {
  constexpr std::uint32_t senders = 3;
  const bool drops = GetParam() == Overflow::drop_oldest || GetParam() == Overflow::drop_newest;
  for (const Word start : {Word{0}, (Word{1} << 63) - 1000}) {
    constexpr std::uint32_t capacity_log2 = 3;
    std::vector<Cell> cells(priorities << capacity_log2);
    MailboxWords words;
    for (auto& lane : words.lanes) lane = {2 * start, start};
    const Mailbox<Near> mailbox(words, cells.data(), capacity_log2, GetParam());
    std::atomic<std::uint32_t> ended{0};
    std::atomic<std::uint64_t> buried{0}, bad{0};
    const auto bury = [&](const Word* dead, Reason) {
      Parcel parcel;
      std::copy(dead, dead + cells_of(dead) * cell_data_words, parcel.words);
      if (!is_whole(parcel)) ++bad;
      ++buried;
    };
    std::vector<std::thread> threads;
    for (std::uint32_t sender = 0; sender < senders; ++sender)
      threads.emplace_back([&, sender] {
        Parcel parcel;
        Idle idle;
        for (std::uint32_t number = 0; number < messages; ++number) {
          fill(parcel, sender, number, cells_of_number(number, 8));
          const auto priority = static_cast<Priority>(number % 2);
          while (mailbox.offer(priority, parcel.words, bury) == Offer::full) idle();
          if (drops) idle();
        }
        ++ended;
      });
    std::uint64_t received = 0;
    std::vector<std::vector<std::int64_t>> last(senders, std::vector<std::int64_t>{-1, -1});
    std::uint32_t choice = 0;
    Parcel parcel;
    Idle idle;
    for (;;) {
      const bool all_sent = ended == senders;
      if (mailbox.take(choice, parcel.words) == 0) {
        if (all_sent) break;
        idle();
        continue;
      }
      ++received;
      const auto envelope = parcel.envelope();
      auto& before = last[envelope.source.slot()][envelope.correlation % 2];
      if (!is_whole(parcel) || envelope.correlation <= before ||
          (!drops && before >= 0 && envelope.correlation != before + 2))
        ++bad;
      before = envelope.correlation;
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(bad, 0u);
    EXPECT_EQ(received + buried, std::uint64_t{senders} * messages);
    EXPECT_EQ(mailbox.depth(), 0u);
    EXPECT_EQ(mailbox.stats().dropped, buried);
    if (!drops) {
      EXPECT_EQ(buried, 0u);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Policies, MailboxStress,
                         ::testing::Values(Overflow::wait, Overflow::drop_oldest, Overflow::drop_newest),
                         [](const auto& info) {
                           return std::string(info.param == Overflow::wait          ? "wait"
                                              : info.param == Overflow::drop_oldest ? "drop_oldest"
                                                                                    : "drop_newest");
                         });

}  // namespace
}  // namespace ringray::device
