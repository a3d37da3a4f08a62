#pragma once
// A block that lives on a rank.

#include <ringray/actor.hpp>
#include <ringray/array.hpp>

#include "simulation.hpp"

namespace ultrasound {

/// The planes that a block's neighbours need: [0] its lower edge, [1] its upper one. Lies in the host-shared arena.
using Edges = ringray::Array<float, 2>;
/// Largest |pressure| per cell of a block: z, y, x.
using PeakPart = ringray::Array<float, 3>;

/// Where a block is in the stack.
struct BlockPlace {
  bool lowest = true, highest = true;
};

/// The actor around a Block. Its steps are chained by their results: advance() starts when the neighbours' edges of the
/// step before exist, wherever they are.
class BlockActor {
 public:
  BlockActor(const BlockSetup& setup, BlockPlace place) : block_(setup), place_(place) {}

  /// Before the first step.
  Edges edges();
  /// One step. A block that has no neighbour on a side is given anything for it.
  Edges advance(const Edges& below, const Edges& above);

  /// That were done.
  long steps() const { return steps_; }

  std::vector<double> plane_energies() const { return block_.plane_energies(); }
  std::vector<float> slice(int x) const;
  Harvest harvest() const;
  /// Stays on this rank until somebody reads it elsewhere.
  PeakPart peak() const;

 private:
  Block block_;
  BlockPlace place_;
  long steps_ = 0;
};

}  // namespace ultrasound
