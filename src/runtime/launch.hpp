#pragma once
// From a bootstrap to a running rank and back.

#include <functional>
#include <string>

#include "ringray/base/config.hpp"
#include "ringray/transport/bootstrap/bootstrap.hpp"

namespace ringray::runtime {

/// Brings the rank up, runs the driver (on rank 0; the others serve until it is done) and takes the rank down.
/// Returns how the bootstrap must be left; throws what the driver threw. One at a time per process.
Result<transport::Leave> run_rank(transport::Bootstrap& bootstrap, Config config, std::function<void()> driver);

/// The bootstrap of a job of one rank.
class Alone final : public transport::Bootstrap {
 public:
  Rank rank() const noexcept override { return 0; }
  std::uint32_t size() const noexcept override { return 1; }
  Result<std::vector<std::vector<std::byte>>> exchange(wire::View bytes) override {
    return std::vector<std::vector<std::byte>>{{bytes.begin(), bytes.end()}};
  }
  void finish(transport::Leave) override {}
  [[noreturn]] void abort(int exit_code) override;
};

/// True when mpirun or srun started this process as one of several.
bool launched_by_mpi();

}  // namespace ringray::runtime
