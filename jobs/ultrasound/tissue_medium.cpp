#include "tissue_medium.hpp"

#include <algorithm>
#include <cmath>

namespace ultrasound {
namespace {

template <class F>
void for_each_cell(const Extents& n, F f) {
  for (int z = 0; z < n.nz; ++z) {
    for (int y = 0; y < n.ny; ++y) {
      for (int x = 0; x < n.nx; ++x) f(Cell{x, y, z});
    }
  }
}

/// Sums over the tissues in one cell.
struct Mixture {
  double density = 0, compressibility = 0, attenuation = 0;
  void add(const Material& m) {
    density += m.density_kg_m3;
    compressibility += 1 / (m.density_kg_m3 * m.speed_m_s * m.speed_m_s);
    attenuation += m.attenuation_db_cm_mhz;
  }
};

}  // namespace

Tissue tissue_at(const Anatomy& anatomy, Point place_mm) {
  Cell c = anatomy.grid.nearest(place_mm);
  c.z = std::max(c.z, 0);
  return anatomy.grid.contains(c) ? anatomy.tissue[anatomy.grid.at(c)] : Tissue::water;
}

std::vector<Tissue> tissues_on(const Grid& grid, const Anatomy& anatomy) {
  std::vector<Tissue> result;
  result.reserve(grid.extents.cells());
  for_each_cell(grid.extents, [&](Cell c) { result.push_back(tissue_at(anatomy, grid.centre(c))); });
  return result;
}

Medium tissue_medium(const Grid& grid, const Anatomy& anatomy, const std::array<Material, tissue_count>& materials) {
  Medium medium{.grid = grid};
  for (auto* field : {&medium.speed_m_s, &medium.density_kg_m3, &medium.attenuation_db_cm_mhz})
    field->reserve(grid.extents.cells());
  const int parts = std::max(1, static_cast<int>(std::lround(grid.spacing_mm / anatomy.grid.spacing_mm)));
  const double part_mm = grid.spacing_mm / parts;
  const auto offset = [&](int i) { return (i + 0.5) * part_mm - grid.spacing_mm / 2; };
  for_each_cell(grid.extents, [&](Cell c) {
    const Point centre = grid.centre(c);
    Mixture mixture;
    for (int k = 0; k < parts; ++k) {
      for (int j = 0; j < parts; ++j) {
        for (int i = 0; i < parts; ++i) {
          const Tissue tissue = tissue_at(anatomy, centre + Point{offset(i), offset(j), offset(k)});
          mixture.add(materials[static_cast<std::size_t>(tissue)]);
        }
      }
    }
    const double count = parts * parts * parts, density = mixture.density / count;
    medium.density_kg_m3.push_back(static_cast<float>(density));
    medium.speed_m_s.push_back(static_cast<float>(1 / std::sqrt(density * mixture.compressibility / count)));
    medium.attenuation_db_cm_mhz.push_back(static_cast<float>(mixture.attenuation / count));
  });
  return medium;
}

}  // namespace ultrasound
