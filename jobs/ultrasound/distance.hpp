#pragma once
// Distances on a grid, and the morphology that follows from them.

#include <cstdint>
#include <vector>

#include "grid.hpp"

namespace ultrasound {

/// A set of cells: 1 inside, 0 outside, x fastest.
using Region = std::vector<std::uint8_t>;

/// Square of the distance in cells to the nearest cell of `region`, exact; cells farther than `reach` hold at least
/// reach^2. Felzenszwalb & Huttenlocher, "Distance transforms of sampled functions", Theory of Computing 8 (2012) 415.
std::vector<float> squared_distance(const Region& region, const Extents& extents, float reach);

/// Cells within `radius` cells of the region.
Region dilate(const Region& region, const Extents& extents, float radius);
/// Cells farther than `radius` from everything outside; the world beyond the grid counts as inside.
Region erode(const Region& region, const Extents& extents, float radius);

/// The face-connected part of `region` that holds most cells.
Region largest_part(const Region& region, const Extents& extents);
/// Fills what cannot be reached from the sides and the top of the grid (the bottom is where the neck was cut).
Region fill_holes(const Region& region, const Extents& extents);

}  // namespace ultrasound
