// Endpoints: made when first used, closed by force when the peer died, closed with a bounded wait at the end.

#include <spdlog/spdlog.h>

#include "ringray/base/check.hpp"
#include "ringray/base/time.hpp"
#include "ringray/transport/ucx/ucx_transport.hpp"

namespace ringray::transport::ucx {
namespace {

constexpr base::Nanoseconds flush_ns_max = std::chrono::seconds(1);  // for peers that do not take what was sent
constexpr base::Nanoseconds close_ns_max = std::chrono::seconds(1);  // UCX needs microseconds

}  // namespace

bool UcxTransport::connect(Peer& peer) {
  ucp_ep_params_t params{};
  params.field_mask =
      UCP_EP_PARAM_FIELD_REMOTE_ADDRESS | UCP_EP_PARAM_FIELD_ERR_HANDLING_MODE | UCP_EP_PARAM_FIELD_ERR_HANDLER;
  params.address = reinterpret_cast<const ucp_address_t*>(roster_.addresses[peer.rank.value].data());
  params.err_mode = UCP_ERR_HANDLING_MODE_PEER;
  params.err_handler = {&endpoint_failed, &peer};
  const auto status = ucp_ep_create(worker_->get(), &params, &peer.endpoint);
  if (status == UCS_OK) {
    ++counters_.endpoints;
    if (peer.process_id == 0 || watch_.add(peer.rank, peer.process_id)) return true;
    lose(peer, Errc::rank_died);
    return false;
  }
  peer.endpoint = nullptr;
  spdlog::error("rank {} cannot reach rank {} ({})", roster_.self.value, peer.rank.value,
                describe("ucp_ep_create", status));
  lose(peer, error_of(status));
  return false;
}

// Called by UCX inside progress. The endpoint is closed later: UCX still uses it when this returns.
void UcxTransport::endpoint_failed(void* user, ucp_ep_h, ucs_status_t status) {
  auto& peer = *static_cast<Peer*>(user);
  peer.transport->lose(peer, error_of(status));
}

void UcxTransport::lose(Peer& peer, Errc reason) {
  if (peer.lost) return;
  drop(peer.rank);
  losses_.push_back({peer.rank, reason});
}

void UcxTransport::drop(Rank rank) {
  RINGRAY_ASSERT(rank.value < peers_.size() && rank != roster_.self);
  auto& peer = peers_[rank.value];
  if (std::exchange(peer.lost, true)) return;
  if (peer.open != nullptr) buffers_.give(std::exchange(peer.open, nullptr));
  drop_offers(peer);
  if (peer.endpoint == nullptr) return;
  watch_.remove(rank);
  --counters_.endpoints;
  doomed_.push_back(std::exchange(peer.endpoint, nullptr));
}

// Asks the kernel at most every 10 ms while the network is polled without pause, and after each sleep.
void UcxTransport::look_at_watch() {
  const auto now = base::cycles();
  if ((polls_ & 1023) == 0 && now < watch_next_cycles_) return;
  watch_next_cycles_ = now + static_cast<std::uint64_t>(base::cycles_per_microsecond() * 10'000);
  for (const auto rank : watch_.ended()) lose(peers_[rank.value], Errc::rank_died);
}

bool UcxTransport::report_losses(Receiver& receiver) {
  for (std::size_t i = 0; i < losses_.size(); ++i) {  // callbacks may add
    const auto loss = losses_[i];
    receiver.on_peer_lost(loss.rank, loss.reason);
  }
  losses_.clear();
  return true;
}

void UcxTransport::close_doomed() {
  for (auto* endpoint : std::exchange(doomed_, {})) start_closing(endpoint, UCP_EP_CLOSE_FLAG_FORCE);
}

void UcxTransport::start_closing(ucp_ep_h endpoint, unsigned flags) {
  ucp_request_param_t param{};
  param.op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK | UCP_OP_ATTR_FIELD_USER_DATA | UCP_OP_ATTR_FIELD_FLAGS;
  param.flags = flags;
  param.cb.send = &endpoint_closed;
  param.user_data = this;
  const auto request = ucp_ep_close_nbx(endpoint, &param);
  if (UCS_PTR_IS_ERR(request))
    spdlog::debug("rank {}: {}", roster_.self.value, describe("ucp_ep_close_nbx", UCS_PTR_STATUS(request)));
  else if (request != nullptr)
    close_requests_.push_back(request);
}

void UcxTransport::endpoint_closed(void* request, ucs_status_t, void* self) {
  std::erase(static_cast<UcxTransport*>(self)->close_requests_, request);
  ucp_request_free(request);
}

void UcxTransport::start_flushing(Peer& peer) {
  ucp_request_param_t param{};
  param.op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK | UCP_OP_ATTR_FIELD_USER_DATA;
  param.cb.send = &endpoint_flushed;
  param.user_data = &peer;
  const auto request = ucp_ep_flush_nbx(peer.endpoint, &param);
  peer.flushed = request == nullptr;
  if (UCS_PTR_IS_PTR(request)) ++flushing_;
}

void UcxTransport::endpoint_flushed(void* request, ucs_status_t status, void* user) {
  auto& peer = *static_cast<Peer*>(user);
  peer.flushed = status == UCS_OK;
  --peer.transport->flushing_;
  ucp_request_free(request);
}

bool UcxTransport::progress_until_idle(base::Nanoseconds limit) {
  const auto deadline = base::now() + limit;
  for (;;) {
    if (!doomed_.empty()) close_doomed();
    if (flushing_ == 0 && close_requests_.empty() && bulks_ == 0 && offered_.empty() &&
        buffers_.taken() == self_packets_.size())
      return true;
    if (base::now() > deadline) return false;
    ucp_worker_progress(worker_->get());
    if ((++polls_ & 1023) == 0) look_at_watch();
  }
}

// Everything that was sent leaves first, then the endpoints go: quietly where the peer took it all, else by force.
// No answer of a peer is needed, so ranks may close in any order.
void UcxTransport::close() {
  stop_reading();
  flush();
  for (auto& peer : peers_)
    if (peer.endpoint != nullptr) start_flushing(peer);
  progress_until_idle(flush_ns_max);
  for (auto& peer : peers_) {
    peer.shown.revoke();
    if (peer.endpoint == nullptr) continue;
    peer.lost = true;
    start_closing(std::exchange(peer.endpoint, nullptr), peer.flushed ? 0 : UCP_EP_CLOSE_FLAG_FORCE);
  }
  offered_.clear();
  if (!progress_until_idle(close_ns_max))
    spdlog::warn("rank {} leaves {} endpoints, {} packets and {} bulk transfers unfinished", roster_.self.value,
                 close_requests_.size(), buffers_.taken() - self_packets_.size(), bulks_);
  for (auto* request : std::exchange(close_requests_, {})) ucp_request_free(request);  // else UCX aborts the process
  for (auto* buffer : std::exchange(self_packets_, {})) buffers_.give(buffer);
  worker_.reset();  // before the buffers that UCX may still read
}

}  // namespace ringray::transport::ucx
