// Bulk transfers: one active message each; UCX chooses eager or rendezvous. Within a host see single_copy.cpp.

#include <cstring>

#include "ringray/base/check.hpp"
#include "ringray/transport/ucx/ucx_transport.hpp"

namespace ringray::transport::ucx {

/// Keeps header and bytes until UCX has sent them.
struct UcxTransport::BulkSend {
  BulkHeader header;
  Lease bytes;
  UcxTransport* transport;
};

struct UcxTransport::BulkReceive {
  Envelope envelope;
  UcxTransport* transport;
};

void UcxTransport::send_bulk(Rank target, Envelope envelope, Lease bytes) {
  RINGRAY_ASSERT(target.value < peers_.size() && bytes.size() > 0);
  auto& peer = peers_[target.value];
  if (peer.lost) return;
  envelope.source = roster_.self;
  envelope.payload_bytes = bytes.size();
  ++counters_.envelopes_sent;
  if (target == roster_.self) return self_bulks_.push_back({envelope, std::move(bytes)});
  if (peer.endpoint == nullptr && !connect(peer)) return;
  ++counters_.packets_sent;
  counters_.bytes_sent += sizeof(BulkHeader) + bytes.size();
  if (may_offer(peer, bytes.size())) return offer(peer, envelope, std::move(bytes));
  push(peer, envelope, std::move(bytes));
}

void UcxTransport::push(Peer& peer, const Envelope& envelope, Lease bytes) {
  const auto view = bytes.view();
  auto transfer =
      std::make_unique<BulkSend>(BulkSend{{{roster_.key, roster_.self, 0}, envelope}, std::move(bytes), this});
  ucp_request_param_t param{};
  param.op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK | UCP_OP_ATTR_FIELD_USER_DATA;
  param.cb.send = &bulk_left;
  param.user_data = transfer.get();
  const auto request = ucp_am_send_nbx(peer.endpoint, bulk_message, &transfer->header, sizeof transfer->header,
                                       view.data(), view.size(), &param);
  if (request == nullptr) return;
  if (UCS_PTR_IS_ERR(request)) return lose(peer, error_of(UCS_PTR_STATUS(request)));
  ++bulks_;
  transfer.release();
}

// A failed status needs no answer here: endpoint_failed tells about it, once per peer.
void UcxTransport::bulk_left(void* request, ucs_status_t, void* user) {
  const std::unique_ptr<BulkSend> transfer(static_cast<BulkSend*>(user));
  --transfer->transport->bulks_;
  ucp_request_free(request);
}

ucs_status_t UcxTransport::bulk_arrived(void* self, const void* header, size_t header_bytes, void* data, size_t bytes,
                                        const ucp_am_recv_param_t* param) {
  auto& transport = *static_cast<UcxTransport*>(self);
  BulkHeader decoded;
  if (decode_bulk_header({static_cast<const std::byte*>(header), header_bytes}, bytes, decoded) != Errc::none) {
    transport.corrupt(Rank{}, "a bulk transfer that does not decode");
    return UCS_OK;
  }
  return transport.on_bulk(decoded, data, bytes, (param->recv_attr & UCP_AM_RECV_ATTR_FLAG_RNDV) != 0);
}

// UCS_OK without having received the data refuses the transfer: UCX releases it and tells the sender that it is done.
ucs_status_t UcxTransport::on_bulk(const BulkHeader& header, void* data, std::size_t bytes, bool rendezvous) {
  if (receiver_ == nullptr || is_stranger(header.packet)) return UCS_OK;
  if (header.packet.source.value >= peers_.size()) {
    corrupt(Rank{}, "a bulk transfer from a rank that does not exist");
    return UCS_OK;
  }
  if (peers_[header.packet.source.value].lost) return UCS_OK;
  ++counters_.packets_received;
  ++counters_.envelopes_received;
  counters_.bytes_received += sizeof header + bytes;
  const auto target = receiver_->on_bulk_begin(header.envelope);
  if (target.empty()) return UCS_OK;
  RINGRAY_ASSERT(target.size() >= bytes, "on_bulk_begin gave too little room");
  if (!rendezvous) {
    std::memcpy(target.data(), data, bytes);
    receiver_->on_bulk(header.envelope, Errc::none);
    return UCS_OK;
  }
  auto* transfer = new BulkReceive{header.envelope, this};
  ++bulks_;
  ucp_request_param_t param{};
  param.op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK | UCP_OP_ATTR_FIELD_USER_DATA;
  param.cb.recv_am = &bulk_received;
  param.user_data = transfer;
  const auto request = ucp_am_recv_data_nbx(worker_->get(), data, target.data(), bytes, &param);
  if (request == nullptr || UCS_PTR_IS_ERR(request)) end_bulk(transfer, UCS_PTR_STATUS(request));
  return UCS_INPROGRESS;
}

void UcxTransport::bulk_received(void* request, ucs_status_t status, size_t, void* user) {
  auto* transfer = static_cast<BulkReceive*>(user);
  transfer->transport->end_bulk(transfer, status);
  ucp_request_free(request);
}

void UcxTransport::end_bulk(BulkReceive* transfer, ucs_status_t status) {
  const std::unique_ptr<BulkReceive> end(transfer);
  --bulks_;
  if (receiver_ != nullptr) receiver_->on_bulk(transfer->envelope, error_of(status));
}

}  // namespace ringray::transport::ucx
