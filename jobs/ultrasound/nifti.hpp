#pragma once
// NIfTI-1 volumes: https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h

#include <array>
#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

#include "grid.hpp"

namespace ultrasound {

/// Where voxel indices (i, j, k) lie in the scanner's millimetres: row a gives axes[a] . (i, j, k) + shift.
struct Affine {
  std::array<Point, 3> rows{Point{1, 0, 0}, Point{0, 1, 0}, Point{0, 0, 1}};
  Point shift;

  Point operator()(Point voxel) const {
    return Point{dot(rows[0], voxel), dot(rows[1], voxel), dot(rows[2], voxel)} + shift;
  }
  /// From millimetres to voxel indices. InputError when the axes do not span space.
  Affine inverse() const;
};

struct Volume {
  Extents extents;
  Affine to_mm;
  std::vector<float> values;  ///< x fastest

  float at(int x, int y, int z) const {
    return values[(static_cast<std::size_t>(z) * extents.ny + y) * extents.nx + x];
  }
};

/// Decodes an uncompressed single-file volume ("n+1"), either byte order, any integer or real type up to 64 bits.
/// Throws InputError on anything else: any bytes are safe to pass. Values are finite and not negative.
Volume decode_nifti(std::span<const std::byte> bytes);

/// Reads .nii and .nii.gz. InputError starts with the path.
Volume read_nifti(const std::filesystem::path& path);

}  // namespace ultrasound
