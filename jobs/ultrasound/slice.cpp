#include "slice.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace ultrasound {
namespace {

std::size_t cell(const Slice& slice, int column, int row) {
  return static_cast<std::size_t>(std::clamp(row, 0, slice.up - 1)) * static_cast<std::size_t>(slice.across) +
         static_cast<std::size_t>(std::clamp(column, 0, slice.across - 1));
}

/// The four cells around a pixel and how much each counts.
struct Corners {
  std::array<std::size_t, 4> cells;
  std::array<double, 4> weights;
};

Corners corners_of(const Slice& slice, int x, int y) {
  const double scale = slice.pixels_per_cell;
  const double a = (x + 0.5) / scale + slice.layer_cells - 0.5,
               b = (slice.height() - y - 0.5) / scale + slice.layer_cells - 0.5;
  const int i = static_cast<int>(std::floor(a)), j = static_cast<int>(std::floor(b));
  const double u = a - i, v = b - j;
  return {{cell(slice, i, j), cell(slice, i + 1, j), cell(slice, i, j + 1), cell(slice, i + 1, j + 1)},
          {(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v}};
}

double pressure_at(const Slice& slice, const Corners& corners) {
  double sum = 0;
  for (std::size_t k = 0; k < 4; ++k) sum += corners.weights[k] * slice.pressure_pa[corners.cells[k]];
  return sum;
}

Colour under_at(const Slice& slice, const Corners& corners) {
  double red = 0, green = 0, blue = 0;
  for (std::size_t k = 0; k < 4; ++k) {
    const Colour& colour = slice.under[corners.cells[k]];
    red += corners.weights[k] * colour.red;
    green += corners.weights[k] * colour.green;
    blue += corners.weights[k] * colour.blue;
  }
  const auto byte = [](double value) { return static_cast<std::uint8_t>(std::lround(value)); };
  return {byte(red), byte(green), byte(blue)};
}

Colour peak_colour(double value, Colour under) {
  return blend(inferno(value), under, std::clamp((value - faintest_peak) / 0.2, 0.0, 0.9));
}

Colour wave_colour(double value, Colour under) {
  constexpr Colour high{255, 120, 40}, low{70, 150, 255};
  const double strength = std::sqrt(std::min(1.0, std::abs(value)));
  return std::abs(value) < faintest_wave ? under : blend(value > 0 ? high : low, under, std::min(0.95, strength));
}

}  // namespace

Colour slice_colour(SliceStyle style, double value, Colour under) {
  return style == SliceStyle::peak ? peak_colour(value, under) : wave_colour(value, under);
}

Picture draw_slice(const Slice& slice) {
  Picture picture(slice.width(), slice.height());
  for (int y = 0; y < slice.height(); ++y) {
    for (int x = 0; x < slice.width(); ++x) {
      const Corners corners = corners_of(slice, x, y);
      const double value = pressure_at(slice, corners) / slice.full_scale_pa;
      picture.set(x, y, slice_colour(slice.style, value, under_at(slice, corners)));
    }
  }
  return picture;
}

}  // namespace ultrasound
