#pragma once
// The memory of a block that a device actor advances.

#include <memory>
#include <vector>

#include "block.hpp"
#include "block_actor.hpp"
#include "ringray/kernels/wave_actor.hpp"

namespace ultrasound {

/// What is recorded of a simulation: see Simulation.
struct Sampling {
  int steps = 0, energy_every = 0, snapshot_every = 0, snapshot_x = 0;
};

/// What a block leaves at the end beside its peak pressure.
struct Yield {
  Harvest harvest;
  std::vector<double> energies;  ///< J per plane, for each sample
  std::vector<float> snapshots;  ///< y fastest, then z, for each sample
  template <class Archive>
  void serialize(Archive& archive) {
    archive(harvest.recorders, harvest.traces, energies, snapshots);
  }
};

/// Stays where it is, because an actor refers to it. Only that actor touches it until all steps are done; but for
/// margins, which are the neighbours'.
class DeviceBlock {
 public:
  DeviceBlock(const BlockSetup& setup, const Sampling& sampling);
  DeviceBlock(const DeviceBlock&) = delete;

  /// For the actor.
  ringray::kernels::WaveMemory memory(std::uint64_t simulation);
  /// For the actor's neighbours.
  ringray::kernels::WaveNeighbour as_neighbour(ringray::device::Address actor, bool margin_above);
  /// After `step` steps.
  std::vector<float> edge(std::uint32_t step, bool upper) const;
  void set_margin(std::uint32_t step, bool upper, const std::vector<float>& edge);

  Yield yield() const;
  PeakPart peak() const;
  void copy_peak(float* cells) const { copy_inner(coefficients_.layout, peak_.data(), cells); }

 private:
  const Coefficients coefficients_;
  const std::vector<Recorder> recorders_;
  const Sampling sampling_;
  std::vector<float> fields_[2], peak_, flows_, traces_, snapshots_;
  std::vector<double> energies_;
  std::vector<ringray::kernels::WaveSource> sources_;
  std::vector<std::int64_t> recorded_;
  std::size_t flows_count_ = 0;  // of a step
};

}  // namespace ultrasound
