#pragma once
// From a T1-weighted head and its brain mask to four tissues.

#include <cstdint>
#include <vector>

#include "nifti.hpp"

namespace ultrasound {

enum class Tissue : std::uint8_t { water, soft_tissue, skull, brain };
inline constexpr int tissue_count = 4;

/// Tissue per cell of an axis-parallel grid that covers the volume.
struct Anatomy {
  Grid grid;
  std::vector<Tissue> tissue;
  std::vector<float> intensity;  ///< of the head on the same grid, for pictures
};

/// Cells of `spacing_mm` (1 mm gives the anatomy its detail). What it does, distances in mm:
///  - brain: the mask, holes filled;
///  - head: brighter than a fifth of the brain's median, closed over 6, largest part, holes filled;
///  - skull: bone gives no signal. From the fluid around the brain (2) outwards, what is darker than 45 % of the
///  brain's
///    median within 15 of the brain, smoothed (closed over 4, opened over 3), 3 to 8 thick, under 2 of skin;
///  - water: outside the head, and what lies between brain and skull (cerebrospinal fluid);
///  - soft tissue: the rest of the head, air-filled sinuses included, for want of a signal that tells them from bone.
/// InputError when the mask is no mask of this head.
Anatomy segment(const Volume& head, const Volume& brain_mask, double spacing_mm = 1);

}  // namespace ultrasound
