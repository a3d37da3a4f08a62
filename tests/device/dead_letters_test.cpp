// What becomes of messages that nobody handled. Numbers: conformance/device.md.

#include "ringray/device/dead_letters.hpp"

#include <gtest/gtest.h>

namespace ringray::device {
namespace {

struct Numbered {
  static constexpr std::uint16_t id = 3;
  int value;
};

Parcel parcel_to(std::uint32_t slot, int value) {
  Parcel parcel;
  pack(parcel.words, {.target = Address::of(slot, 0), .correlation = 5}, Numbered{value});
  return parcel;
}

int value_of(const DeadLetter& letter) {
  Parcel parcel;
  std::copy(letter.words.begin(), letter.words.end(), parcel.words);
  return parcel.as<Numbered>().value;
}

TEST(DeadLetters, C43_TheNewestAreKeptWithTheirReason) {
  DeadLetters letters(3);
  for (int i = 0; i < 5; ++i) letters.bury(parcel_to(1, i).words, Reason::expired, 100 + i);
  EXPECT_EQ(letters.size(), 3u);
  const auto found = letters.find({});
  ASSERT_EQ(found.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(value_of(found[i]), i + 2);
    EXPECT_EQ(found[i].reason, Reason::expired);
    EXPECT_EQ(found[i].number, static_cast<std::uint64_t>(i + 2));
    EXPECT_EQ(found[i].clock, static_cast<std::uint64_t>(102 + i));
  }
  EXPECT_EQ(letters.counts().buried, 5u);
  EXPECT_EQ(letters.counts().forgotten, 2u);
  EXPECT_EQ(letters.counts().by_reason[static_cast<int>(Reason::expired)], 5u);
}

TEST(DeadLetters, C43_FiltersSelect) {
  DeadLetters letters(10);
  letters.bury(parcel_to(1, 1).words, Reason::expired, 10);
  letters.bury(parcel_to(2, 2).words, Reason::expired, 20);
  letters.bury(parcel_to(2, 3).words, Reason::actor_failed, 30);
  EXPECT_EQ(letters.find({.reason = Reason::expired}).size(), 2u);
  EXPECT_EQ(letters.find({.target = Address::of(2, 0)}).size(), 2u);
  EXPECT_EQ(letters.find({.reason = Reason::expired, .target = Address::of(2, 0)}).size(), 1u);
  EXPECT_EQ(letters.find({.type = 4}).size(), 0u);
  EXPECT_EQ(letters.find({.source = host_address}).size(), 3u);
  EXPECT_EQ(letters.find({.after_clock = 10}).size(), 2u);
}

TEST(DeadLetters, C43_ReplaySendsWhatMatchesAsItWasSentAndKeepsTheRest) {
  DeadLetters letters(10);
  auto dead = parcel_to(1, 1);
  auto envelope = dead.envelope();
  envelope.set_reason(Reason::actor_failed);  // as it comes from a device
  dead.set(envelope);
  letters.bury(dead.words, Reason::actor_failed, 1);
  letters.bury(parcel_to(2, 2).words, Reason::actor_failed, 2);
  letters.bury(parcel_to(1, 3).words, Reason::actor_failed, 3);
  letters.bury(parcel_to(1, 4).words, Reason::actor_failed, 4);
  std::vector<int> sent;
  const auto accepted = letters.replay({.target = Address::of(1, 0)}, [&](const Parcel& parcel) {
    EXPECT_EQ(parcel.envelope().reason(), Reason::none);
    EXPECT_EQ(parcel.envelope().correlation, 5u);
    if (sent.size() == 2) return false;  // its mailbox is full
    sent.push_back(parcel.as<Numbered>().value);
    return true;
  });
  EXPECT_EQ(accepted, 2u);
  EXPECT_EQ(sent, (std::vector<int>{1, 3}));
  EXPECT_EQ(letters.counts().replayed, 2u);
  const auto left = letters.find({});
  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(value_of(left[0]), 2);
  EXPECT_EQ(value_of(left[1]), 4);
}

TEST(DeadLetters, EveryReasonHasANameAndASentence) {
  for (int i = 0; i < static_cast<int>(Reason::count); ++i) {
    EXPECT_FALSE(reason_name(static_cast<Reason>(i)).empty());
    EXPECT_FALSE(reason_sentence(static_cast<Reason>(i)).empty());
  }
}

}  // namespace
}  // namespace ringray::device
