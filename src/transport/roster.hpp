#pragma once
// Who takes part in the job, as the bootstrap found it out.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ringray/base/ids.hpp"

namespace ringray::transport {

struct Roster {
  Rank self;
  std::uint64_t key = 0;                          ///< of the job; made by rank 0
  std::vector<std::vector<std::byte>> addresses;  ///< of each rank's port
  std::vector<std::uint64_t> process_ids;         ///< of ranks on this host; 0 for others. May be empty
};

}  // namespace ringray::transport
