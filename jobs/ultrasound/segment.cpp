#include "segment.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "distance.hpp"
#include "error.hpp"

namespace ultrasound {
namespace {

/// The axis-parallel grid that covers all voxel centres and `room_mm` of air on the sides and above, so that
/// what is closed over some millimetres does not close against the grid's walls.
constexpr double room_mm = 10;
Grid covering_grid(const Volume& volume, double spacing_mm) {
  Point low{1e9, 1e9, 1e9}, high{-1e9, -1e9, -1e9};
  const Extents& n = volume.extents;
  for (int corner = 0; corner < 8; ++corner) {
    const Point p =
        volume.to_mm({corner & 1 ? n.nx - 1.0 : 0, corner & 2 ? n.ny - 1.0 : 0, corner & 4 ? n.nz - 1.0 : 0});
    low = {std::min(low.x, p.x), std::min(low.y, p.y), std::min(low.z, p.z)};
    high = {std::max(high.x, p.x), std::max(high.y, p.y), std::max(high.z, p.z)};
  }
  low = low - Point{room_mm, room_mm, 0};
  high = high + Point{room_mm, room_mm, room_mm};
  const auto cells = [&](double from, double to) {
    return static_cast<int>(std::floor((to - from) / spacing_mm + 1e-6)) + 1;
  };
  const Extents extents{cells(low.x, high.x), cells(low.y, high.y), cells(low.z, high.z)};
  if (std::max({extents.nx, extents.ny, extents.nz}) > 1024) {
    throw InputError(fmt::format("a head of {} x {} x {} mm (no head is that large); repair the header's affine",
                                 extents.nx, extents.ny, extents.nz));
  }
  return {extents, spacing_mm, low};
}

/// Trilinear interpolation; 0 outside.
std::vector<float> sample(const Volume& volume, const Grid& grid) {
  const Affine to_voxel = volume.to_mm.inverse();
  const Extents& n = volume.extents;
  std::vector<float> result;
  result.reserve(grid.extents.cells());
  const auto value = [&](int x, int y, int z) {
    return x < 0 || y < 0 || z < 0 || x >= n.nx || y >= n.ny || z >= n.nz ? 0.0
                                                                          : static_cast<double>(volume.at(x, y, z));
  };
  for (int z = 0; z < grid.extents.nz; ++z) {
    for (int y = 0; y < grid.extents.ny; ++y) {
      for (int x = 0; x < grid.extents.nx; ++x) {
        const Point p = to_voxel(grid.centre({x, y, z}));
        const double fx = std::floor(p.x + 1e-6), fy = std::floor(p.y + 1e-6), fz = std::floor(p.z + 1e-6);
        const int i = static_cast<int>(fx), j = static_cast<int>(fy), k = static_cast<int>(fz);
        double sum = 0;
        for (int corner = 0; corner < 8; ++corner) {
          const int a = corner & 1, b = corner >> 1 & 1, c = corner >> 2;
          const double weight =
              (a ? p.x - fx : 1 - p.x + fx) * (b ? p.y - fy : 1 - p.y + fy) * (c ? p.z - fz : 1 - p.z + fz);
          if (std::abs(weight) > 1e-5) sum += weight * value(i + a, j + b, k + c);
        }
        result.push_back(static_cast<float>(sum));
      }
    }
  }
  return result;
}

template <class Predicate>
Region where(const std::vector<float>& values, Predicate predicate) {
  Region result(values.size());
  std::transform(values.begin(), values.end(), result.begin(), predicate);
  return result;
}

template <class Combine>
Region combine(const Region& a, const Region& b, Combine f) {
  Region result(a.size());
  std::transform(a.begin(), a.end(), b.begin(), result.begin(), f);
  return result;
}

float median_inside(const std::vector<float>& values, const Region& region) {
  std::vector<float> inside;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (region[i]) inside.push_back(values[i]);
  }
  const auto middle = inside.begin() + static_cast<std::ptrdiff_t>(inside.size() / 2);
  std::nth_element(inside.begin(), middle, inside.end());
  return *middle;
}

}  // namespace

Anatomy segment(const Volume& head, const Volume& brain_mask, double spacing_mm) {
  if (!(head.extents == brain_mask.extents)) {
    throw InputError(
        fmt::format("a brain mask of {} x {} x {} voxels for a head of {} x {} x {} (they must be of one scan); give "
                    "the mask of this head",
                    brain_mask.extents.nx, brain_mask.extents.ny, brain_mask.extents.nz, head.extents.nx,
                    head.extents.ny, head.extents.nz));
  }
  Anatomy anatomy{.grid = covering_grid(head, spacing_mm)};
  const Extents& n = anatomy.grid.extents;
  const auto mm = [&](double distance) { return static_cast<float>(distance / spacing_mm); };
  anatomy.intensity = sample(head, anatomy.grid);

  const Region mask = where(sample(brain_mask, anatomy.grid), [](float v) { return v > 0; });
  const Region brain = fill_holes(largest_part(erode(dilate(mask, n, mm(2)), n, mm(2)), n), n);
  const auto brain_cells = static_cast<std::size_t>(std::count(brain.begin(), brain.end(), 1));
  if (brain_cells < n.cells() / 1000 || brain_cells > n.cells() / 2) {
    throw InputError(
        fmt::format("a brain mask that marks {} of {} cells (no brain is like that); give the mask of this head",
                    brain_cells, n.cells()));
  }
  const float bright = median_inside(anatomy.intensity, brain);
  if (!(bright > 0))
    throw InputError(
        "a head that is dark where the mask says brain (nothing can be told apart); give the mask of this head");

  const std::vector<float> from_brain = squared_distance(brain, n, mm(16));
  const auto within = [&](double distance) {
    return where(from_brain, [reach = mm(distance)](float squared) { return squared <= reach * reach; });
  };
  const Region signal = where(anatomy.intensity, [=](float v) { return v > 0.2F * bright; });
  const Region head_region = fill_holes(
      combine(largest_part(erode(dilate(signal, n, mm(6)), n, mm(6)), n), within(7), std::logical_or<>()), n);
  const Region under_skin = erode(head_region, n, mm(2));
  const Region inner = within(2), near_brain = within(15);
  Region bone = where(anatomy.intensity, [=](float v) { return v < 0.45F * bright; });
  bone = combine(bone, near_brain, std::logical_and<>());
  bone = combine(bone, under_skin, std::logical_and<>());
  Region outer = combine(bone, inner, std::logical_or<>());
  outer = erode(dilate(outer, n, mm(4)), n, mm(4));
  outer = dilate(erode(outer, n, mm(3)), n, mm(3));
  outer = combine(outer, dilate(inner, n, mm(3)), std::logical_or<>());
  outer = combine(fill_holes(largest_part(outer, n), n), head_region, std::logical_and<>());

  const Region under_skull = erode(outer, n, mm(8));

  anatomy.tissue.resize(n.cells());
  for (std::size_t i = 0; i < n.cells(); ++i) {
    anatomy.tissue[i] = brain[i]                     ? Tissue::brain
                        : inner[i] || under_skull[i] ? Tissue::water
                        : outer[i]                   ? Tissue::skull
                        : head_region[i]             ? Tissue::soft_tissue
                                                     : Tissue::water;
  }
  return anatomy;
}

}  // namespace ultrasound
