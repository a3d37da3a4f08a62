// Envelopes and parcels, and the handshake of host and device. Numbers: conformance/device.md.

#include "ringray/device/parcel.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "ringray/base/random.hpp"
#include "ringray/device/layout.hpp"

namespace ringray::device {
namespace {

template <int bytes>
struct Bytes {
  static constexpr std::uint16_t id = 11;
  unsigned char data[bytes];
};

template <int bytes>
void round_trip(base::Random& random) {
  Bytes<bytes> message;
  for (auto& byte : message.data) byte = static_cast<unsigned char>(random());
  Parcel parcel;
  for (auto& word : parcel.words) word = ~Word{0};
  pack(parcel.words, {.target = Address::of(5, 3), .source = Address::of(9, 1), .correlation = 77, .clock = 88},
       message);
  const auto received = parcel.as<Bytes<bytes>>();
  EXPECT_EQ(std::memcmp(received.data, message.data, bytes), 0);
  const auto envelope = parcel.envelope();
  EXPECT_EQ(envelope.type, 11);
  EXPECT_EQ(envelope.cells, (bytes + 24 + 55) / 56);
  EXPECT_EQ(envelope.target, Address::of(5, 3));
  EXPECT_EQ(envelope.source, Address::of(9, 1));
  EXPECT_EQ(envelope.correlation, 77u);
  EXPECT_EQ(envelope.clock, 88u);
  EXPECT_EQ(parcel.cells(), envelope.cells);
}

TEST(Parcel, MessagesOfAllSizesComeBack) {
  base::Random random(1);
  round_trip<1>(random);
  round_trip<32>(random);
  round_trip<33>(random);
  round_trip<88>(random);
  round_trip<89>(random);
  round_trip<863>(random);
  round_trip<message_bytes_max>(random);
}

struct TooLarge {
  static constexpr std::uint16_t id = 1;
  char data[message_bytes_max + 1];
};
struct Owning {
  static constexpr std::uint16_t id = 1;
  std::vector<int> data;
};
struct Nameless {
  int data;
};
static_assert(!Sendable<TooLarge> && !Sendable<Owning> && !Sendable<Nameless>);

TEST(Parcel, UnusedBytesOfTheLastCellAreZero) {
  Parcel parcel;
  for (auto& word : parcel.words) word = ~Word{0};
  pack(parcel.words, {}, Bytes<9>{});
  for (int i = 5; i < cell_data_words; ++i) EXPECT_EQ(parcel.words[i], 0u);
}

TEST(Parcel, C43_ADeadlineTravelsWithTheMessage) {
  base::Random random(2);
  Bytes<message_bytes_max> message;
  for (auto& byte : message.data) byte = static_cast<unsigned char>(random());
  Parcel parcel;
  pack(parcel.words, {}, message, 4711);
  EXPECT_EQ(parcel.deadline(), 4711u);
  EXPECT_EQ(parcel.cells(), 16u);
  EXPECT_EQ(std::memcmp(parcel.as<Bytes<message_bytes_max>>().data, message.data, message_bytes_max), 0);
  pack(parcel.words, {}, message);
  EXPECT_EQ(parcel.deadline(), 0u);
  EXPECT_EQ(std::memcmp(parcel.as<Bytes<message_bytes_max>>().data, message.data, message_bytes_max), 0);
}

TEST(Parcel, AReasonIsSetInPlace) {
  Parcel parcel;
  pack(parcel.words, {.target = Address::of(1, 2), .flags = 5, .correlation = 9}, Bytes<4>{});
  set_reason(parcel.words, Reason::expired);
  set_reason(parcel.words, Reason::duplicate);
  EXPECT_EQ(parcel.envelope().reason(), Reason::duplicate);
  EXPECT_EQ(parcel.envelope().flags & 0x0f, 5);
  EXPECT_EQ(parcel.envelope().correlation, 9u);
  EXPECT_EQ(parcel.cells(), 1u);
}

TEST(Parcel, FlagsDoNotDisturbEachOther) {
  for (int bits = 0; bits < 256; ++bits) {
    Envelope envelope;
    envelope.flags = static_cast<std::uint8_t>(bits);
    envelope.set_priority(Priority::high);
    envelope.set_reason(Reason::clock_skew);
    EXPECT_EQ(envelope.priority(), Priority::high);
    EXPECT_EQ(envelope.reason(), Reason::clock_skew);
    EXPECT_EQ(envelope.refers_to_memory(), (bits & 4) != 0);
    EXPECT_EQ(envelope.has_deadline(), (bits & 8) != 0);
  }
}

TEST(Parcel, ACorruptCellCountStaysInRange) {
  for (Word cells = 0; cells < 256; ++cells) {
    const Word words[2] = {0, cells << 16};
    EXPECT_GE(cells_of(words), 1u);
    EXPECT_LE(cells_of(words), 16u);
    if (cells >= 1 && cells <= 16) {
      EXPECT_EQ(cells_of(words), cells);
    }
  }
}

TEST(Address, SlotAndGenerationRoundTrip) {
  for (const std::uint32_t slot : {0u, 1u, Address::slots_max})
    for (const std::uint32_t generation : {0u, 1u, Address::generations_max - 1}) {
      const auto address = Address::of(slot, generation);
      EXPECT_EQ(address.slot(), slot);
      EXPECT_EQ(address.generation(), generation);
    }
}

TEST(Layout, C18_C36_TheHandshakeNamesWhatDiffers) {
  auto report = layout_report();
  EXPECT_EQ(layout_difference(report), "");
  report.values[2] = 32;
  EXPECT_EQ(layout_difference(report), "sizeof(Envelope) is 32 on the device and 24 on the host");
  report = layout_report();
  ++report.version;
  EXPECT_EQ(layout_difference(report), "layout version 2 of the device, 1 of the host");
  report.magic = 0;
  EXPECT_NE(layout_difference(report).find("begins with"), std::string::npos);
}

}  // namespace
}  // namespace ringray::device
