#include "analysis.hpp"

#include <algorithm>
#include <cmath>

namespace ultrasound {
namespace {

/// Cells from the focus to half its pressure along a line of cells, towards either end.
double half_width(std::span<const float> line, int focus, int direction) {
  const double half = line[static_cast<std::size_t>(focus)] / 2.0;
  double inner = line[static_cast<std::size_t>(focus)];
  int at = focus;
  for (double cells = 0;; ++cells) {
    at += direction;
    if (at < 0 || at >= static_cast<int>(line.size())) return cells;
    const double outer = line[static_cast<std::size_t>(at)];
    if (outer < half) return cells + (inner - half) / (inner - outer);
    inner = outer;
  }
}

/// The cells within `reach` of `middle` in each direction, cut to the grid.
Box box_around(const Extents& n, Cell middle, int reach) {
  const auto low = [&](int at) { return std::max(0, at - reach); };
  const auto count = [&](int at, int cells) { return std::min(cells, at + reach + 1) - low(at); };
  return {{low(middle.x), low(middle.y), low(middle.z)},
          {count(middle.x, n.nx), count(middle.y, n.ny), count(middle.z, n.nz)}};
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

Focus find_focus(const Grid& grid, const Field& peak_pa, std::span<const std::uint8_t> inside, Cell target,
                 double reach_mm) {
  Focus focus{.cell = target};
  const Extents& n = grid.extents;
  const Point centre = grid.centre(target);
  const Box box = box_around(n, target, static_cast<int>(std::ceil(std::min(reach_mm / grid.spacing_mm, 1e6))));
  const std::vector<float> near_target = peak_pa.read(box);
  const Grid near{.extents = box.extents};
  const auto peak_at = [&](Cell c) {
    return near_target[near.at({c.x - box.first.x, c.y - box.first.y, c.z - box.first.z})];
  };
  double most = -1;
  for (int z = box.first.z; z < box.first.z + box.extents.nz; ++z) {
    for (int y = box.first.y; y < box.first.y + box.extents.ny; ++y) {
      for (int x = box.first.x; x < box.first.x + box.extents.nx; ++x) {
        const Cell c{x, y, z};
        const double peak = peak_at(c);
        if (!inside[grid.at(c)] || peak <= most || length(grid.centre(c) - centre) > reach_mm) continue;
        most = peak;
        focus.cell = c;
      }
    }
  }
  focus.place_mm = grid.centre(focus.cell);
  focus.peak_pa = peak_at(focus.cell);
  focus.at_target_pa = peak_at(target);
  focus.off_target_mm = length(focus.place_mm - centre);
  const auto width = [&](const Box& line, int at) {
    const std::vector<float> values = peak_pa.read(line);
    return grid.spacing_mm * (half_width(values, at, 1) + half_width(values, at, -1));
  };
  const Cell& f = focus.cell;
  focus.width_mm = {width({{0, f.y, f.z}, {n.nx, 1, 1}}, f.x), width({{f.x, 0, f.z}, {1, n.ny, 1}}, f.y),
                    width({{f.x, f.y, 0}, {1, 1, n.nz}}, f.z)};
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
