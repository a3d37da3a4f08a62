#pragma once
// The production transport: UCX active messages. A Port is opened first, because its address has to travel through
// the bootstrap before the peers are known.

#include <memory>
#include <vector>

#include "ringray/base/result.hpp"
#include "ringray/transport/roster.hpp"
#include "ringray/transport/transport.hpp"

namespace ringray::transport::ucx {

class Worker;

/// UCX catches fatal signals when it is loaded, and prints a backtrace of its own: that of MPI, which leaves alone what
/// somebody catches already, comes instead when this was called before MPI_Init. Handlers of others stay.
void give_signals_back();

/// This rank's UCX worker, not yet connected to anybody. One thread.
class Port {
 public:
  /// `UCX_*` environment variables override what Ringray chooses.
  static Result<Port> open();
  Port(Port&&) noexcept;
  Port& operator=(Port&&) noexcept;
  ~Port();
  /// What the other ranks need to reach this port.
  const std::vector<std::byte>& address() const noexcept;
  /// The transport of the job. Endpoints are made when first used.
  std::unique_ptr<Transport> join(Roster roster) &&;

 private:
  explicit Port(std::unique_ptr<Worker> worker);
  std::unique_ptr<Worker> worker_;
};

}  // namespace ringray::transport::ucx
