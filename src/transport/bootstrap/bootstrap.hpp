#pragma once
// How the ranks of a job find each other, before there is a transport: one exchange, then silence.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ringray/base/ids.hpp"
#include "ringray/base/result.hpp"
#include "ringray/wire/bytes.hpp"

namespace ringray::transport {

enum class Leave {
  together,  ///< everybody is alive: the launcher is told that this rank ends well. May wait for the others
  alone,     ///< somebody died: end without waiting for anybody
};

/// One thread (MPI: the one that started it).
class Bootstrap {
 public:
  virtual ~Bootstrap() = default;
  virtual Rank rank() const noexcept = 0;
  virtual std::uint32_t size() const noexcept = 0;
  /// Gives `bytes` to all and returns what each rank gave, by rank. Collective; waits for all ranks. Once.
  virtual Result<std::vector<std::vector<std::byte>>> exchange(wire::View bytes) = 0;
  /// Ends the bootstrap. No communication happened between exchange() and here. Transports that others still need
  /// must be closed before: a rank that waits in here moves no network. Once.
  virtual void finish(Leave leave) = 0;
  /// Ends the whole job as far as the launcher can.
  [[noreturn]] virtual void abort(int exit_code) = 0;
};

}  // namespace ringray::transport
