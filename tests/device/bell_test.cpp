// Waiting of host threads. Numbers: conformance/device.md.

#include "ringray/device/bell.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "ringray/device/mailbox.hpp"

namespace ringray::device {
namespace {

using namespace std::chrono_literals;

TEST(Bell, C26_AWaitEndsAtItsDeadlineAndSaysSo) {
  Bell bell;
  EXPECT_FALSE(bell.wait([] { return false; }, base::now() + 2ms));
  EXPECT_TRUE(bell.wait([] { return true; }, base::now() - 1s)) << "what is true already needs no time";
}

TEST(Bell, C26_NoRingIsLostBetweenASenderThatWaitsForRoomAndAReceiver) {
  constexpr std::uint32_t messages = 3000;
  std::vector<Cell> cells(1);
  LaneWords words;
  const Lane<Near> lane(words, cells.data(), 0);
  Bell room, arrival;
  std::thread sending([&] {
    Parcel parcel;
    for (std::uint32_t number = 0; number < messages; ++number) {
      parcel.set({.correlation = number});
      ASSERT_TRUE(room.wait([&] { return lane.send(parcel.words) == Sent::accepted; }));
      arrival.ring();
    }
  });
  Parcel parcel;
  for (std::uint32_t number = 0; number < messages; ++number) {
    ASSERT_TRUE(arrival.wait([&] { return lane.take(parcel.words) != 0; }));
    ASSERT_EQ(parcel.envelope().correlation, number);
    room.ring();
  }
  sending.join();
}

TEST(Bell, ARingWakesAllThatWait) {
  Bell bell;
  std::atomic<bool> open{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { EXPECT_TRUE(bell.wait([&] { return open.load(); })); });
  open = true;
  bell.ring();
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace ringray::device
