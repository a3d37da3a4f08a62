#pragma once
// What is read from a finished simulation. Pure functions.

#include <span>
#include <vector>

#include "field.hpp"
#include "source.hpp"

namespace ultrasound {

/// Where the pressure is highest, and how wide it is there.
struct Focus {
  Cell cell;
  Point place_mm;
  double peak_pa = 0;
  double at_target_pa = 0;
  double off_target_mm = 0;
  Point width_mm;  ///< full width at -6 dB (half the pressure) along x, y, z through the focus, between cells linearly
};

/// The highest peak pressure within `reach_mm` of the target where `inside` holds (1 per cell). The first in memory
/// order wins. Reads the box around the target and three lines through the focus.
Focus find_focus(const Grid& grid, const Field& peak_pa, std::span<const std::uint8_t> inside, Cell target,
                 double reach_mm);

/// When `emitted` (the pressure shape of the source, its slope) arrives in `trace`, in seconds: the delay of the
/// largest cross-correlation within [earliest, latest], refined by a parabola through three samples. Trace sample n is
/// at (n + 1/2) step.
double arrival_s(std::span<const float> trace, double step_s, const ToneBurst& emitted, double earliest_s,
                 double latest_s);

/// Delays that make waves with these travel times arrive together; the smallest is 0.
std::vector<double> focusing_delays_s(const std::vector<double>& travel_s);

}  // namespace ultrasound
