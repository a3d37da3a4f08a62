#pragma once
// Values per cell of a grid, wherever they lie.

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "grid.hpp"

namespace ultrasound {

/// A box of cells.
struct Box {
  Cell first;
  Extents extents;
};

/// One number per cell. One thread.
class Field {
 public:
  virtual ~Field() = default;
  virtual Extents extents() const = 0;
  /// A copy of the values in a box that lies in the field, x fastest.
  virtual std::vector<float> read(const Box& box) const = 0;

  std::vector<float> all() const { return read({{}, extents()}); }
};

/// The values of a box out of those of a whole grid.
inline std::vector<float> cut_box(std::span<const float> values, const Extents& whole, const Box& box) {
  const Grid grid{.extents = whole};
  std::vector<float> result;
  result.reserve(box.extents.cells());
  for (int z = 0; z < box.extents.nz; ++z) {
    for (int y = 0; y < box.extents.ny; ++y) {
      const auto row = values.subspan(grid.at({box.first.x, box.first.y + y, box.first.z + z}),
                                      static_cast<std::size_t>(box.extents.nx));
      result.insert(result.end(), row.begin(), row.end());
    }
  }
  return result;
}

/// A field in the memory of this rank.
class WholeField final : public Field {
 public:
  WholeField(Extents extents, std::vector<float> values) : extents_(extents), values_(std::move(values)) {}
  Extents extents() const override { return extents_; }
  std::vector<float> read(const Box& box) const override { return cut_box(values_, extents_, box); }

 private:
  Extents extents_;
  std::vector<float> values_;
};

}  // namespace ultrasound
