#pragma once
// How values go from rank to rank. What is not here is plain: its bytes travel.

#include "block.hpp"
#include "engine.hpp"
#include "nifti.hpp"
#include "segment.hpp"
#include "slice.hpp"

namespace ultrasound {

template <class Archive>
void serialize(Archive& archive, Volume& v) {
  archive(v.extents, v.to_mm, v.values);
}
template <class Archive>
void serialize(Archive& archive, Anatomy& a) {
  archive(a.grid, a.tissue, a.intensity);
}
template <class Archive>
void serialize(Archive& archive, Coefficients& c) {
  archive(c.layout, c.spacing_m, c.step_s, c.stiffness, c.decay, c.buoyancy_x, c.buoyancy_y, c.buoyancy_z);
}
template <class Archive>
void serialize(Archive& archive, BlockSetup& s) {
  archive(s.coefficients, s.first_plane, s.sources, s.recorders);
}
template <class Archive>
void serialize(Archive& archive, Harvest& h) {
  archive(h.recorders, h.traces);
}
template <class Archive>
void serialize(Archive& archive, Echo& e) {
  archive(e.trace, e.step_s, e.emitted, e.earliest_s, e.latest_s);
}
template <class Archive>
void serialize(Archive& archive, Slice& s) {
  archive(s.style, s.across, s.up, s.layer_cells, s.pixels_per_cell, s.full_scale_pa, s.pressure_pa, s.under);
}

}  // namespace ultrasound
