#pragma once
// Point sources.

#include <cmath>
#include <numbers>

#include "grid.hpp"

namespace ultrasound {

/// A sine under a Hann window. Zero before 0 and after duration_s(); no net volume for two and more whole cycles.
struct ToneBurst {
  double frequency_hz = 0;
  double cycles = 3;
  double amplitude = 0;  ///< volume velocity, m^3/s

  double duration_s() const { return cycles / frequency_hz; }
  double operator()(double time_s) const {
    if (time_s <= 0 || time_s >= duration_s()) return 0;
    const double phase = 2 * std::numbers::pi * frequency_hz * time_s;
    return amplitude * std::sin(phase) * 0.5 * (1 - std::cos(phase / cycles));
  }
  /// Time derivative, m^3/s^2.
  double slope(double time_s) const {
    if (time_s <= 0 || time_s >= duration_s()) return 0;
    const double omega = 2 * std::numbers::pi * frequency_hz, phase = omega * time_s;
    return amplitude * omega * 0.5 *
           (std::cos(phase) * (1 - std::cos(phase / cycles)) + std::sin(phase) * std::sin(phase / cycles) / cycles);
  }
};

/// A small pulsating sphere of volume velocity Q(t - delay). In free space p = rho Q'(t - r/c) / (4 pi r): Pierce,
/// "Acoustics", section 4.3.
struct PointSource {
  Cell cell;
  ToneBurst burst;
  double delay_s = 0;
};

/// Volume velocity of a source whose pressure amplitude times distance is `pascal_metre` in a medium of that density.
inline double volume_velocity(double pascal_metre, double density_kg_m3, double frequency_hz) {
  return 2 * pascal_metre / (density_kg_m3 * frequency_hz);
}

}  // namespace ultrasound
