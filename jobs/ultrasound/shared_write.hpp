#pragma once
// result.h5 from fields that lie on many ranks.

#include <filesystem>
#include <stdexcept>
#include <string>

#include "treatment.hpp"

namespace ultrasound {

/// Ranks that live stand still in MPI and will not come back: only abort_stuck_job ends such a job.
class WriteStuck : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Writes result.h5 under its name whole or not at all: each rank the planes of the blocks that were on it, all at once
/// through MPI-IO; where MPI is not there for use, or a rank does not see the file, rank 0 alone. Says which, to be
/// read behind "written". In the driver. Throws std::runtime_error; a rank that dies meanwhile, too.
std::string write_from_blocks(const std::filesystem::path& path, const Config& config, const Treatment& treatment);

/// True when this process has a thread that stands still in MPI: it must then end without exit().
bool write_left_behind();
[[noreturn]] void abort_stuck_job();

}  // namespace ultrasound
