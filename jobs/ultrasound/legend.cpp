#include "legend.hpp"

#include <fmt/format.h>

#include <cmath>

namespace ultrasound {
namespace {

constexpr Colour black{0, 0, 0};

/// Four arms that leave the middle free.
void arms(Picture& picture, double x, double y, int from, int to, int half_thickness, Colour colour) {
  const int i = static_cast<int>(std::lround(x)), j = static_cast<int>(std::lround(y)), length = to - from,
            thickness = 2 * half_thickness + 1;
  picture.fill(i + from, j - half_thickness, length, thickness, colour);
  picture.fill(i - to + 1, j - half_thickness, length, thickness, colour);
  picture.fill(i - half_thickness, j + from, thickness, length, colour);
  picture.fill(i - half_thickness, j - to + 1, thickness, length, colour);
}

}  // namespace

// Both leave the middle free: what they point at is seen.
void mark_target(Picture& picture, double x, double y) {
  picture.ring(x, y, 13, 4, black);
  picture.ring(x, y, 13, 1.8, target_ink);
}

void mark_focus(Picture& picture, double x, double y) {
  arms(picture, x, y, 16, 29, 2, black);
  arms(picture, x, y, 17, 28, 1, focus_ink);
}

void mark_element(Picture& picture, double x, double y) {
  picture.ring(x, y, 0, 8, black);
  picture.ring(x, y, 0, 5.5, element_ink);
}

void outlined_text(Picture& picture, int x, int y, std::string_view text, Colour colour, int scale) {
  for (int j = -1; j <= 1; ++j) {
    for (int i = -1; i <= 1; ++i) picture.text(x + i, y + j, text, black, scale);
  }
  picture.text(x, y, text, colour, scale);
}

double round_number(double most) {
  const double power = std::pow(10, std::floor(std::log10(most)));
  return (most >= 5 * power ? 5 : most >= 2 * power ? 2 : 1) * power;
}

void draw_colour_bar(Picture& picture, int x, int y, int height, SliceStyle style, double full_scale_pa) {
  constexpr int width = 22;
  constexpr Colour under{60, 60, 60};
  const double lowest = style == SliceStyle::wave ? -1 : 0;
  for (int j = 0; j < height; ++j) {
    const double value = 1 - (1 - lowest) * j / (height - 1);
    picture.fill(x, y + j, width, 1, slice_colour(style, value, under));
  }
  const double full_kpa = full_scale_pa * 1e-3, step = round_number(full_kpa * (1 - lowest) / 4);
  for (double kpa = std::ceil(lowest * full_kpa / step) * step; kpa <= full_kpa * 1.0001; kpa += step) {
    const int j = y + static_cast<int>(std::lround((1 - kpa / full_kpa) / (1 - lowest) * (height - 1)));
    picture.fill(x + width, j, 6, 2, ink);
    picture.text(x + width + 11, j - 6, fmt::format("{:.6g}", std::abs(kpa) < step / 2 ? 0 : kpa), ink, 2);
  }
  picture.text(x, y - 24, "kPa", ink, 2);
}

void draw_length(Picture& picture, int x, int y, int width, double pixels_per_mm) {
  const double mm = round_number(width / 3.0 / pixels_per_mm);
  const int pixels = static_cast<int>(std::lround(mm * pixels_per_mm));
  picture.fill(x - 1, y - 1, pixels + 2, 6, black);
  picture.fill(x, y, pixels, 4, ink);
  outlined_text(picture, x, y - 20, fmt::format("{:.3g} mm", mm), ink, 2);
}

}  // namespace ultrasound
