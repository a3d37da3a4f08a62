#pragma once
// A block: a stack of whole z planes of the grid with everything that happens in it.

#include <span>
#include <vector>

#include "coefficients.hpp"
#include "source.hpp"

namespace ultrasound {

/// A point whose pressure is recorded at every step. `index` is its place in the result.
struct Recorder {
  int index = 0;
  Cell cell;
};

/// What a block needs to start; it can be sent to another rank.
struct BlockSetup {
  Coefficients coefficients;         ///< of the block's planes and margins
  int first_plane = 0;               ///< z of its first plane in the grid
  std::vector<PointSource> sources;  ///< those in the block, z counted from first_plane
  std::vector<Recorder> recorders;   ///< likewise
};

/// What the stencil reads.
ringray::kernels::WaveMedium medium_of(const Coefficients& coefficients);

/// What a source, z counted from the block's first plane, takes from q- of its cell before a step: dt^2 K Q / h^3,
/// which has the same effect there as on the right-hand side of the scheme.
float taken(const PointSource& source, const Coefficients& coefficients, long step);

/// A field of `layout` without margins.
void copy_inner(const ringray::kernels::WaveLayout& layout, const float* field, float* cells);

/// The planes of block `index` of `count`: [first, last).
struct PlaneRange {
  int first = 0, last = 0;
};
PlaneRange planes_of_block(int planes, int index, int count);

/// Cuts planes out of the whole grid. Sources and recorders outside `range` are left out.
BlockSetup cut_block(const Coefficients& whole, PlaneRange range, std::span<const PointSource> sources,
                     std::span<const Cell> recorders);

/// Advances its planes step by step; neighbours give the planes around them. One thread at a time.
///
/// A step is: advance(); then hand lower_edge() to the block below (its set_above) and upper_edge() to the block
/// above (its set_below); where there is no neighbour the margin stays zero.
class Block {
 public:
  explicit Block(BlockSetup setup);

  void advance();

  std::span<const float> lower_edge() const;
  std::span<const float> upper_edge() const;
  void set_below(std::span<const float> edge);
  void set_above(std::span<const float> edge);

  int first_plane() const { return setup_.first_plane; }
  Extents extents() const {
    const auto& layout = setup_.coefficients.layout;
    return {layout.nx, layout.ny, layout.nz};
  }
  const std::vector<Recorder>& recorders() const { return setup_.recorders; }

  /// Acoustic energy per plane in joule, half a step before the current time; their sum in plane order is the block's.
  std::vector<double> plane_energies() const;
  /// Pressure in Pa half a step before the current time, at a cell of this block (z counted from first_plane).
  float pressure(Cell cell) const;
  /// Appends the pressure on the plane x = `x`, y fastest, then z.
  void append_slice(int x, std::vector<float>& values) const;
  /// Pressure at each recorder, in their order, one row per step.
  const std::vector<float>& traces() const { return traces_; }
  /// Largest |pressure| per cell so far, Pa, without margins.
  void copy_peak(float* cells) const { copy_inner(setup_.coefficients.layout, peak_.data(), cells); }

 private:
  std::span<const float> edge(bool upper) const;
  void set_margin(std::span<const float> edge, bool upper);
  void inject();

  BlockSetup setup_;
  std::vector<float> now_, before_, peak_, traces_;
  long steps_ = 0;
};

}  // namespace ultrasound
