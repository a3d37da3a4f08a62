#pragma once
// Ringray inside a program that has its own MPI. Opt-in: it includes <mpi.h>.

#include <mpi.h>

#include <functional>
#include <memory>
#include <string>

namespace ringray {

struct Config;

/// Runs drivers on the ranks of a communicator, for as long as one lasts. MPI must be initialised, and stays the
/// caller's: it is neither finalized nor called while a driver runs. `mpirun`'s ranks that are not in `communicator`
/// have no part in it. One thread: that which initialised MPI, or any with MPI_THREAD_SERIALIZED and above.
class Runtime {
 public:
  /// Options come from the environment (RINGRAY_*) and, where argc and argv are given, from --ringray.* arguments,
  /// which are removed. Never throws for them: the first run() does, on every rank.
  explicit Runtime(MPI_Comm communicator, int* argc = nullptr, char** argv = nullptr);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  /// Collective over the communicator: `driver` runs on its rank 0, the others serve; returns on every rank when the
  /// driver is done. Any number of times, one after the other. Throws on rank 0 what the driver threw; on all ranks
  /// ConfigError when an option of any rank is wrong, and RankDiedError when a rank died meanwhile.
  void run(std::function<void()> driver);

 private:
  MPI_Comm communicator_;
  std::unique_ptr<Config> config_;  // null: problem_ says why
  std::string problem_;
};

}  // namespace ringray
