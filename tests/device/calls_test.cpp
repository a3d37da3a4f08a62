// Calls that wait for an answer. Numbers: conformance/device.md.

#include "ringray/device/calls.hpp"

#include <gtest/gtest.h>

namespace ringray::device {
namespace {

using namespace std::chrono_literals;
using Match = PendingCalls::Match;
using Numbers = std::vector<std::uint32_t>;

Envelope reply(std::uint32_t correlation, std::uint16_t type = 7) { return {.type = type, .correlation = correlation}; }

TEST(PendingCalls, C38_AnAnswerEndsItsCallAndOneOfAnotherTypeDoesNot) {
  PendingCalls calls;
  const auto first = calls.begin(7), second = calls.begin(7);
  EXPECT_NE(first, 0u);
  EXPECT_NE(first, second);
  EXPECT_EQ(calls.answer(reply(first, 8)), Match::wrong_type);
  EXPECT_EQ(calls.answer(reply(first)), Match::ended);
  EXPECT_EQ(calls.answer(reply(first)), Match::late);
  EXPECT_EQ(calls.answer(reply(0)), Match::late) << "0 is no call";
  EXPECT_EQ(calls.size(), 1u);
}

TEST(PendingCalls, C39_ATimeoutRemovesTheCallAndItsAnswerIsLate) {
  PendingCalls calls;
  const auto late = calls.begin(7, 10ms), later = calls.begin(7, 20ms), patient = calls.begin(7);
  EXPECT_EQ(calls.next_deadline(), 10ms);
  EXPECT_EQ(calls.expire(9ms), Numbers{});
  EXPECT_EQ(calls.expire(10ms), Numbers{late});
  EXPECT_EQ(calls.answer(reply(late)), Match::late);
  EXPECT_EQ(calls.next_deadline(), 20ms);
  EXPECT_EQ(calls.expire(1h), Numbers{later});
  EXPECT_EQ(calls.next_deadline(), base::Nanoseconds::max());
  EXPECT_EQ(calls.answer(reply(patient)), Match::ended);
}

TEST(PendingCalls, C41_ANumberThatWaitsCannotBeginAgain) {
  PendingCalls calls;
  EXPECT_TRUE(calls.begin_as(5, 7));
  EXPECT_EQ(calls.begin_as(5, 7).error().code, Errc::config);
  EXPECT_EQ(calls.begin_as(0, 7).error().code, Errc::config);
  EXPECT_EQ(calls.answer(reply(5)), Match::ended);
  EXPECT_TRUE(calls.begin_as(5, 7));
  for (int i = 0; i < 10; ++i) EXPECT_NE(calls.begin(7), 5u);
}

TEST(PendingCalls, C68_ShutdownCancelsAllInTheOrderOfTheirBeginning) {
  PendingCalls calls;
  Numbers begun;
  for (int i = 0; i < 20; ++i) begun.push_back(calls.begin(7, i % 2 == 0 ? base::Nanoseconds::max() : 5s));
  EXPECT_TRUE(calls.end(begun[3]));
  EXPECT_FALSE(calls.end(begun[3]));
  begun.erase(begun.begin() + 3);
  EXPECT_EQ(calls.cancel_all(), begun);
  EXPECT_EQ(calls.size(), 0u);
}

TEST(Aggregate, C42_ItIsCompleteWithEnoughAndTakesNoMore) {
  auto aggregate = Aggregate::of(2, 3).value();
  EXPECT_TRUE(aggregate.add(true));
  EXPECT_TRUE(aggregate.add(false));
  EXPECT_EQ(aggregate.state(), Aggregate::State::waiting);
  EXPECT_TRUE(aggregate.add(true));
  EXPECT_EQ(aggregate.state(), Aggregate::State::complete);
  EXPECT_FALSE(aggregate.add(true));
  EXPECT_EQ(aggregate.succeeded(), 2u);
  EXPECT_EQ(aggregate.failed(), 1u);
  EXPECT_FALSE(aggregate.time_out());
}

TEST(Aggregate, C42_ItFailsWhenEnoughCannotComeAnyMore) {
  auto aggregate = Aggregate::of(2, 3).value();
  EXPECT_TRUE(aggregate.add(false));
  EXPECT_TRUE(aggregate.add(false));
  EXPECT_EQ(aggregate.state(), Aggregate::State::failed);
  EXPECT_FALSE(aggregate.add(true));
}

TEST(Aggregate, C42_ATimeoutKeepsWhatHasCome) {
  auto aggregate = Aggregate::of(3, 3).value();
  EXPECT_TRUE(aggregate.add(true));
  EXPECT_TRUE(aggregate.time_out());
  EXPECT_EQ(aggregate.state(), Aggregate::State::timed_out);
  EXPECT_EQ(aggregate.succeeded(), 1u);
  EXPECT_FALSE(aggregate.add(true));
  EXPECT_EQ(Aggregate::of(0, 3).error().code, Errc::config);
  EXPECT_EQ(Aggregate::of(4, 3).error().code, Errc::config);
}

}  // namespace
}  // namespace ringray::device
