#include "ringray/transport/ucx/ucx_transport.hpp"

#include <spdlog/spdlog.h>

#include "ringray/base/check.hpp"
#include "ringray/transport/ucx/ucx.hpp"

namespace ringray::transport::ucx {

Port::Port(std::unique_ptr<Worker> worker) : worker_(std::move(worker)) {}
Port::Port(Port&&) noexcept = default;
Port& Port::operator=(Port&&) noexcept = default;
Port::~Port() = default;
Result<Port> Port::open() {
  return Worker::open().map([](std::unique_ptr<Worker>&& worker) { return Port(std::move(worker)); });
}
const std::vector<std::byte>& Port::address() const noexcept { return worker_->address(); }
std::unique_ptr<Transport> Port::join(Roster roster) && {
  return std::make_unique<UcxTransport>(std::move(worker_), std::move(roster));
}

UcxTransport::UcxTransport(std::unique_ptr<Worker> worker, Roster roster)
    : worker_(std::move(worker)),
      roster_(std::move(roster)),
      wakeup_(worker_->descriptor(), watch_.descriptor()),
      peers_(roster_.addresses.size()) {
  RINGRAY_ASSERT(roster_.self.value < peers_.size());
  for (std::uint32_t rank = 0; rank < peers_.size(); ++rank) {
    peers_[rank].transport = this;
    peers_[rank].rank = rank;
    peers_[rank].shown = {roster_.key, roster_.self, rank};
    if (rank < roster_.process_ids.size()) peers_[rank].process_id = roster_.process_ids[rank];
  }
  ucp_am_handler_param_t handler{};
  handler.field_mask = UCP_AM_HANDLER_PARAM_FIELD_ID | UCP_AM_HANDLER_PARAM_FIELD_FLAGS |
                       UCP_AM_HANDLER_PARAM_FIELD_CB | UCP_AM_HANDLER_PARAM_FIELD_ARG;
  handler.flags = UCP_AM_FLAG_WHOLE_MSG;
  handler.arg = this;
  const auto handle = [&](MessageId id, ucp_am_recv_callback_t callback) {
    handler.id = id;
    handler.cb = callback;
    const auto status = ucp_worker_set_am_recv_handler(worker_->get(), &handler);
    RINGRAY_ASSERT(status == UCS_OK, describe("ucp_worker_set_am_recv_handler", status));
  };
  handle(packet_message, &arrived<&UcxTransport::on_packet>);
  handle(bulk_message, &bulk_arrived);
  handle(offer_message, &arrived<&UcxTransport::on_offer>);
  handle(answer_message, &arrived<&UcxTransport::on_answer>);
}

UcxTransport::~UcxTransport() { close(); }

void UcxTransport::send(Rank target, Envelope envelope, View payload) {
  RINGRAY_ASSERT(target.value < peers_.size() && payload.size() <= payload_bytes_max);
  auto& peer = peers_[target.value];
  const auto bytes = record_bytes(payload.size());
  if (peer.open == nullptr || !peer.open->has_room(bytes)) {
    if (peer.lost) return;
    open_buffer(peer, bytes);
    if (peer.lost) return;
  }
  envelope.source = roster_.self;
  envelope.payload_bytes = payload.size();
  auto* buffer = peer.open;
  write_record(buffer->bytes() + buffer->used, envelope, payload);
  buffer->used += static_cast<std::uint32_t>(bytes);
  ++counters_.envelopes_sent;
  if (!buffer->has_room(sizeof(Envelope))) post(peer);
}

void UcxTransport::open_buffer(Peer& peer, std::size_t bytes) {
  if (peer.open != nullptr) post(peer);
  if (peer.lost) return;
  peer.open = buffers_.take(sizeof(PacketHeader) + bytes);
  const PacketHeader header{roster_.key, roster_.self, peer.sequence_sent++};
  std::memcpy(peer.open->bytes(), &header, sizeof header);
  peer.open->used = sizeof header;
  if (!std::exchange(peer.dirty, true)) dirty_.push_back(peer.rank.value);
}

void UcxTransport::flush() {
  // post() may lose the peer but never makes another one dirty.
  for (const auto rank : dirty_) {
    auto& peer = peers_[rank];
    peer.dirty = false;
    if (peer.open != nullptr) post(peer);
  }
  dirty_.clear();
}

void UcxTransport::post(Peer& peer) {
  auto* buffer = std::exchange(peer.open, nullptr);
  ++counters_.packets_sent;
  counters_.bytes_sent += buffer->used;
  if (peer.rank == roster_.self) return self_packets_.push_back(buffer);
  if (peer.endpoint == nullptr && !connect(peer)) return buffers_.give(buffer);
  post_buffer(peer, packet_message, buffer);
}

void UcxTransport::post_note(Peer& peer, MessageId id, View note) {
  auto* buffer = buffers_.take(note.size());
  std::memcpy(buffer->bytes(), note.data(), note.size());
  buffer->used = static_cast<std::uint32_t>(note.size());
  post_buffer(peer, id, buffer);
}

void UcxTransport::post_buffer(Peer& peer, MessageId id, Buffer* buffer) {
  buffer->owner = this;
  ucp_request_param_t param;
  param.op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK | UCP_OP_ATTR_FIELD_USER_DATA | UCP_OP_ATTR_FIELD_FLAGS;
  param.flags = UCP_AM_SEND_FLAG_EAGER;  // rendezvous would let later packets overtake
  param.cb.send = &packet_left;
  param.user_data = buffer;
  const auto request = ucp_am_send_nbx(peer.endpoint, id, nullptr, 0, buffer->bytes(), buffer->used, &param);
  if (request == nullptr) return buffers_.give(buffer);
  if (UCS_PTR_IS_ERR(request)) {
    buffers_.give(buffer);
    lose(peer, error_of(UCS_PTR_STATUS(request)));
  }
}

// Endpoint_failed tells about a failed status, once per peer.
void UcxTransport::packet_left(void* request, ucs_status_t, void* user) {
  auto* buffer = static_cast<Buffer*>(user);
  static_cast<UcxTransport*>(buffer->owner)->buffers_.give(buffer);
  ucp_request_free(request);
}

void UcxTransport::on_packet(View packet) {
  if (receiver_ == nullptr) return;  // closing
  PacketHeader header;
  if (!read_packet_header(packet, header)) return corrupt(Rank{}, "a packet without a header");
  if (is_stranger(header)) return;
  if (header.source.value >= peers_.size()) return corrupt(Rank{}, "a packet from a rank that does not exist");
  auto& peer = peers_[header.source.value];
  if (peer.lost) return;
  if (header.sequence != peer.sequence_received) return corrupt(header.source, "a packet out of order");
  ++peer.sequence_received;
  ++counters_.packets_received;
  counters_.bytes_received += packet.size();
  const auto error = decode_packet(packet, [&](const Envelope& envelope, View payload) {
    ++counters_.envelopes_received;
    receiver_->on_message(envelope, payload);
    return !peer.lost;  // on_message may have dropped it
  });
  if (error != Errc::none) corrupt(header.source, "a packet that does not decode");
}

bool UcxTransport::is_stranger(const PacketHeader& header) {
  if (header.key == roster_.key) return false;
  ++counters_.strangers_refused;
  constexpr std::size_t logged_max = 1024;
  if (strangers_.size() < logged_max && strangers_.insert(header.source.value).second)
    spdlog::warn(
        "rank {} refused a message that does not carry this job's key (it says it is from rank {}); another "
        "job uses an address of this one",
        roster_.self.value, header.source.value);
  return true;
}

void UcxTransport::corrupt(Rank source, const char* what) {
  ++counters_.corrupt_packets;
  spdlog::error("rank {} received {} (from rank {})", roster_.self.value, what,
                source.valid() ? std::to_string(source.value) : "unknown");
  // A hole in an ordered stream cannot be mended.
  if (source.valid()) lose(peers_[source.value], Errc::corrupt_data);
}

bool UcxTransport::progress(Receiver& receiver) {
  RINGRAY_ASSERT(receiver_ == nullptr, "progress() called from a callback");
  receiver_ = &receiver;
  bool moved = ucp_worker_progress(worker_->get()) != 0;
  if ((++polls_ & 1023) == 0 || std::exchange(armed_, false)) look_at_watch();
  if (!self_packets_.empty() || !self_bulks_.empty()) moved |= deliver_to_self(receiver);
  if (!readings_.empty()) moved |= read_on(receiver);
  if (!losses_.empty()) moved |= report_losses(receiver);
  if (!doomed_.empty()) close_doomed();  // ends transfers, which the receiver is told
  receiver_ = nullptr;
  return moved;
}

bool UcxTransport::deliver_to_self(Receiver& receiver) {
  const auto bulks = std::exchange(self_bulks_, {});  // what callbacks send waits for the next progress()
  auto packets = std::exchange(self_packets_, {});
  for (auto* buffer : packets) {
    on_packet(buffer->view());
    buffers_.give(buffer);
  }
  for (const auto& bulk : bulks) {
    ++counters_.envelopes_received;
    const auto target = receiver.on_bulk_begin(bulk.envelope);
    if (target.empty()) continue;
    RINGRAY_ASSERT(target.size() >= bulk.bytes.size());
    std::memcpy(target.data(), bulk.bytes.view().data(), bulk.bytes.size());
    receiver.on_bulk(bulk.envelope, Errc::none);
  }
  if (self_packets_.empty()) {
    packets.clear();
    self_packets_ = std::move(packets);  // keeps the capacity
  }
  return true;
}

bool UcxTransport::arm() {
  if (!self_packets_.empty() || !self_bulks_.empty() || !readings_.empty() || !losses_.empty()) return false;
  const auto status = ucp_worker_arm(worker_->get());
  if (status == UCS_OK) return armed_ = true;
  RINGRAY_ASSERT(status == UCS_ERR_BUSY, describe("ucp_worker_arm", status));
  return false;
}

}  // namespace ringray::transport::ucx
