#pragma once
// The blocks of one rank as device actors, and what their host does for them.

#include <ringray/actor.hpp>
#include <ringray/device.hpp>

#include <deque>
#include <map>
#include <optional>

#include "device_block.hpp"
#include "travel.hpp"

namespace ultrasound {

using Waves = ringray::device::Program<ringray::kernels::WaveBlock>;
using WaveActor = ringray::device::Actor<ringray::kernels::WaveBlock>;

/// The host actor beside the kernel of its rank. Blocks of one rank hand each other their edges themselves; it hands on
/// those of the lowest and the highest, from rank to rank.
class DeviceStack {
 public:
  using Handle = ringray::ActorHandle<DeviceStack>;
  /// Who has the blocks below and above those of this rank; none at the ends of the grid.
  struct Neighbours {
    std::optional<Handle> below, above;
    template <class Archive>
    void serialize(Archive& archive) {
      archive(below, above);
    }
  };

  /// Launches the kernel, with that many threads.
  explicit DeviceStack(std::uint32_t threads);
  ~DeviceStack();  ///< whoever else holds the kernel: its actors work in memory that ends here
  /// Of the kernel, which keeps this actor alive until it is terminated.
  ringray::device::KernelHandle<Waves> kernel(const Handle& self);

  /// Makes the blocks of a simulation that are on this rank, lowest first. They go when they are told, on all ranks
  /// after all were made.
  std::vector<WaveActor> add(std::uint64_t simulation, const std::vector<BlockSetup>& setups, const Sampling& sampling,
                             const Neighbours& neighbours);
  /// After the last step, as what follows.
  Yield yield(std::uint64_t simulation, std::size_t block) const { return at(simulation).blocks[block].yield(); }
  /// Stays on this rank until somebody reads it elsewhere.
  PeakPart peak(std::uint64_t simulation, std::size_t block) const { return at(simulation).blocks[block].peak(); }
  void remove(std::uint64_t simulation);

  /// An edge of this rank, for another one; and one of another rank, for this one.
  void hand_on(ringray::kernels::WaveEdgeReady edge);
  void take(std::uint64_t simulation, std::uint32_t step, bool from_above, const std::vector<float>& edge);

 private:
  struct Share {
    std::deque<DeviceBlock> blocks;
    std::vector<WaveActor> actors;
    Neighbours neighbours;
  };
  const Share& at(std::uint64_t simulation) const { return shares_.at(simulation); }

  ringray::device::KernelHandle<Waves> kernel_;
  std::map<std::uint64_t, Share> shares_;
};

}  // namespace ultrasound
