#include "ringray/transport/packet.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "ringray/base/random.hpp"

namespace ringray::transport {
namespace {

std::vector<std::byte> packet_of(std::initializer_list<std::size_t> payload_sizes, Rank source = 3) {
  std::size_t bytes = sizeof(PacketHeader);
  for (const auto size : payload_sizes) bytes += record_bytes(size);
  std::vector<std::byte> packet(bytes);
  const PacketHeader header{7, source, 0};
  std::memcpy(packet.data(), &header, sizeof header);
  auto* out = packet.data() + sizeof header;
  std::uint32_t argument = 0;
  for (const auto size : payload_sizes) {
    wire::Envelope envelope;
    envelope.payload_bytes = size;
    envelope.source = source;
    envelope.argument = argument++;
    out = write_record(out, envelope, std::vector<std::byte>(size, std::byte(size)));
  }
  EXPECT_EQ(out, packet.data() + packet.size());
  return packet;
}

TEST(Packet, GivesBackWhatWasWritten) {
  const auto packet = packet_of({0, 1, 7, 8, 9, 1000});
  std::vector<std::size_t> sizes;
  const auto error = decode_packet(packet, [&](const wire::Envelope& envelope, wire::View payload) {
    EXPECT_EQ(envelope.argument, sizes.size());
    EXPECT_EQ(envelope.payload_bytes, payload.size());
    for (const auto byte : payload) EXPECT_EQ(byte, std::byte(payload.size()));
    sizes.push_back(payload.size());
    return true;
  });
  EXPECT_EQ(error, Errc::none);
  EXPECT_EQ(sizes, (std::vector<std::size_t>{0, 1, 7, 8, 9, 1000}));
}

TEST(Packet, StopsWhenTheVisitorSaysSo) {
  int visited = 0;
  EXPECT_EQ(decode_packet(packet_of({8, 8, 8}), [&](const auto&, auto) { return ++visited < 2; }), Errc::none);
  EXPECT_EQ(visited, 2);
}

TEST(Packet, EveryTruncationIsAnError) {
  const auto packet = packet_of({5, 40});
  for (std::size_t bytes = 0; bytes < packet.size(); ++bytes) {
    if (bytes == sizeof(PacketHeader) + record_bytes(5)) continue;  // a whole packet of one record
    // A copy of its own, so that AddressSanitizer sees a read past its end.
    const std::vector<std::byte> cut(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(bytes));
    EXPECT_EQ(decode_packet(cut, [](const auto&, auto) { return true; }), Errc::corrupt_data) << bytes;
  }
}

TEST(Packet, EnvelopeOfAnotherSourceIsAnError) {
  auto packet = packet_of({8});
  const PacketHeader header{7, 4, 0};
  std::memcpy(packet.data(), &header, sizeof header);
  EXPECT_EQ(decode_packet(packet, [](const auto&, auto) { return true; }), Errc::corrupt_data);
}

TEST(Packet, RandomBytesNeverReadOutsideThePacket) {
  constexpr std::uint64_t seed = 42;
  base::Random random(seed);
  std::size_t visited_bytes = 0;
  for (int round = 0; round < 200'000; ++round) {
    auto packet = packet_of({random.below(40), random.below(40)});
    const auto damages = random.below(6);
    for (std::uint64_t i = 0; i < damages; ++i) packet[random.below(packet.size())] = std::byte(random.below(256));
    if (random.chance(0.3)) packet.resize(random.below(packet.size()));
    if (random.chance(0.1))
      for (auto& byte : packet) byte = std::byte(random.below(256));
    packet.shrink_to_fit();
    decode_packet(packet, [&](const wire::Envelope&, wire::View payload) {
      for (const auto byte : payload) visited_bytes += std::to_integer<std::size_t>(byte) & 1;
      return true;
    });
    BulkHeader header;
    if (decode_bulk_header(packet, random.below(100), header) == Errc::none) {
      EXPECT_EQ(header.packet.source, header.envelope.source);
    }
  }
  EXPECT_GT(visited_bytes, 0u);
}

TEST(BulkHeader, LengthOfTheTransferMustAgree) {
  BulkHeader header{{7, 3, 0}, {}}, decoded;
  header.envelope.source = 3;
  header.envelope.payload_bytes = 100;
  const auto bytes = std::as_bytes(std::span(&header, 1));
  EXPECT_EQ(decode_bulk_header(bytes, 100, decoded), Errc::none);
  EXPECT_EQ(decode_bulk_header(bytes, 101, decoded), Errc::corrupt_data);
  EXPECT_EQ(decode_bulk_header(bytes.first(79), 100, decoded), Errc::corrupt_data);
}

}  // namespace
}  // namespace ringray::transport
