#include "coefficients.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "error.hpp"

namespace ultrasound {
namespace {

using ringray::kernels::wave_far;
using ringray::kernels::wave_halo;
using ringray::kernels::wave_near;

/// Buoyancy on the faces. The densities on both sides lie in series for a flow through the face, so the face has
/// their arithmetic mean: Moczo et al., Bull. Seismol. Soc. Am. 92 (2002) 3042, eq. 21.
class Faces {
 public:
  Faces(const Medium& medium, Walls walls) : medium_(medium), walls_(walls) {}

  /// 1/rho between cell `c` and its successor along `axis` (0 x, 1 y, 2 z); `c` may lie in the margin.
  float operator()(Cell c, int axis) const {
    const Extents& n = medium_.grid.extents;
    Cell next = c;
    (axis == 0 ? next.x : axis == 1 ? next.y : next.z) += 1;
    if (walls_ == Walls::rigid && axis == 1 && (c.y < 0 || next.y >= n.ny)) return 0;
    if (walls_ == Walls::rigid && axis == 2 && (c.z < 0 || next.z >= n.nz)) return 0;
    return 2.0F / (density(c) + density(next));
  }

 private:
  float density(Cell c) const {
    const Extents& n = medium_.grid.extents;
    return medium_.density_kg_m3[medium_.grid.at(
        {std::clamp(c.x, 0, n.nx - 1), std::clamp(c.y, 0, n.ny - 1), std::clamp(c.z, 0, n.nz - 1)})];
  }
  const Medium& medium_;
  Walls walls_;
};

Cell moved(Cell c, int axis, int cells) {
  (axis == 0 ? c.x : axis == 1 ? c.y : c.z) += cells;
  return c;
}

/// Depth in the layer, 0 at its inner edge and 1 at the wall.
double layer_depth(int index, int count, const AbsorbingLayer& layer) {
  if (layer.cells == 0) return 0;
  const double from_wall = std::min(index, count - 1 - index) + 0.5;
  return std::max(0.0, 1 - from_wall / layer.cells);
}

template <class F>
void for_each_cell(const Extents& n, int margin, F f) {
  for (int z = -margin; z < n.nz + margin; ++z)
    for (int y = -margin; y < n.ny + margin; ++y)
      for (int x = -margin; x < n.nx + margin; ++x) f(Cell{x, y, z});
}

}  // namespace

double stable_step_s(const Medium& medium, Walls walls) {
  check_medium(medium);
  const Faces faces(medium, walls);
  const double near = wave_near, far = -wave_far, weights = 2 * (near + far);
  double strongest = 0;  // largest K * sum |w| b, 1/s^2 after division by h^2
  for_each_cell(medium.grid.extents, 0, [&](Cell c) {
    double sum = 0;
    for (int axis = 0; axis < 3; ++axis) {
      sum += near * (faces(c, axis) + faces(moved(c, axis, -1), axis)) +
             far * (faces(moved(c, axis, 1), axis) + faces(moved(c, axis, -2), axis));
    }
    const std::size_t i = medium.grid.at(c);
    const double speed = medium.speed_m_s[i];
    strongest = std::max(strongest, sum * medium.density_kg_m3[i] * speed * speed);
  });
  return 2 * medium.grid.spacing_m() / std::sqrt(weights * strongest);
}

void check_step(double step_s, double stable_s) {
  if (step_s > 0 && step_s <= stable_s) return;
  throw InputError(
      fmt::format("a time step of {:.4g} s is not stable (the wave would grow without bound); use at most {:.4g} s",
                  step_s, stable_s));
}

Coefficients make_coefficients(const Medium& medium, const CoefficientOptions& options) {
  check_step(options.step_s, stable_step_s(medium, options.walls));
  const Extents& n = medium.grid.extents;
  const AbsorbingLayer& layer = options.layer;
  const double h = medium.grid.spacing_m(), dt = options.step_s;
  Coefficients result;
  result.layout = ringray::kernels::wave_layout(n.nx, n.ny, n.nz);
  result.spacing_m = h;
  result.step_s = dt;
  const auto size = static_cast<std::size_t>(result.layout.size());
  for (auto* field : {&result.stiffness, &result.decay, &result.buoyancy_x, &result.buoyancy_y, &result.buoyancy_z}) {
    field->assign(size, 0.0F);
  }
  const double profile =
      layer.cells > 0 ? 2 * std::log(1 / layer.reflection) / (layer.cells * h) : 0;  // (m + 1) / 2 = 2
  const auto cubed = [](double s) { return s * s * s; };
  const bool open = options.walls == Walls::open;
  for_each_cell(n, 0, [&](Cell c) {
    const std::size_t from = medium.grid.at(c), to = static_cast<std::size_t>(result.layout.at(c.x, c.y, c.z));
    const double speed = medium.speed_m_s[from];
    const double tissue = speed * attenuation_np_m(medium.attenuation_db_cm_mhz[from], options.frequency_hz);
    double depth = cubed(layer_depth(c.x, n.nx, layer));
    if (open) depth += cubed(layer_depth(c.y, n.ny, layer)) + cubed(layer_depth(c.z, n.nz, layer));
    const double gamma = tissue + profile * speed * depth;
    result.stiffness[to] = static_cast<float>(dt * dt * medium.density_kg_m3[from] * speed * speed / (h * h));
    result.decay[to] = static_cast<float>(std::exp(-gamma * dt));
  });
  const Faces faces(medium, options.walls);
  for_each_cell(n, wave_halo, [&](Cell c) {
    const auto to = static_cast<std::size_t>(result.layout.at(c.x, c.y, c.z));
    result.buoyancy_x[to] = faces(c, 0);
    result.buoyancy_y[to] = faces(c, 1);
    result.buoyancy_z[to] = faces(c, 2);
  });
  return result;
}

}  // namespace ultrasound
