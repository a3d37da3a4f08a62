#pragma once
// How a process reads the memory of another one and knows afterwards that it was the right memory.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "ringray/base/ids.hpp"

namespace ringray::transport::ucx {

/// Lies in the memory of the process that is read, one for each reader. Process ids are used again, and a reader that
/// was given up must not take what came into the memory later: so every read brings the identity along, after the
/// bytes.
struct Identity {
  std::uint64_t key = 0;  ///< of the job; 0: revoked
  Rank owner, reader;
  bool operator==(const Identity&) const = default;
  /// To be called before the memory of an offer is used for anything else.
  void revoke() noexcept { std::atomic_ref(key).store(0, std::memory_order_seq_cst); }
};

/// Copies `to.size()` bytes at address `from` of the process; false if these are not the bytes of whom the identity
/// says: nothing is known about `to` then.
bool read_memory(std::uint64_t process, std::uint64_t identity, const Identity& expected, std::uint64_t from,
                 std::span<std::byte> to);

}  // namespace ringray::transport::ucx
