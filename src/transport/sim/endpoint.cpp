#include "ringray/transport/sim/endpoint.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "ringray/base/check.hpp"
#include "ringray/transport/packet.hpp"

namespace ringray::transport::sim {
namespace {

constexpr std::size_t packet_bytes_usual = 8128;  // as over UCX

}  // namespace

Endpoint::~Endpoint() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

// A link that is broken is one that this rank was told about, or told itself about by drop().
bool Endpoint::is_lost(Rank rank) const {
  const auto* link = network_.find_link(rank_, rank);
  return link != nullptr && link->loss_told;
}

void Endpoint::send(Rank target, Envelope envelope, View payload) {
  RINGRAY_ASSERT(target.value < size() && payload.size() <= payload_bytes_max);
  if (!alive_) return;
  auto& link = network_.link(rank_, target);
  if (link.loss_told) return;
  const auto bytes = record_bytes(payload.size());
  if (!link.open.empty() && link.open.size() + bytes > packet_bytes_usual) post(link, target);
  auto& packet = link.open;
  if (packet.empty()) {
    packet = network_.take_packet();
    const PacketHeader header{network_.key_, rank_, link.sequence_sent++};
    packet.resize(sizeof header);
    std::memcpy(packet.data(), &header, sizeof header);
    if (!std::exchange(link.dirty, true)) dirty_.push_back(target);
  }
  envelope.source = rank_;
  envelope.payload_bytes = payload.size();
  const auto used = packet.size();
  packet.resize(used + bytes);
  write_record(packet.data() + used, envelope, payload);
  ++counters_.envelopes_sent;
  if (packet.size() + sizeof(Envelope) > packet_bytes_usual) post(link, target);
}

void Endpoint::flush() {
  for (const auto target : std::exchange(dirty_, {})) {
    auto& link = network_.link(rank_, target);
    link.dirty = false;
    if (!link.open.empty()) post(link, target);
  }
}

void Endpoint::post(Network::Link& link, Rank target) {
  ++counters_.packets_sent;
  counters_.bytes_sent += link.open.size();
  Network::Delivery delivery{.source = rank_, .target = target, .packet = std::exchange(link.open, {})};
  network_.transmit(link, std::move(delivery));
}

void Endpoint::send_bulk(Rank target, Envelope envelope, Lease bytes) {
  RINGRAY_ASSERT(target.value < size() && bytes.size() > 0);
  if (!alive_) return;
  auto& link = network_.link(rank_, target);
  if (link.loss_told) return;
  envelope.source = rank_;
  envelope.payload_bytes = bytes.size();
  ++counters_.envelopes_sent;
  ++counters_.packets_sent;
  counters_.bytes_sent += sizeof(BulkHeader) + bytes.size();
  network_.transmit(link, {.what = Network::Delivery::What::bulk,
                           .source = rank_,
                           .target = target,
                           .envelope = envelope,
                           .bytes = std::move(bytes)});
}

void Endpoint::arrive(std::uint32_t slot) {
  inbox_.push_back(slot);
  if (!std::exchange(armed_, false)) return;
  const std::uint64_t one = 1;
  const auto written = ::write(descriptor_, &one, sizeof one);
  RINGRAY_ASSERT(written == sizeof one);
}

bool Endpoint::progress(Receiver& receiver) {
  RINGRAY_ASSERT(!in_progress_, "progress() called from a callback");
  if (!alive_) return false;
  if (network_.pace_ == Pace::by_progress && inbox_.empty()) network_.step();
  if (inbox_.empty()) return false;
  in_progress_ = true;
  const auto arrived = std::exchange(inbox_, {});
  for (const auto slot : arrived) {
    auto delivery = std::exchange(network_.deliveries_[slot], {});  // callbacks may make the vector grow
    if (alive_) deliver(receiver, delivery);
    network_.deliveries_[slot].packet = std::move(delivery.packet);
    network_.release(slot);
  }
  in_progress_ = false;
  return true;
}

void Endpoint::deliver(Receiver& receiver, const Network::Delivery& delivery) {
  using What = Network::Delivery::What;
  switch (delivery.what) {
    case What::loss:
      return lose(receiver, delivery.source, Errc::rank_died);
    case What::packet:
      return deliver_packet(receiver, delivery.packet);
    case What::bulk: {
      if (is_lost(delivery.source)) return;
      ++counters_.packets_received;
      ++counters_.envelopes_received;
      counters_.bytes_received += sizeof(BulkHeader) + delivery.bytes.size();
      const auto target = receiver.on_bulk_begin(delivery.envelope);
      if (target.empty()) return;
      RINGRAY_ASSERT(target.size() >= delivery.bytes.size(), "on_bulk_begin gave too little room");
      std::memcpy(target.data(), delivery.bytes.view().data(), delivery.bytes.size());
      return receiver.on_bulk(delivery.envelope, Errc::none);
    }
  }
}

void Endpoint::deliver_packet(Receiver& receiver, wire::View packet) {
  PacketHeader header;
  if (!read_packet_header(packet, header)) {
    ++counters_.corrupt_packets;
    return;
  }
  if (header.key != network_.key_) {
    ++counters_.strangers_refused;
    return;
  }
  if (header.source.value >= size()) {
    ++counters_.corrupt_packets;
    return;
  }
  if (is_lost(header.source)) return;
  auto& link = network_.link(header.source, rank_);
  Errc error = Errc::corrupt_data;
  if (header.sequence == link.sequence_received) {
    ++link.sequence_received;
    ++counters_.packets_received;
    counters_.bytes_received += packet.size();
    error = decode_packet(packet, [&](const Envelope& envelope, View payload) {
      ++counters_.envelopes_received;
      receiver.on_message(envelope, payload);
      return alive_ && !is_lost(header.source);
    });
  }
  if (error == Errc::none) return;
  ++counters_.corrupt_packets;
  lose(receiver, header.source, error);
}

void Endpoint::lose(Receiver& receiver, Rank rank, Errc reason) {
  if (is_lost(rank)) return;
  drop(rank);
  receiver.on_peer_lost(rank, reason);
}

void Endpoint::drop(Rank rank) {
  RINGRAY_ASSERT(rank.value < size() && rank != rank_);
  auto& link = network_.link(rank_, rank);
  link.loss_told = true;
  link.open.clear();
}

int Endpoint::descriptor() const noexcept {
  if (descriptor_ < 0) {
    descriptor_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    RINGRAY_ASSERT(descriptor_ >= 0, "eventfd failed");
  }
  return descriptor_;
}

bool Endpoint::arm() {
  if (!inbox_.empty()) return false;
  std::uint64_t events = 0;
  if (::read(descriptor(), &events, sizeof events) != sizeof events) RINGRAY_ASSERT(errno == EAGAIN);
  armed_ = true;
  return true;
}

}  // namespace ringray::transport::sim
