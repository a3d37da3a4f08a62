// The simulated network's own promises: virtual time, seeds, faults, size.

#include <gtest/gtest.h>
#include <malloc.h>

#include <map>

#include "ringray/transport/sim/network.hpp"

namespace ringray::transport::sim {
namespace {

using namespace std::chrono_literals;

/// Counts and hashes what arrives.
struct Log final : Receiver {
  void on_message(const Envelope& envelope, View payload) override {
    ++messages;
    auto& next = next_of[envelope.source.value];
    in_order &= envelope.correlation >= next;
    next = envelope.correlation + 1;
    hash = (hash ^ (envelope.source.value * 31 + envelope.correlation + payload.size())) * 0x100000001b3;
  }
  std::span<std::byte> on_bulk_begin(const Envelope& envelope) override {
    bulk_order.push_back(envelope.correlation);
    bulk.resize(envelope.payload_bytes);
    return bulk;
  }
  void on_bulk(const Envelope&, Errc) override {}
  void on_peer_lost(Rank rank, Errc) override { lost.push_back(rank); }
  std::uint64_t messages = 0, hash = 0xcbf29ce484222325;
  bool in_order = true;
  std::map<std::uint32_t, std::uint64_t> next_of;
  std::vector<std::byte> bulk;
  std::vector<std::uint64_t> bulk_order;
  std::vector<Rank> lost;
};

/// Sends `count` messages among `ranks`, then runs the network empty. What happened when, as one number.
std::uint64_t history(std::uint64_t seed, std::uint32_t ranks, std::uint64_t count) {
  Network network(seed, ranks);
  Log log;
  base::Random random(1);
  std::uint64_t hash = 0;
  const auto step = [&] {
    const auto rank = network.step();
    if (!rank) return false;
    network.endpoint(*rank).progress(log);
    hash = hash * 31 + static_cast<std::uint64_t>(network.now().count()) * 7 + rank->value;
    return true;
  };
  for (std::uint64_t i = 0; i < count; ++i) {
    auto& port = network.endpoint(random.below(ranks));
    port.send(random.below(ranks), {.correlation = i}, {});
    port.flush();
    if (i % 2 == 0) step();
  }
  while (step()) {
  }
  EXPECT_EQ(log.messages, count);
  EXPECT_EQ(network.in_flight(), 0u);
  return hash ^ log.hash;
}

TEST(SimNetwork, SameSeedGivesTheSameHistoryAndAnotherSeedAnother) {
  EXPECT_EQ(history(1, 10, 2000), history(1, 10, 2000));
  EXPECT_NE(history(1, 10, 2000), history(2, 10, 2000));
}

TEST(SimNetwork, ThousandRanksExchangeAMillionMessages) {
#ifdef __SANITIZE_ADDRESS__
  history(3, 1000, 100'000);  // it sees no more in a million
#else
  history(3, 1000, 1'000'000);
#endif
}

TEST(SimNetwork, TimeIsVirtualAndOnlyEventsOrTheUserMoveIt) {
  Network network(1, 2, {.delay_min = 100ns, .delay_max = 100ns, .straggler_chance = 0});
  Log log;
  EXPECT_FALSE(network.next_event());
  network.endpoint(0).send(1, {}, {});
  EXPECT_FALSE(network.next_event()) << "not flushed";
  network.endpoint(0).flush();
  EXPECT_EQ(network.next_event(), 100ns);
  network.advance(60ns);
  EXPECT_EQ(network.now(), 60ns);
  EXPECT_FALSE(network.endpoint(1).progress(log));
  EXPECT_EQ(network.step(), Rank(1));
  EXPECT_EQ(network.now(), 100ns);
  EXPECT_TRUE(network.endpoint(1).progress(log));
  EXPECT_EQ(log.messages, 1u);
  EXPECT_FALSE(network.step());
}

TEST(SimNetwork, PairsOvertakeEachOtherButAPairKeepsItsOrder) {
  Network network(5, 3);
  Log log;
  std::vector<std::uint64_t> first_of;
  for (std::uint64_t i = 0; i < 500; ++i)
    for (std::uint32_t source : {1, 2}) {
      network.endpoint(source).send(0, {.correlation = i}, {});
      network.endpoint(source).flush();
    }
  bool overtaken = false;
  while (network.step()) {
    network.endpoint(0).progress(log);
    overtaken |= log.next_of[1] < log.next_of[2];
  }
  EXPECT_TRUE(log.in_order);
  EXPECT_TRUE(overtaken);
  EXPECT_EQ(log.messages, 1000u);
}

TEST(SimNetwork, BulkTransfersOvertakeEachOther) {
  Network network(5, 2);
  Log log;
  auto bytes = std::make_shared<std::vector<std::byte>>(100);
  for (std::uint64_t i = 0; i < 100; ++i)
    network.endpoint(1).send_bulk(0, {.correlation = i}, Lease(View(*bytes), bytes));
  while (network.step()) network.endpoint(0).progress(log);
  EXPECT_EQ(log.bulk_order.size(), 100u);
  EXPECT_FALSE(std::is_sorted(log.bulk_order.begin(), log.bulk_order.end()));
  EXPECT_EQ(bytes.use_count(), 1);
}

TEST(SimNetwork, CutLinkHoldsMessagesUntilItIsHealed) {
  Network network(7, 3);
  Log log;
  const auto send = [&](std::uint64_t number) {
    network.endpoint(1).send(0, {.correlation = number}, {});
    network.endpoint(1).flush();
  };
  for (std::uint64_t i = 0; i < 10; ++i) send(i);
  network.cut(0, 1);
  for (std::uint64_t i = 10; i < 20; ++i) send(i);
  for (int i = 0; i < 5; ++i) network.step();
  network.heal(1, 0);
  for (std::uint64_t i = 20; i < 30; ++i) send(i);
  network.cut(0, 1);
  network.endpoint(2).send(0, {}, {});
  network.endpoint(2).flush();
  while (network.step()) network.endpoint(0).progress(log);
  EXPECT_LT(log.messages, 31u);
  EXPECT_EQ(log.next_of.at(2), 1u) << "other links go on";
  network.heal(0, 1);
  while (network.step()) network.endpoint(0).progress(log);
  EXPECT_EQ(log.messages, 31u);
  EXPECT_TRUE(log.in_order);
  EXPECT_TRUE(log.lost.empty());
}

TEST(SimNetwork, BrokenLinkIsReportedToBothSides) {
  Network network(7, 2);
  Log zero, one;
  network.cut(0, 1);
  network.endpoint(0).send(1, {}, {});
  network.endpoint(0).flush();
  network.lose(0, 1);
  while (const auto rank = network.step()) network.endpoint(*rank).progress(*rank == Rank(0) ? zero : one);
  EXPECT_EQ(zero.lost, std::vector<Rank>{1});
  EXPECT_EQ(one.lost, std::vector<Rank>{0});
  EXPECT_EQ(one.messages, 0u);
  network.endpoint(0).send(1, {}, {});
  network.endpoint(0).flush();
  EXPECT_EQ(network.in_flight(), 0u);
}

TEST(SimNetwork, WhatADeadRankSentArrivesWithoutHoles) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Network network(seed, 2);
    Log log;
    for (std::uint64_t i = 0; i < 10; ++i) {
      network.endpoint(1).send(0, {.correlation = i}, {});
      network.endpoint(1).flush();
    }
    network.endpoint(0).send(1, {}, {});
    network.endpoint(0).flush();
    network.kill(1);
    while (network.step()) network.endpoint(0).progress(log);
    EXPECT_EQ(log.next_of[1], log.messages);
    EXPECT_EQ(log.lost, std::vector<Rank>{1});
    EXPECT_GE(network.now(), 250ms);
  }
}

TEST(SimNetwork, SlowRankTakesLonger) {
  Network network(1, 3, {.delay_min = 100ns, .delay_max = 100ns, .straggler_chance = 0});
  network.slow(1, 10);
  network.endpoint(0).send(1, {}, {});
  network.endpoint(0).send(2, {}, {});
  network.endpoint(0).flush();
  EXPECT_EQ(network.step(), Rank(2));
  EXPECT_EQ(network.now(), 100ns);
  EXPECT_EQ(network.step(), Rank(1));
  EXPECT_EQ(network.now(), 1000ns);
}

TEST(SimNetwork, TenThousandLivesLeakNothing) {
  const auto live = [](std::uint64_t seed) {
    Network network(seed, 4);
    Log log;
    auto bytes = std::make_shared<std::vector<std::byte>>(1000);
    for (std::uint32_t rank = 0; rank < 4; ++rank) {
      for (std::uint32_t target = 0; target < 4; ++target) network.endpoint(rank).send(target, {}, View(*bytes));
      network.endpoint(rank).send_bulk((rank + 1) % 4, {}, Lease(View(*bytes), bytes));
      if (seed % 2 == 0) network.endpoint(rank).flush();
    }
    if (seed % 3 == 0) network.kill(2);
    if (seed % 5 == 0) network.cut(0, 1);
    static_cast<void>(network.endpoint(0).descriptor());
    for (int i = 0; i < 8; ++i)
      if (const auto rank = network.step()) network.endpoint(*rank).progress(log);
    EXPECT_FALSE(bytes.use_count() == 0);
  };
  for (std::uint64_t i = 0; i < 100; ++i) live(i);
  const auto before = ::mallinfo2().uordblks;
  for (std::uint64_t i = 0; i < 10'000; ++i) live(i);
  EXPECT_LE(::mallinfo2().uordblks, before + 64 * 1024);
}

}  // namespace
}  // namespace ringray::transport::sim
