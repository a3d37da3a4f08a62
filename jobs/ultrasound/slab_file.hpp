#pragma once
// The large arrays of an HDF5 file, written in slabs by one rank or by all of them at once.

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace ultrasound {

/// Whole z planes of a three-dimensional dataset that the file has already.
struct Slab {
  std::string dataset;
  int first_plane = 0;
  std::variant<std::span<const float>, std::span<const std::uint8_t>> values;  ///< z, y, x
};

/// Writes them and syncs the file to disk. One thread of the process at a time. Throws std::runtime_error.
void write_slabs(const std::filesystem::path& file, std::span<const Slab> slabs);

/// True when this process and `ranks - 1` others, in the same order, can use MPI together now.
bool mpi_serves(int rank, int ranks);

/// What a write by all has come to, for whoever watches it. Any thread.
class SharedWrite {
 public:
  /// From when all have written, and what they wrote is on the disk, until the file is closed, which takes no time.
  std::atomic<bool> closing = false;
  void fail(const std::string& why) {  ///< the first one counts
    const std::lock_guard lock(mutex_);
    if (problem_.empty()) problem_ = why;
  }
  /// With this process's slabs; "" for none.
  std::string problem() const {
    const std::lock_guard lock(mutex_);
    return problem_;
  }

 private:
  mutable std::mutex mutex_;
  std::string problem_;
};

/// The same by all processes of MPI_COMM_WORLD at once, each its own slabs (or none), through MPI-IO. Collective are
/// only opening, which duplicates the communicator, and closing; slabs are contiguous in the file, so each process
/// writes alone in between. Returns also after a problem with some slabs. Throws std::runtime_error when the file could
/// not be opened or closed, and then the others may wait for ever; as they do when a process dies.
void write_slabs_together(const std::filesystem::path& file, std::span<const Slab> slabs, SharedWrite& write);

}  // namespace ultrasound
