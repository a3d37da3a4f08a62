#pragma once
// The arenas of the other ranks of this host.

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "ringray/base/ids.hpp"
#include "ringray/base/result.hpp"
#include "ringray/store/arena.hpp"
#include "ringray/wire/bytes.hpp"

namespace ringray::store {

/// Maps the arenas of host-mates, read-only and on first use. Any thread.
class Neighbours {
 public:
  /// Replaces what was known of `rank`.
  void add(Rank rank, Arena::Name name);
  /// True when `rank` was added and not dropped: its objects can be lent instead of sent.
  bool knows(Rank rank) const;
  /// The bytes at `offset` of the arena of `rank`. The lease keeps the mapping, also after drop() and after the death
  /// of that rank; it does not keep the holder from reusing the bytes, which is what lend and unpin are for.
  /// Errc::rank_died when the arena is gone; Errc::config when this host forbids the mapping.
  Result<wire::Lease> view(Rank rank, std::uint64_t offset, std::size_t bytes);
  /// Forgets a rank that died. Views that are still held stay readable.
  void drop(Rank rank);

 private:
  struct Neighbour {
    Arena::Name name;
    std::shared_ptr<const Mapping> mapping;  ///< null until first used
  };
  mutable std::mutex mutex_;  // guards neighbours_
  std::unordered_map<Rank, Neighbour> neighbours_;
};

}  // namespace ringray::store
