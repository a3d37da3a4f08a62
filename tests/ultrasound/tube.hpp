#pragma once
// Small set-ups that the numerics tests share.

#include <algorithm>
#include <cmath>
#include <vector>

#include "coefficients.hpp"
#include "simulation.hpp"

namespace ultrasound {

/// A tube along x with rigid walls, one cell wide: one-dimensional sound.
inline Grid tube_grid(int cells, double spacing_mm) { return {.extents = {cells, 1, 1}, .spacing_mm = spacing_mm}; }

inline std::vector<float> trace_in(const Coefficients& coefficients, PointSource source, Cell recorder, int steps) {
  return run_in_loop({.coefficients = &coefficients, .sources = {source}, .recorders = {recorder}, .steps = steps}, {})
      .traces[0];
}

inline float largest(const std::vector<float>& values) {
  float most = 0;
  for (const float value : values) most = std::max(most, std::abs(value));
  return most;
}

/// Shift in samples, to a part of one, that fits `values` best to `model(time)`, sampled at (n + 1/2) step.
template <class Model>
double best_lag(const std::vector<float>& values, double step_s, Model model, double reach_samples) {
  double best = 0, most = -1e300;
  for (double lag = -reach_samples; lag <= reach_samples; lag += 0.05) {
    double sum = 0;
    for (std::size_t n = 0; n < values.size(); ++n) {
      sum += values[n] * model((static_cast<double>(n) + 0.5 - lag) * step_s);
    }
    if (sum > most) most = sum, best = lag;
  }
  return best;
}

}  // namespace ultrasound
