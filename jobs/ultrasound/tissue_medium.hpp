#pragma once
// From tissues to the medium on the grid of the run.

#include <array>

#include "config.hpp"
#include "medium.hpp"
#include "segment.hpp"

namespace ultrasound {

/// The tissue at a place: water outside the anatomy, except that the neck goes on below it.
Tissue tissue_at(const Anatomy& anatomy, Point place_mm);

/// Tissue at the centre of each cell of `grid`.
std::vector<Tissue> tissues_on(const Grid& grid, const Anatomy& anatomy);

/// Each cell of `grid` mixes the tissues that it covers, by volume: density and compressibility 1/(rho c^2) are
/// arithmetic means, which is the exact limit for layers much thinner than a wavelength (Wood, "A Textbook of Sound",
/// 1930; Moczo et al. 2002, section 3); attenuation too.
Medium tissue_medium(const Grid& grid, const Anatomy& anatomy, const std::array<Material, tissue_count>& materials);

}  // namespace ultrasound
