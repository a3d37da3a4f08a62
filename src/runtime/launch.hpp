#pragma once
// From a bootstrap to a running rank and back.

#include <exception>
#include <functional>
#include <string>

#include "ringray/base/config.hpp"
#include "ringray/transport/bootstrap/bootstrap.hpp"

namespace ringray::runtime {

/// How a rank ended after it ran.
struct Ended {
  transport::Leave leave = transport::Leave::together;  ///< how the bootstrap must be left
  std::exception_ptr driver_threw;                      ///< rank 0
  std::string lost;  ///< what could not be written at the end, in one line; empty: nothing
};

/// Brings the rank up, runs the driver (on rank 0; the others serve until it is done) and takes the rank down. A
/// failure is known to all ranks (also that of another rank's options) when its code is `config`: rank 0 reports it.
/// One at a time per process, any number one after the other.
Result<Ended> run_rank(transport::Bootstrap& bootstrap, Result<Config> config, std::function<void()> driver);

/// While it lives, a write beyond `ulimit -f` fails with EFBIG, where it would end the process without a word: unless
/// the program has its own way with SIGXFSZ. One thread.
class WritesMayFail {
 public:
  WritesMayFail();
  WritesMayFail(const WritesMayFail&) = delete;
  WritesMayFail& operator=(const WritesMayFail&) = delete;
  ~WritesMayFail();

 private:
  const bool ours_;
};

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
