#pragma once
// A field that stays where its blocks made it.

#include <ringray/object.hpp>

#include <vector>

#include "block_actor.hpp"
#include "field.hpp"

namespace ultrasound {

/// The planes of one block: an object on the rank that had the block.
struct BlockPart {
  PlaneRange planes;
  ringray::Rank rank;
  ringray::ObjectRef<PeakPart> values;
};

/// read() asks the ranks for the cells of the box only. In the driver.
class BlockField final : public Field {
 public:
  BlockField(Extents extents, std::vector<BlockPart> parts) : extents_(extents), parts_(std::move(parts)) {}
  Extents extents() const override { return extents_; }
  std::vector<float> read(const Box& box) const override;
  /// Lowest first; together all planes.
  const std::vector<BlockPart>& parts() const { return parts_; }

 private:
  Extents extents_;
  std::vector<BlockPart> parts_;
};

}  // namespace ultrasound
