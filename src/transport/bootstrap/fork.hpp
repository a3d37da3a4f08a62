#pragma once
// Ranks without a launcher: forked from one process that stays their hub. For tests and for machines without MPI; any
// rank can be killed and nobody else notices but by the transport.

#include <cstdint>
#include <functional>
#include <vector>

#include "ringray/base/time.hpp"
#include "ringray/transport/bootstrap/bootstrap.hpp"

namespace ringray::transport {

/// How a forked rank ended.
struct Ending {
  int exit_code = 0;     ///< when signal == 0
  int signal = 0;        ///< that ended it
  bool overdue = false;  ///< killed because time was up
  bool well() const noexcept { return exit_code == 0 && signal == 0 && !overdue; }
};

/// Forks `ranks` processes that run `body` and exit with what it returns, and waits for them, at most `limit` after
/// which they are killed. The caller must have no other thread. An exception in `body` is exit code 1.
std::vector<Ending> run_forked(std::uint32_t ranks, const std::function<int(Bootstrap&)>& body,
                               base::Nanoseconds limit);

}  // namespace ringray::transport
