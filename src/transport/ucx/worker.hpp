#pragma once
// RAII over the UCX context and worker.

#include <ucp/api/ucp.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "ringray/base/result.hpp"

namespace ringray::transport::ucx {

/// What a failed UCX call means to a sender or receiver.
Errc error_of(ucs_status_t status) noexcept;
/// "ucp_init: Out of memory".
std::string describe(const char* call, ucs_status_t status);

/// Context and worker. Baton holder only.
class Worker {
 public:
  static Result<std::unique_ptr<Worker>> open();
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ucp_worker_h get() const noexcept { return worker_; }
  int descriptor() const noexcept { return descriptor_; }
  const std::vector<std::byte>& address() const noexcept { return address_; }
  /// UCX_TLS allows that a process of this host reads another one's memory.
  bool reads_memory() const noexcept { return reads_memory_; }

 private:
  Worker() = default;
  Result<void> start();
  ucp_context_h context_ = nullptr;
  ucp_worker_h worker_ = nullptr;
  int descriptor_ = -1;
  bool reads_memory_ = false;
  std::vector<std::byte> address_;
};

}  // namespace ringray::transport::ucx
