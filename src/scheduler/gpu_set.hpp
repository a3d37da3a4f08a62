#pragma once
// Which devices stand behind an amount of gpus.

#include <cereal/types/vector.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ringray/scheduler/resources.hpp"

namespace ringray::scheduler {

/// A part of one device, at most all of it.
struct GpuShare {
  std::uint32_t device = 0;  ///< index on its rank
  Amount amount;
  bool operator==(const GpuShare&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(device, amount);
  }
};

/// The free parts of a rank's devices. Whole gpus are distinct devices that nobody shares; a fraction comes from one
/// device, the fullest that still has it, so that whole devices stay free. One thread.
class GpuSet {
 public:
  GpuSet() = default;
  static GpuSet of_devices(std::uint32_t count);

  /// Takes `amount` (a fraction up to one, or a whole number); nothing when the free parts do not make it up.
  std::optional<std::vector<GpuShare>> take(Amount amount);
  void give(std::span<const GpuShare> shares);
  std::span<const GpuShare> free() const { return free_; }

 private:
  std::vector<GpuShare> free_;  // by device, no zero amounts
};

}  // namespace ringray::scheduler
