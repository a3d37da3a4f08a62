#pragma once
// One simulation whose blocks are device actors.

#include <span>
#include <vector>

#include "block_field.hpp"
#include "device_stack.hpp"
#include "simulation.hpp"

namespace ultrasound {

/// Makes the blocks, over the ranks in order, so that neighbours are near, and takes them away. One thread.
class DeviceRun {
 public:
  /// `number`: no other simulation's.
  DeviceRun(const Simulation& simulation, std::uint64_t number, std::span<const DeviceStack::Handle> stacks);
  ~DeviceRun();
  DeviceRun(const DeviceRun&) = delete;

  /// When all runs were made. The blocks do all steps without being asked again.
  void start();
  /// Complete when a block is done, or will never be.
  const std::vector<ringray::ObjectRef<ringray::kernels::WaveDone>>& ends() const { return ends_; }
  /// Steps that all blocks have done. Throws what keeps one from it.
  int steps() const;
  /// After the last step.
  SimulationResult finish();

 private:
  DeviceRun(const Simulation& simulation, std::uint64_t number, std::span<const DeviceStack::Handle> stacks,
            int blocks);
  struct Block {
    PlaneRange planes;
    ringray::Rank rank;
    std::size_t index;  ///< on its rank
    WaveActor actor;
  };

  const Simulation& simulation_;
  const std::uint64_t number_;
  const std::span<const DeviceStack::Handle> stacks_;
  std::vector<Block> blocks_;  // lowest first
  std::vector<ringray::ObjectRef<ringray::kernels::WaveDone>> ends_;
};

}  // namespace ultrasound
