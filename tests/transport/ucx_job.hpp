#pragma once
// A rank of the conformance tests on UCX, however it was started.

#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

#include "conformance.hpp"
#include "ringray/transport/bootstrap/introduction.hpp"
#include "ringray/transport/ucx/ucx.hpp"
#include "ringray/transport/ucx/worker.hpp"

namespace ringray::transport::conformance {

class UcxJob final : public Job {
 public:
  explicit UcxJob(
      Bootstrap& bootstrap, void (*change)(Roster&) = [](Roster&) {}) {
    auto port = ucx::Port::open();
    if (!port) throw std::runtime_error(port.error().text);
    auto company = introduce(bootstrap, port->address());
    if (!company) throw std::runtime_error(company.error().text);
    roster_ = company->roster;
    change(roster_);
    transport_ = std::move(*port).join(roster_);
  }
  Transport& transport() override { return *transport_; }
  bool progress(Receiver& receiver) override {
    const bool moved = transport_->progress(receiver);
    if (!moved) ::sched_yield();
    return moved;
  }
  void sleep() override {
    pollfd entry{transport_->descriptor(), POLLIN, 0};
    ::poll(&entry, 1, 20'000);
  }
  void die() override {
    ::kill(::getpid(), SIGKILL);
    std::abort();
  }
  void close() override { transport_.reset(); }
  std::uint64_t key() override { return roster_.key; }
  void inject(Rank target, View packet) override {
    auto worker = ucx::Worker::open();
    if (!worker) throw std::runtime_error(worker.error().text);
    ucp_ep_params_t params{};
    params.field_mask = UCP_EP_PARAM_FIELD_REMOTE_ADDRESS;
    params.address = reinterpret_cast<const ucp_address_t*>(roster_.addresses[target.value].data());
    ucp_ep_h endpoint = nullptr;
    if (ucp_ep_create((*worker)->get(), &params, &endpoint) != UCS_OK) throw std::runtime_error("ucp_ep_create");
    ucp_request_param_t none{};
    wait(**worker, ucp_am_send_nbx(endpoint, 1, nullptr, 0, packet.data(), packet.size(), &none));
    wait(**worker, ucp_ep_close_nbx(endpoint, &none));
  }

 private:
  static void wait(ucx::Worker& worker, void* request) {
    if (UCS_PTR_IS_ERR(request)) throw std::runtime_error(ucs_status_string(UCS_PTR_STATUS(request)));
    if (request == nullptr) return;
    while (ucp_request_check_status(request) == UCS_INPROGRESS) ucp_worker_progress(worker.get());
    ucp_request_free(request);
  }
  Roster roster_;
  std::unique_ptr<Transport> transport_;
};

}  // namespace ringray::transport::conformance
