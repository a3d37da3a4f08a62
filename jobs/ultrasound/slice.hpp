#pragma once
// One plane of the grid as a picture.

#include <vector>

#include "picture.hpp"

namespace ultrasound {

enum class SliceStyle : std::uint8_t {
  peak,  ///< brighter is louder
  wave,  ///< two colours for the two signs
};

/// Parts of full scale below which only the anatomy is seen.
inline constexpr double faintest_peak = 0.1, faintest_wave = 0.015;
/// The colour of a value, 1 being full scale (and -1, in a wave), over what lies under it. Louder looks like full
/// scale.
Colour slice_colour(SliceStyle style, double value, Colour under);

/// A plane of cells with pressure and what lies under it: all that is needed to draw it, on any rank.
struct Slice {
  SliceStyle style = SliceStyle::peak;
  int across = 0, up = 0;  ///< cells
  int layer_cells = 0;     ///< left out on all sides
  int pixels_per_cell = 1;
  double full_scale_pa = 1;
  std::vector<float> pressure_pa;  ///< per cell, rows from the bottom
  std::vector<Colour> under;       ///< likewise

  int width() const { return (across - 2 * layer_cells) * pixels_per_cell; }
  int height() const { return (up - 2 * layer_cells) * pixels_per_cell; }
  /// Where the middle of a cell is in the picture.
  double x_of(int column) const { return (column - layer_cells + 0.5) * pixels_per_cell; }
  double y_of(int row) const { return height() - (row - layer_cells + 0.5) * pixels_per_cell; }
};

Picture draw_slice(const Slice& slice);

}  // namespace ultrasound
