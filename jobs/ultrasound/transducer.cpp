#include "transducer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numbers>
#include <unordered_set>

#include "error.hpp"
#include "tissue_medium.hpp"

namespace ultrasound {

std::vector<Point> place_elements(const TransducerConfig& transducer, Point target_mm) {
  const auto cross = [](Point a, Point b) {
    return Point{a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
  };
  const Point axis = (1 / length(transducer.direction)) * transducer.direction;
  const Point helper = std::abs(axis.z) < 0.9 ? Point{0, 0, 1} : Point{1, 0, 0};
  const Point u = (1 / length(cross(axis, helper))) * cross(axis, helper), v = cross(axis, u);
  const double sine = transducer.aperture_mm / (2 * transducer.radius_mm),
               lowest = std::sqrt(std::max(0.0, 1 - sine * sine));
  std::vector<Point> elements;
  for (int i = 0; i < transducer.elements; ++i) {
    const double cosine = 1 - (1 - lowest) * (i + 0.5) / transducer.elements;  // equal areas: even in the cosine
    const double out = std::sqrt(1 - cosine * cosine), turn = 2 * std::numbers::pi * i / std::numbers::phi;
    const Point unit = cosine * axis + out * std::cos(turn) * u + out * std::sin(turn) * v;
    elements.push_back(target_mm + transducer.radius_mm * unit);
  }
  return elements;
}

Grid run_grid(const Config& config, const Grid& anatomy, Point target_mm, const std::vector<Point>& elements) {
  Point low = anatomy.origin_mm;
  Point high = anatomy.centre({anatomy.extents.nx - 1, anatomy.extents.ny - 1, anatomy.extents.nz - 1});
  for (const Point& p : elements) {
    low = {std::min(low.x, p.x), std::min(low.y, p.y), std::min(low.z, p.z)};
    high = {std::max(high.x, p.x), std::max(high.y, p.y), std::max(high.z, p.z)};
  }
  const double h = config.spacing_mm;
  const int margin = config.layer_cells + 3;
  const auto below = [&](double target, double from) {
    return static_cast<int>(std::ceil((target - from) / h - 1e-9)) + margin;
  };
  const Cell before{below(target_mm.x, low.x), below(target_mm.y, low.y), below(target_mm.z, low.z)};
  const Cell after{below(high.x, target_mm.x), below(high.y, target_mm.y), below(high.z, target_mm.z)};
  if (before.x < 0 || before.y < 0 || before.z < 0 || after.x < 0 || after.y < 0 || after.z < 0) {
    throw InputError(
        fmt::format("a target at {}, {}, {} mm (it lies outside the volume); give scanner coordinates inside the brain",
                    target_mm.x, target_mm.y, target_mm.z));
  }
  const Grid grid{{before.x + after.x + 1, before.y + after.y + 1, before.z + after.z + 1},
                  h,
                  target_mm - Point{before.x * h, before.y * h, before.z * h}};
  if (grid.extents.cells() > 4'000'000'000U) {
    throw InputError(fmt::format("a grid of {} x {} x {} cells (it would not fit into memory); use a larger spacing_mm",
                                 grid.extents.nx, grid.extents.ny, grid.extents.nz));
  }
  return grid;
}

std::vector<Cell> element_cells(const Grid& grid, const std::vector<Point>& elements, const Anatomy& anatomy) {
  std::vector<Cell> cells;
  std::unordered_set<std::size_t> taken;
  for (const Point& p : elements) {
    const Cell cell = grid.nearest(p);
    if (tissue_at(anatomy, p) != Tissue::water) {
      throw InputError(
          fmt::format("a transducer element at {:.0f}, {:.0f}, {:.0f} mm (that is inside the head); use a larger "
                      "radius_mm or another direction",
                      p.x, p.y, p.z));
    }
    if (!taken.insert(grid.at(cell)).second) {
      throw InputError(
          fmt::format("two transducer elements in one cell at {:.0f}, {:.0f}, {:.0f} mm (they would be one element) "
                      "use fewer elements or a smaller spacing_mm",
                      p.x, p.y, p.z));
    }
    cells.push_back(cell);
  }
  return cells;
}

double carried_frequency_hz(const Config& config) {
  double slowest = config.materials[0].speed_m_s;
  for (const Material& m : config.materials) slowest = std::min(slowest, m.speed_m_s);
  const double most = slowest / (config.cells_per_wavelength * config.spacing_mm * 1e-3);
  return std::min(config.transducer.frequency_khz * 1e3, most);
}

}  // namespace ultrasound
