#include "block_actor.hpp"

#include <algorithm>

namespace ultrasound {
namespace {

std::span<const float> edge(const Edges& edges, std::size_t which) {
  return edges.span().subspan(which * edges.extents()[1], edges.extents()[1]);
}

}  // namespace

Edges BlockActor::edges() {
  const auto lower = block_.lower_edge(), upper = block_.upper_edge();
  Edges edges({2, lower.size()});
  std::copy(lower.begin(), lower.end(), edges.data());
  std::copy(upper.begin(), upper.end(), edges.data() + lower.size());
  return edges;
}

Edges BlockActor::advance(const Edges& below, const Edges& above) {
  if (!place_.lowest) block_.set_below(edge(below, 1));
  if (!place_.highest) block_.set_above(edge(above, 0));
  block_.advance();
  ++steps_;
  return edges();
}

std::vector<float> BlockActor::slice(int x) const {
  std::vector<float> values;
  block_.append_slice(x, values);
  return values;
}

Harvest BlockActor::harvest() const { return {block_.recorders(), block_.traces()}; }

PeakPart BlockActor::peak() const {
  const Extents n = block_.extents();
  PeakPart part({static_cast<std::size_t>(n.nz), static_cast<std::size_t>(n.ny), static_cast<std::size_t>(n.nx)});
  block_.copy_peak(part.data());
  return part;
}

}  // namespace ultrasound
