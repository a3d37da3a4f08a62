#include "slice.hpp"

#include <algorithm>
#include <cmath>

namespace ultrasound {
namespace {

std::size_t cell(const Slice& slice, int column, int row) {
  return static_cast<std::size_t>(std::clamp(row, 0, slice.up - 1)) * static_cast<std::size_t>(slice.across) +
         static_cast<std::size_t>(std::clamp(column, 0, slice.across - 1));
}

/// Pressure at a pixel: of the four cells around it, weighted linearly.
double pressure_at(const Slice& slice, int x, int y) {
  const double scale = slice.pixels_per_cell;
  const double a = (x + 0.5) / scale + slice.layer_cells - 0.5,
               b = (slice.height() - y - 0.5) / scale + slice.layer_cells - 0.5;
  const int i = static_cast<int>(std::floor(a)), j = static_cast<int>(std::floor(b));
  const double u = a - i, v = b - j;
  const auto value = [&](int column, int row) { return slice.pressure_pa[cell(slice, column, row)]; };
  return (1 - u) * (1 - v) * value(i, j) + u * (1 - v) * value(i + 1, j) + (1 - u) * v * value(i, j + 1) +
         u * v * value(i + 1, j + 1);
}

Colour peak_colour(double value, Colour under) {
  return blend(inferno(value), under, std::clamp((value - 0.1) / 0.25, 0.0, 0.85));
}

Colour wave_colour(double value, Colour under) {
  constexpr Colour high{255, 120, 40}, low{70, 150, 255};
  const double strength = std::sqrt(std::min(1.0, std::abs(value)));
  return strength < 0.12 ? under : blend(value > 0 ? high : low, under, std::min(0.95, strength));
}

}  // namespace

Picture draw_slice(const Slice& slice) {
  Picture picture(slice.width(), slice.height());
  for (int y = 0; y < slice.height(); ++y) {
    const int row = (slice.height() - 1 - y) / slice.pixels_per_cell + slice.layer_cells;
    for (int x = 0; x < slice.width(); ++x) {
      const Colour under = slice.under[cell(slice, x / slice.pixels_per_cell + slice.layer_cells, row)];
      const double value = pressure_at(slice, x, y) / slice.full_scale_pa;
      picture.set(x, y, slice.style == SliceStyle::peak ? peak_colour(value, under) : wave_colour(value, under));
    }
  }
  return picture;
}

}  // namespace ultrasound
