// Every interleaving, and every value that the memory orders allow, of small cases of the rings. The numbers are those
// of conformance/device.md.

#include <gtest/gtest.h>

#include <algorithm>

#include "small_ring.hpp"

namespace ringray::test {
namespace {

using device::LinkReceiver;
using device::LinkSender;
using device::Sent;

constexpr Word before_wrap = ~Word{0};  // the second message lies at index 0
constexpr std::uint8_t with_memory = device::Envelope::refers_to_memory_flag;

/// Empty when every end is right and can be reached from everywhere.
std::string explore(const std::vector<Explorer::Thread>& threads, const Explorer::Judge& judge) {
  Explorer explorer;
  const auto report = explorer.explore(threads, judge);
  ::testing::Test::RecordProperty("states", static_cast<int>(report.states));
  if (report.problem.empty() && (report.stuck != 0 || report.ends == 0)) return "threads wait for ever";
  return report.problem;
}

/// Empty when `received` holds what each sender sent, in its order and without gap or repetition, from its first.
std::string in_order(const Notes& received, Word senders) {
  for (Word sender = 1; sender <= senders; ++sender) {
    Word next = 1;
    for (const auto value : received)
      if (sender_of(value) == sender && value != content(sender, next++)) return "out of order, lost or twice";
  }
  for (const auto value : received)
    if (value == 0 || sender_of(value) == 0 || sender_of(value) > senders) return "not what was sent";
  return {};
}

// ---- links

template <class Policy>
struct SmallLink {
  SmallCell cells[4] = {};
  Word credit;
  std::uint32_t capacity_log2;
  Word start;
  SmallLink(std::uint32_t capacity_log2, Word start) : credit(start), capacity_log2(capacity_log2), start(start) {}
  device::Link<Policy, SmallCell> operator()() { return {cells, &credit, capacity_log2}; }
  LinkSender sender() const { return {start, start}; }
  LinkReceiver receiver() const { return {start, start}; }
};

struct LinkCase {
  std::uint32_t capacity_log2;
  Word start;
  std::vector<std::uint32_t> cells;  // of each message
};

/// One sends until all is accepted, one receives until all has come: in order, and all cells are free at the end.
std::string run_link(const LinkCase& c) {
  SmallLink<Explored> link(c.capacity_log2, c.start);
  const auto send = [&](Notes& kept) {  // accepted, LinkSender
    if (kept.empty()) kept = {0, c.start, c.start};
    LinkSender sender{kept[1], kept[2]};
    if (link().send(sender, SmallMessage(content(1, kept[0] + 1), c.cells[kept[0]]).words)) ++kept[0];
    kept[1] = sender.tail;
    kept[2] = sender.credit;
    return kept[0] == c.cells.size();
  };
  const auto receive = [&](Notes& kept) {  // LinkReceiver, what was received
    if (kept.empty()) kept = {c.start, c.start};
    LinkReceiver receiver{kept[0], kept[1]};
    Word words[4];
    const auto count = link().receive(receiver, words);
    if (count != 0) kept.push_back(content_of(words, count));
    kept[0] = receiver.head;
    kept[1] = receiver.returned;
    return kept.size() == 2 + c.cells.size();
  };
  return explore({send, receive}, [&](const std::vector<Notes>& kept) -> std::string {
    LinkSender sender{kept[0][1], kept[0][2]};
    LinkReceiver receiver{kept[1][0], kept[1][1]};
    Word words[4];
    if (link().receive(receiver, words) != 0) return "more than was sent";
    if (receiver.returned != receiver.head || receiver.head != sender.tail) return "cells are not given back";
    for (std::uint32_t i = 0; i < 1u << c.capacity_log2; ++i)
      if (!link().send(sender, SmallMessage(content(1, 9)).words)) return "a free cell cannot be used";
    if (link().send(sender, SmallMessage(content(1, 9)).words)) return "more cells than there are";
    return in_order({kept[1].begin() + 2, kept[1].end()}, 1);
  });
}

TEST(Interleavings, C23_C56_ALinkLosesAndRepeatsNothingAndAllItsCellsAreUsable) {
  EXPECT_EQ(run_link({.capacity_log2 = 1, .start = before_wrap, .cells = {1, 1, 1, 1}}), "");
}

TEST(Interleavings, ALinkOfOneCellWorks) {
  EXPECT_EQ(run_link({.capacity_log2 = 0, .start = 127, .cells = {1, 1, 1}}), "");
}

TEST(Interleavings, AMessageOfSeveralCellsIsSeenWholeOrNotAtAll) {
  EXPECT_EQ(run_link({.capacity_log2 = 1, .start = before_wrap, .cells = {1, 2, 1, 2}}), "");
}

TEST(Interleavings, ALargeMessageGetsTheCellsThatSmallOnesLeft) {
  EXPECT_EQ(run_link({.capacity_log2 = 2, .start = before_wrap - 1, .cells = {1, 2, 2}}), "");
}

template <class Policy>
std::string link_to_memory(std::uint8_t flags) {
  static Word data;
  SmallLink<Policy> link(0, 0);
  const auto send = once([&](Notes&) {
    Policy::template store<Order::relaxed>(data, Word{42});
    auto sender = link.sender();
    link().send(sender, SmallMessage(content(1, 1), 1, flags).words);
  });
  const auto receive = [&](Notes& kept) {
    auto receiver = link.receiver();
    Word words[4];
    if (link().receive(receiver, words) == 0) return false;
    kept.push_back(Policy::template load<Order::relaxed>(data));
    return true;
  };
  return explore({send, receive}, [&](const std::vector<Notes>& kept) {
    return kept[1][0] == 42 ? "" : "the message came before the memory it refers to";
  });
}

TEST(Interleavings, WhatAMessageRefersToIsVisibleWhenItSaysThatItRefers) {
  EXPECT_EQ(link_to_memory<Explored>(with_memory), "");
  EXPECT_NE(link_to_memory<Explored>(0), "") << "then the flag would cost a fence for nothing";
  EXPECT_NE(link_to_memory<Disordered>(with_memory), "");
}

// ---- lanes

/// Sends messages 1 … `messages`, each until it is accepted or the lane is closed; keeps how many were accepted.
template <class Policy>
Explorer::Thread sender_of_lane(SmallLane<Policy>& lane, Word self, Word messages, std::uint32_t cells = 1) {
  return [&lane, self, messages, cells](Notes& kept) {
    if (kept.empty()) kept = {0};
    const auto sent = lane().send(SmallMessage(content(self, kept[0] + 1), cells).words);
    if (sent == Sent::accepted) ++kept[0];
    return sent == Sent::closed || kept[0] == messages;
  };
}

template <class Policy>
std::size_t take_all(SmallLane<Policy>& lane, Notes& into) {
  Word words[4];
  std::size_t taken = 0;
  for (; const auto count = lane().take(words); ++taken) into.push_back(content_of(words, count));
  return taken;
}

struct LaneCase {
  std::uint32_t capacity_log2;
  Word start;
  Word senders, messages;
  std::uint32_t cells = 1;  // of each message
};

std::string run_lane(const LaneCase& c) {
  SmallLane<Explored> lane(c.capacity_log2, c.start);
  std::vector<Explorer::Thread> threads{[&](Notes& kept) {
    Word words[4];
    if (const auto count = lane().take(words)) kept.push_back(content_of(words, count));
    return kept.size() == c.senders * c.messages;
  }};
  for (Word sender = 1; sender <= c.senders; ++sender)
    threads.push_back(sender_of_lane(lane, sender, c.messages, c.cells));
  return explore(threads, [&](const std::vector<Notes>& kept) -> std::string {
    Notes more;
    if (take_all(lane, more) != 0) return "more than was sent";
    if (lane().depth() != 0) return "cells are not given back";
    for (Word i = 0; i < Word{1} << c.capacity_log2; ++i)
      if (lane().send(SmallMessage(content(1, 9)).words) != Sent::accepted) return "a free cell cannot be used";
    if (lane().send(SmallMessage(content(1, 9)).words) != Sent::full) return "more cells than there are";
    return in_order(kept[0], c.senders);
  });
}

TEST(Interleavings, C25_C56_ALaneLosesAndRepeatsNothingOfTwoSenders) {
  EXPECT_EQ(run_lane({.capacity_log2 = 1, .start = (Word{1} << 63) - 1, .senders = 2, .messages = 2}), "");
}

TEST(Interleavings, MessagesOfSeveralCellsOfTwoSendersDoNotMix) {
  EXPECT_EQ(run_lane({.capacity_log2 = 1, .start = before_wrap, .senders = 2, .messages = 1, .cells = 2}), "");
}

TEST(Interleavings, ALaneOfOneCellServesThreeSenders) {
  EXPECT_EQ(run_lane({.capacity_log2 = 0, .start = 255, .senders = 3, .messages = 1}), "");
}

TEST(Interleavings, NothingThatWasAcceptedIsLostWhenALaneCloses) {
  SmallLane<Explored> lane(0, before_wrap);
  const auto receiver = [&](Notes& kept) {
    if (!lane().is_closed()) lane().close();
    take_all(lane, kept);
    return lane().drained();
  };
  const auto problem = explore({receiver, sender_of_lane(lane, 1, 2), sender_of_lane(lane, 2, 1)},
                               [&](const std::vector<Notes>& kept) -> std::string {
                                 Notes more;
                                 if (take_all(lane, more) != 0) return "something came after the last";
                                 if (kept[0].size() != kept[1][0] + kept[2][0]) return "lost or twice";
                                 return in_order(kept[0], 2);
                               });
  EXPECT_EQ(problem, "");
}

/// Senders set a ready bit, the receiver clears it before it looks, and only looks when it is set.
template <class Policy>
std::string ready_bit(Word messages) {
  static Word ready;
  SmallLane<Policy> lane(1, before_wrap);
  const auto sender = [&](Word self) {
    return [&lane, self, messages](Notes& kept) {
      if (kept.empty()) kept = {0};
      if (lane().send(SmallMessage(content(self, kept[0] + 1)).words) != Sent::accepted) return false;
      Policy::template set_bits<Order::release>(ready, Word{1});
      return ++kept[0] == messages;
    };
  };
  const auto receiver = [&, messages](Notes& kept) {
    if (Policy::template load<Order::relaxed>(ready) == 0) return false;
    Policy::template keep_bits<Order::acquire>(ready, Word{0});
    take_all(lane, kept);
    return kept.size() == 2 * messages;
  };
  return explore({receiver, sender(1), sender(2)},
                 [&](const std::vector<Notes>& kept) { return in_order(kept[0], 2); });
}

TEST(Interleavings, C26_NoWakeUpIsLost) {
  EXPECT_EQ(ready_bit<Explored>(1), "");
  EXPECT_EQ(ready_bit<Disordered>(1), "threads wait for ever");
}

TEST(Interleavings, C30_DroppingTheOldestConservesMessages) {
  SmallLane<Explored> lane(0, before_wrap);
  const device::Lane<device::Near, SmallCell> before(lane.words, lane.cells, lane.capacity_log2);
  ASSERT_EQ(before.send(SmallMessage(content(3, 1)).words), Sent::accepted);
  const auto sender = [&](Word self) {
    return once([&lane, self](Notes& kept) {  // what it dropped
      const SmallMessage message(content(self, 1));
      Word words[4];
      if (lane().send(message.words) == Sent::accepted) return;
      if (const auto count = lane().take_shared(words)) kept.push_back(content_of(words, count));
      if (lane().send(message.words) != Sent::accepted) kept.push_back(content(self, 1));
    });
  };
  const auto receiver = once([&](Notes& kept) {
    Word words[4];
    if (const auto count = lane().take_shared(words)) kept.push_back(content_of(words, count));
  });
  const auto problem = explore({receiver, sender(1), sender(2)}, [&](const std::vector<Notes>& kept) -> std::string {
    Notes all;
    for (const auto& some : kept) all.insert(all.end(), some.begin(), some.end());
    Word words[4];
    while (const auto count = lane().take_shared(words)) all.push_back(content_of(words, count));
    std::sort(all.begin(), all.end());
    return all == Notes{content(1, 1), content(2, 1), content(3, 1)} ? ""
                                                                     : "received and dropped are not what was sent";
  });
  EXPECT_EQ(problem, "");
}

/// The receiver parks after its first look and its successor goes on from memory.
template <class Policy>
std::string park() {
  static Word parked;
  SmallLane<Policy> lane(1, before_wrap);
  const auto first = once([&](Notes& kept) {
    take_all(lane, kept);
    Policy::template store<Order::release>(parked, Word{1});
  });
  const auto successor = [&](Notes& kept) {
    if (Policy::template load<Order::acquire>(parked) == 0) return false;
    take_all(lane, kept);
    return true;
  };
  return explore({first, successor, sender_of_lane(lane, 1, 2)}, [&](const std::vector<Notes>& kept) -> std::string {
    Notes received = kept[0];
    received.insert(received.end(), kept[1].begin(), kept[1].end());
    take_all(lane, received);
    return received.size() == 2 ? in_order(received, 1) : "lost or twice";
  });
}

TEST(Interleavings, ASuccessorGoesOnWhereTheParkedReceiverLeft) {
  EXPECT_EQ(park<Explored>(), "");
  EXPECT_NE(park<Disordered>(), "");
}

}  // namespace
}  // namespace ringray::test
