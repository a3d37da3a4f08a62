#pragma once
// Raw UCX active messages, as one would write them by hand: a baseline. One thread.

#include <ucp/api/ucp.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "ringray/wire/envelope.hpp"

namespace perf {

using ringray::wire::Envelope;

constexpr std::size_t payload_bytes = 8;

inline void require(ucs_status_t status, const char* call) {
  if (status == UCS_OK) return;
  std::fprintf(stderr, "%s: %s\n", call, ucs_status_string(status));
  std::exit(1);
}

/// What both sides of the comparison can do. `expect` waits until so many messages or transfers came in all.
class Side {
 public:
  virtual ~Side() = default;
  virtual void send() = 0;  ///< one message of payload_bytes
  virtual void flush() = 0;
  virtual void send_bulk(std::size_t bytes) = 0;
  virtual void progress() = 0;
  void expect_messages(std::size_t more) {
    for (messages_expected += more; messages < messages_expected;) progress();
  }
  void expect_bulks(std::size_t more) {
    for (bulks_expected += more; bulks < bulks_expected;) progress();
  }
  std::vector<std::byte> source, target;  ///< memory of bulk transfers
  std::size_t messages = 0, messages_expected = 0;
  std::uint64_t sum = 0;  ///< of what was read
  std::size_t bulks = 0, bulks_expected = 0;
};

/// One active message per message, as one would write it by hand.
class RawUcx final : public Side {
 public:
  RawUcx() {
    ucp_params_t params{};
    params.field_mask = UCP_PARAM_FIELD_FEATURES;
    params.features = UCP_FEATURE_AM;
    require(ucp_init(&params, nullptr, &context_), "ucp_init");
    ucp_worker_params_t worker_params{};
    require(ucp_worker_create(context_, &worker_params, &worker_), "ucp_worker_create");
    ucp_am_handler_param_t handler{};
    handler.field_mask = UCP_AM_HANDLER_PARAM_FIELD_ID | UCP_AM_HANDLER_PARAM_FIELD_CB | UCP_AM_HANDLER_PARAM_FIELD_ARG;
    handler.arg = this;
    handler.id = 1;
    handler.cb = [](void* user, const void*, size_t, void* data, size_t, const ucp_am_recv_param_t*) {
      auto* self = static_cast<RawUcx*>(user);
      Envelope envelope;
      std::memcpy(&envelope, data, sizeof envelope);
      self->sum += envelope.correlation;
      ++self->messages;
      return UCS_OK;
    };
    require(ucp_worker_set_am_recv_handler(worker_, &handler), "ucp_worker_set_am_recv_handler");
    handler.id = 2;
    handler.cb = &bulk_arrived;
    require(ucp_worker_set_am_recv_handler(worker_, &handler), "ucp_worker_set_am_recv_handler");
  }
  ~RawUcx() override {
    ucp_request_param_t param{};
    wait(ucp_ep_close_nbx(endpoint_, &param));
    ucp_worker_destroy(worker_);
    ucp_cleanup(context_);
  }
  std::vector<std::byte> address() {
    ucp_address_t* address = nullptr;
    std::size_t bytes = 0;
    require(ucp_worker_get_address(worker_, &address, &bytes), "ucp_worker_get_address");
    const auto* begin = reinterpret_cast<const std::byte*>(address);
    std::vector<std::byte> copy(begin, begin + bytes);
    ucp_worker_release_address(worker_, address);
    return copy;
  }
  void connect(const std::vector<std::byte>& address) {
    ucp_ep_params_t params{};
    params.field_mask = UCP_EP_PARAM_FIELD_REMOTE_ADDRESS;
    params.address = reinterpret_cast<const ucp_address_t*>(address.data());
    require(ucp_ep_create(worker_, &params, &endpoint_), "ucp_ep_create");
  }
  void send() override {
    const Envelope envelope{.correlation = messages, .kind = ringray::wire::Kind::call};
    std::memcpy(message_, &envelope, sizeof envelope);
    std::memcpy(message_ + sizeof envelope, payload_, sizeof payload_);
    post(1, message_, sizeof message_);
  }
  void flush() override {}
  void send_bulk(std::size_t bytes) override { post(2, source.data(), bytes); }
  void progress() override { ucp_worker_progress(worker_); }

 private:
  void post(unsigned id, const void* data, std::size_t bytes) {
    ucp_request_param_t param;
    param.op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK;
    param.cb.send = [](void* request, ucs_status_t, void*) { ucp_request_free(request); };
    const auto request = ucp_am_send_nbx(endpoint_, id, nullptr, 0, data, bytes, &param);
    if (UCS_PTR_IS_ERR(request)) require(UCS_PTR_STATUS(request), "ucp_am_send_nbx");
  }
  static ucs_status_t bulk_arrived(void* user, const void*, size_t, void* data, size_t bytes,
                                   const ucp_am_recv_param_t* param) {
    auto* self = static_cast<RawUcx*>(user);
    if ((param->recv_attr & UCP_AM_RECV_ATTR_FLAG_RNDV) == 0) {
      std::memcpy(self->target.data(), data, bytes);
      ++self->bulks;
      return UCS_OK;
    }
    ucp_request_param_t receive{};
    receive.op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK | UCP_OP_ATTR_FIELD_USER_DATA;
    receive.user_data = self;
    receive.cb.recv_am = [](void* request, ucs_status_t, size_t, void* raw) {
      ++static_cast<RawUcx*>(raw)->bulks;
      ucp_request_free(request);
    };
    const auto request = ucp_am_recv_data_nbx(self->worker_, data, self->target.data(), bytes, &receive);
    if (UCS_PTR_IS_ERR(request)) require(UCS_PTR_STATUS(request), "ucp_am_recv_data_nbx");
    if (request == nullptr) ++self->bulks;
    return UCS_INPROGRESS;
  }
  void wait(void* request) {
    if (!UCS_PTR_IS_PTR(request)) return;
    while (ucp_request_check_status(request) == UCS_INPROGRESS) ucp_worker_progress(worker_);
    ucp_request_free(request);
  }
  ucp_context_h context_ = nullptr;
  ucp_worker_h worker_ = nullptr;
  ucp_ep_h endpoint_ = nullptr;
  std::byte message_[sizeof(Envelope) + payload_bytes] = {};
  std::byte payload_[payload_bytes] = {};
};

}  // namespace perf
