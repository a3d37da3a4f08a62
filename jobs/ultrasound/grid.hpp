#pragma once
// Extents, cells, and where a cell lies in the scanner's space.

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace ultrasound {

struct Extents {
  int nx = 0, ny = 0, nz = 0;
  std::size_t cells() const { return static_cast<std::size_t>(nx) * ny * nz; }
  friend bool operator==(const Extents&, const Extents&) = default;
};

struct Cell {
  int x = 0, y = 0, z = 0;
  friend bool operator==(const Cell&, const Cell&) = default;
};

/// A place in millimetres; in the scanner's space x points right, y to the front, z up.
struct Point {
  double x = 0, y = 0, z = 0;
};

inline Point operator-(Point a, Point b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
inline Point operator+(Point a, Point b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
inline Point operator*(double s, Point a) { return {s * a.x, s * a.y, s * a.z}; }
inline double dot(Point a, Point b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
inline double length(Point a) { return std::sqrt(dot(a, a)); }

/// Cubic cells, axes along the scanner's, x fastest in every array.
struct Grid {
  Extents extents;
  double spacing_mm = 1;
  Point origin_mm;  ///< centre of cell (0, 0, 0)

  double spacing_m() const { return spacing_mm * 1e-3; }
  std::size_t at(Cell c) const { return (static_cast<std::size_t>(c.z) * extents.ny + c.y) * extents.nx + c.x; }
  Point centre(Cell c) const {
    return {origin_mm.x + c.x * spacing_mm, origin_mm.y + c.y * spacing_mm, origin_mm.z + c.z * spacing_mm};
  }
  /// The cell that holds `p`; may lie outside the extents.
  Cell nearest(Point p) const {
    const auto index = [this](double a, double origin) {
      return static_cast<int>(std::lround((a - origin) / spacing_mm));
    };
    return {index(p.x, origin_mm.x), index(p.y, origin_mm.y), index(p.z, origin_mm.z)};
  }
  bool contains(Cell c) const {
    return c.x >= 0 && c.y >= 0 && c.z >= 0 && c.x < extents.nx && c.y < extents.ny && c.z < extents.nz;
  }
};

}  // namespace ultrasound
