#pragma once
// A doll's head: brain, skull and scalp as balls in each other, small enough to be computed in a blink.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "config.hpp"
#include "nifti.hpp"

namespace ultrasound {

inline constexpr int doll_extent = 60;  // voxels of 1 mm; the middle is at 0, 0, 0 mm

inline float doll_intensity(double radius_mm) {
  return radius_mm < 18 ? 100.0F : radius_mm < 24 ? 10.0F : radius_mm < 28 ? 160.0F : 0.0F;
}

enum class DollPart { head, brain_mask };

/// Voxels of the doll, x fastest.
inline std::vector<float> doll_voxels(DollPart part) {
  std::vector<float> values;
  const double middle = (doll_extent - 1) / 2.0;
  for (int z = 0; z < doll_extent; ++z) {
    for (int y = 0; y < doll_extent; ++y) {
      for (int x = 0; x < doll_extent; ++x) {
        const double radius = length(Point{x - middle, y - middle, z - middle});
        values.push_back(part == DollPart::head ? doll_intensity(radius) : radius < 18 ? 1.0F : 0.0F);
      }
    }
  }
  return values;
}

template <class T>
void put(std::vector<std::byte>& bytes, std::size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

/// A valid single-file NIfTI-1 volume of float32 voxels of 1 mm, centred.
inline std::vector<std::byte> nifti_bytes(const std::vector<float>& values, Extents extents) {
  std::vector<std::byte> bytes(352 + values.size() * sizeof(float));
  put<std::int32_t>(bytes, 0, 348);
  put<std::int16_t>(bytes, 40, 3);
  const int sizes[] = {extents.nx, extents.ny, extents.nz};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    put(bytes, 42 + 2 * axis, static_cast<std::int16_t>(sizes[axis]));
    put(bytes, 80 + 4 * axis, 1.0F);
    put(bytes, 280 + 20 * axis, 1.0F);  // the diagonal of the affine
    put(bytes, 292 + 16 * axis, static_cast<float>(-(sizes[axis] - 1) / 2.0));
  }
  put<std::int16_t>(bytes, 70, 16);
  put<std::int16_t>(bytes, 72, 32);
  put(bytes, 76, 1.0F);
  put(bytes, 108, 352.0F);
  put<std::int16_t>(bytes, 254, 1);
  std::memcpy(bytes.data() + 344, "n+1", 4);
  std::memcpy(bytes.data() + 352, values.data(), values.size() * sizeof(float));
  return bytes;
}

inline std::vector<std::byte> doll_bytes(DollPart part) {
  return nifti_bytes(doll_voxels(part), {doll_extent, doll_extent, doll_extent});
}

inline void write_bytes(const std::filesystem::path& path, const std::vector<std::byte>& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

/// A set-up that fits the doll.
inline Config doll_config() {
  Config config;
  config.spacing_mm = 2;
  config.transducer = {
      .frequency_khz = 125, .cycles = 3, .radius_mm = 40, .aperture_mm = 70, .elements = 48, .direction = {0, 0, 1}};
  config.targets = {{.name = "doll", .position_mm = {4, -3, 2}}};
  config.frames = 4;
  return config;
}

}  // namespace ultrasound
