#include "block_field.hpp"

#include <ringray/task.hpp>

#include <algorithm>

#include "travel.hpp"

namespace ultrasound {
namespace {

std::vector<float> cut_part(const PeakPart& part, const Box& box) {
  const auto& n = part.extents();
  return cut_box(part.span(), {static_cast<int>(n[2]), static_cast<int>(n[1]), static_cast<int>(n[0])}, box);
}

}  // namespace

std::vector<float> BlockField::read(const Box& box) const {
  std::vector<ringray::ObjectRef<std::vector<float>>> pieces;
  for (const BlockPart& part : parts_) {
    const int low = std::max(box.first.z, part.planes.first),
              high = std::min(box.first.z + box.extents.nz, part.planes.last);
    if (low >= high) continue;
    const Box piece{{box.first.x, box.first.y, low - part.planes.first}, {box.extents.nx, box.extents.ny, high - low}};
    pieces.push_back(ringray::submit({.name = "read field", .placement = ringray::on_rank(part.rank)}, cut_part,
                                     part.values, piece));
  }
  std::vector<float> values;
  values.reserve(box.extents.cells());
  for (const auto& piece : pieces) {
    const auto& cells = ringray::get(piece);
    values.insert(values.end(), cells.begin(), cells.end());
  }
  return values;
}

}  // namespace ultrasound
