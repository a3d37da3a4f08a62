#include "distance.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace ultrasound {
namespace {

/// Lower envelope of the parabolas f[i] + (x - i)^2, in place.
class Envelope {
 public:
  explicit Envelope(int longest) : values_(longest), apex_(longest), from_(longest + 1) {}

  void apply(float* f, int n) {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    int k = -1;
    for (int i = 0; i < n; ++i) {
      values_[i] = f[i];
      float start = -infinity;
      while (k >= 0) {
        const int a = apex_[k];
        start = ((values_[i] + static_cast<float>(i * i)) - (values_[a] + static_cast<float>(a * a))) /
                static_cast<float>(2 * (i - a));
        if (start > from_[k]) break;
        --k;
      }
      if (k < 0) start = -infinity;
      ++k;
      apex_[k] = i;
      from_[k] = start;
    }
    from_[k + 1] = infinity;
    k = 0;
    for (int i = 0; i < n; ++i) {
      while (from_[k + 1] < static_cast<float>(i)) ++k;
      const int d = i - apex_[k];
      f[i] = values_[apex_[k]] + static_cast<float>(d * d);
    }
  }

 private:
  std::vector<float> values_;
  std::vector<int> apex_;
  std::vector<float> from_;
};

/// Applies the envelope along an axis that is not contiguous: `lines` neighbouring lines of `n` values `stride` apart,
/// a few at a time, so that memory is read in whole cache lines.
void apply_across(Envelope& envelope, float* f, int lines, int n, std::ptrdiff_t stride, std::vector<float>& buffer) {
  constexpr int together = 16;
  buffer.resize(static_cast<std::size_t>(together) * n);
  for (int first = 0; first < lines; first += together) {
    const int count = std::min(together, lines - first);
    for (int i = 0; i < n; ++i) {
      for (int line = 0; line < count; ++line)
        buffer[static_cast<std::size_t>(line) * n + i] = f[i * stride + first + line];
    }
    for (int line = 0; line < count; ++line) envelope.apply(&buffer[static_cast<std::size_t>(line) * n], n);
    for (int i = 0; i < n; ++i) {
      for (int line = 0; line < count; ++line)
        f[i * stride + first + line] = buffer[static_cast<std::size_t>(line) * n + i];
    }
  }
}

Region complement(const Region& region) {
  Region result(region.size());
  std::transform(region.begin(), region.end(), result.begin(),
                 [](std::uint8_t in) { return static_cast<std::uint8_t>(!in); });
  return result;
}

/// Marks with `mark` the cells of value `old` that are face-connected to those on `stack`; returns their number.
std::size_t flood(Region& cells, const Extents& n, std::vector<std::size_t> stack, std::uint8_t old,
                  std::uint8_t mark) {
  const auto row = static_cast<std::size_t>(n.nx), plane = row * n.ny;
  std::size_t count = 0;
  while (!stack.empty()) {
    const std::size_t i = stack.back();
    stack.pop_back();
    if (cells[i] != old) continue;
    cells[i] = mark;
    ++count;
    const std::size_t x = i % row, y = i / row % n.ny, z = i / plane;
    if (x > 0) stack.push_back(i - 1);
    if (x + 1 < row) stack.push_back(i + 1);
    if (y > 0) stack.push_back(i - row);
    if (y + 1 < static_cast<std::size_t>(n.ny)) stack.push_back(i + row);
    if (z > 0) stack.push_back(i - plane);
    if (z + 1 < static_cast<std::size_t>(n.nz)) stack.push_back(i + plane);
  }
  return count;
}

}  // namespace

std::vector<float> squared_distance(const Region& region, const Extents& n, float reach) {
  std::vector<float> f(region.size());
  std::transform(region.begin(), region.end(), f.begin(), [&](std::uint8_t in) { return in ? 0.0F : reach * reach; });
  Envelope envelope(std::max({n.nx, n.ny, n.nz}));
  std::vector<float> buffer;
  const std::ptrdiff_t row = n.nx, plane = row * n.ny;
  for (int z = 0; z < n.nz; ++z) {
    float* const slice = f.data() + z * plane;
    for (int y = 0; y < n.ny; ++y) envelope.apply(slice + y * row, n.nx);
    apply_across(envelope, slice, n.nx, n.ny, row, buffer);
  }
  for (int y = 0; y < n.ny; ++y) apply_across(envelope, f.data() + y * row, n.nx, n.nz, plane, buffer);
  return f;
}

Region dilate(const Region& region, const Extents& extents, float radius) {
  const auto squared = squared_distance(region, extents, radius + 2);
  Region result(region.size());
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = squared[i] <= radius * radius;
  return result;
}

Region erode(const Region& region, const Extents& extents, float radius) {
  return complement(dilate(complement(region), extents, radius));
}

Region largest_part(const Region& region, const Extents& extents) {
  Region cells = region;  // 1: not seen, 2: seen
  std::size_t most = 0, seed = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (cells[i] != 1) continue;
    const std::size_t count = flood(cells, extents, {i}, 1, 2);
    if (count > most) most = count, seed = i;
  }
  Region result = region;
  if (most > 0) flood(result, extents, {seed}, 1, 3);
  for (std::uint8_t& cell : result) cell = cell == 3;
  return result;
}

Region fill_holes(const Region& region, const Extents& n) {
  Region cells = region;
  std::vector<std::size_t> border;
  const Grid grid{.extents = n};
  for (int z = 0; z < n.nz; ++z) {
    for (int y = 0; y < n.ny; ++y) {
      for (int x = 0; x < n.nx; ++x) {
        if (x == 0 || y == 0 || x == n.nx - 1 || y == n.ny - 1 || z == n.nz - 1) border.push_back(grid.at({x, y, z}));
      }
    }
  }
  flood(cells, n, std::move(border), 0, 2);
  for (std::uint8_t& cell : cells) cell = cell != 2;
  return cells;
}

}  // namespace ultrasound
