#pragma once
// What one packet of ordered messages looks like on the wire: a header, then records of envelope and payload, each
// record padded to 8 bytes. Written as it lies in memory; see wire/envelope.hpp.
//
//   | key 8 | source 4 | sequence 4 | Envelope 64 | payload, padded to 8 | Envelope 64 | ...
//
// The key is in every packet because a network gives no connection to hang it on: UCX does not tell a receiver which
// endpoint an active message came from. 16 bytes of header leave room for an 8 byte payload in the 100 bytes that
// shared memory sends inline.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "ringray/base/errors.hpp"
#include "ringray/wire/bytes.hpp"
#include "ringray/wire/envelope.hpp"

namespace ringray::transport {

struct PacketHeader {
  std::uint64_t key = 0;       ///< of the job; a packet with another key is a stranger's
  Rank source;                 ///< who sent it
  std::uint32_t sequence = 0;  ///< counts the packets of one sender to one receiver from 0; a hole is damage
};
static_assert(sizeof(PacketHeader) == 16 && std::has_unique_object_representations_v<PacketHeader>);

/// Header of a bulk transfer: the bytes themselves travel apart.
struct BulkHeader {
  PacketHeader packet;
  wire::Envelope envelope;
};
static_assert(sizeof(BulkHeader) == 80 && std::has_unique_object_representations_v<BulkHeader>);

constexpr std::size_t padded(std::size_t bytes) noexcept { return (bytes + 7) & ~std::size_t{7}; }
constexpr std::size_t record_bytes(std::size_t payload) noexcept { return sizeof(wire::Envelope) + padded(payload); }

/// Appends one record at `out`, which has room for it, and returns its end.
inline std::byte* write_record(std::byte* out, const wire::Envelope& envelope, wire::View payload) noexcept {
  std::memcpy(out, &envelope, sizeof envelope);
  out += sizeof envelope;
  const auto whole = padded(payload.size());
  if (whole != 0) {
    std::memset(out + whole - 8, 0, 8);  // no stray memory goes on the wire
    std::memcpy(out, payload.data(), payload.size());
  }
  return out + whole;
}

/// Reads the header of a packet. False: too short to have one.
inline bool read_packet_header(wire::View packet, PacketHeader& header) noexcept {
  if (packet.size() < sizeof header) return false;
  std::memcpy(&header, packet.data(), sizeof header);
  return true;
}

/// Calls `visit(const Envelope&, View payload)`, which returns whether to go on, for each record. `corrupt_data` when
/// the bytes are not a packet from `header.source`; records before the damage were visited. Pure; reads nothing
/// outside `packet`, whatever it contains.
template <class Visit>
Errc decode_packet(wire::View packet, Visit&& visit) {
  PacketHeader header;
  if (!read_packet_header(packet, header)) return Errc::corrupt_data;
  auto rest = packet.subspan(sizeof header);
  if (rest.empty()) return Errc::corrupt_data;
  while (!rest.empty()) {
    wire::Envelope envelope;
    if (rest.size() < sizeof envelope) return Errc::corrupt_data;
    std::memcpy(&envelope, rest.data(), sizeof envelope);
    rest = rest.subspan(sizeof envelope);
    if (envelope.payload_bytes > rest.size() || padded(envelope.payload_bytes) > rest.size() ||
        envelope.source != header.source || envelope.kind >= wire::Kind::count)
      return Errc::corrupt_data;
    if (!visit(static_cast<const wire::Envelope&>(envelope), rest.first(envelope.payload_bytes))) return Errc::none;
    rest = rest.subspan(padded(envelope.payload_bytes));
  }
  return Errc::none;
}

/// Whether the parts of a bulk transfer's header belong together.
inline bool is_whole(const BulkHeader& header) noexcept {
  const auto& envelope = header.envelope;
  return envelope.payload_bytes != 0 && envelope.source == header.packet.source && envelope.kind < wire::Kind::count;
}

/// Reads the header of a bulk transfer of `bytes` bytes. `corrupt_data` when they do not belong together.
inline Errc decode_bulk_header(wire::View bytes, std::size_t payload_bytes, BulkHeader& header) noexcept {
  if (bytes.size() != sizeof header) return Errc::corrupt_data;
  std::memcpy(&header, bytes.data(), sizeof header);
  return is_whole(header) && header.envelope.payload_bytes == payload_bytes ? Errc::none : Errc::corrupt_data;
}

}  // namespace ringray::transport
