#include "analysis.hpp"

#include <algorithm>
#include <cmath>

namespace ultrasound {
namespace {

/// Cells from the focus to half its pressure in one direction.
double half_width(const Grid& grid, std::span<const float> peak, Cell focus, Cell direction) {
  const double half = peak[grid.at(focus)] / 2.0;
  Cell c = focus;
  double inner = peak[grid.at(focus)];
  for (double cells = 0;; ++cells) {
    c = {c.x + direction.x, c.y + direction.y, c.z + direction.z};
    if (!grid.contains(c)) return cells;
    const double outer = peak[grid.at(c)];
    if (outer < half) return cells + (inner - half) / (inner - outer);
    inner = outer;
  }
}

double correlation(std::span<const float> trace, double step_s, const ToneBurst& emitted, double delay_s) {
  const double last = static_cast<double>(trace.size());
  const auto first = static_cast<std::size_t>(std::clamp(delay_s / step_s - 1, 0.0, last));
  const auto end = static_cast<std::size_t>(std::clamp((delay_s + emitted.duration_s()) / step_s + 1, 0.0, last));
  double sum = 0;
  for (std::size_t n = first; n < end; ++n)
    sum += trace[n] * emitted.slope((static_cast<double>(n) + 0.5) * step_s - delay_s);
  return sum;
}

}  // namespace

Focus find_focus(const Grid& grid, std::span<const float> peak_pa, std::span<const std::uint8_t> inside, Cell target,
                 double reach_mm) {
  Focus focus{.cell = target};
  const Point centre = grid.centre(target);
  double most = -1;
  const Extents& n = grid.extents;
  for (int z = 0; z < n.nz; ++z) {
    for (int y = 0; y < n.ny; ++y) {
      for (int x = 0; x < n.nx; ++x) {
        const Cell c{x, y, z};
        const std::size_t i = grid.at(c);
        if (!inside[i] || peak_pa[i] <= most || length(grid.centre(c) - centre) > reach_mm) continue;
        most = peak_pa[i];
        focus.cell = c;
      }
    }
  }
  focus.place_mm = grid.centre(focus.cell);
  focus.peak_pa = peak_pa[grid.at(focus.cell)];
  focus.at_target_pa = peak_pa[grid.at(target)];
  focus.off_target_mm = length(focus.place_mm - centre);
  const auto width = [&](Cell d) {
    return grid.spacing_mm *
           (half_width(grid, peak_pa, focus.cell, d) + half_width(grid, peak_pa, focus.cell, {-d.x, -d.y, -d.z}));
  };
  focus.width_mm = {width({1, 0, 0}), width({0, 1, 0}), width({0, 0, 1})};
  return focus;
}

double arrival_s(std::span<const float> trace, double step_s, const ToneBurst& emitted, double earliest_s,
                 double latest_s) {
  const auto at = [&](double samples) { return correlation(trace, step_s, emitted, samples * step_s); };
  const double first = std::floor(std::max(0.0, earliest_s) / step_s), last = std::ceil(latest_s / step_s);
  double best = first, most = at(first);
  for (double samples = first + 1; samples <= last; ++samples) {
    const double value = at(samples);
    if (value > most) most = value, best = samples;
  }
  const double before = at(best - 1), after = at(best + 1), bend = before - 2 * most + after;
  const double shift = bend < 0 ? std::clamp(0.5 * (before - after) / bend, -0.5, 0.5) : 0;
  return (best + shift) * step_s;
}

std::vector<double> focusing_delays_s(const std::vector<double>& travel_s) {
  const double longest = *std::max_element(travel_s.begin(), travel_s.end());
  std::vector<double> delays;
  for (const double travel : travel_s) delays.push_back(longest - travel);
  return delays;
}

}  // namespace ultrasound
