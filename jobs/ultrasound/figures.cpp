#include "figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ultrasound {
namespace {

constexpr Colour paper{18, 18, 24}, ink{235, 235, 235}, faint{150, 150, 160}, target_ink{90, 230, 255},
    focus_ink{120, 255, 120};
constexpr int gap = 14;

/// A plane through the grid: horizontal axis, vertical axis (upwards), and the index along the third.
struct Plane {
  int across = 0, up = 1, normal = 2, index = 0;
  const char* name = "";
};

int part(Cell c, int axis) { return axis == 0 ? c.x : axis == 1 ? c.y : c.z; }
int count(const Grid& grid, int axis) {
  return axis == 0 ? grid.extents.nx : axis == 1 ? grid.extents.ny : grid.extents.nz;
}

int pixels_per_cell(const Backdrop& backdrop, int wanted) {
  const Extents& n = backdrop.grid.extents;
  return std::max(1, wanted / (std::max({n.nx, n.ny, n.nz}) - 2 * backdrop.layer_cells));
}

/// The cells of a plane, in the order of Slice::pressure_pa.
Box box_of(const Grid& grid, const Plane& plane) {
  Box box{.extents = grid.extents};
  (plane.normal == 0 ? box.first.x : plane.normal == 1 ? box.first.y : box.first.z) = plane.index;
  (plane.normal == 0 ? box.extents.nx : plane.normal == 1 ? box.extents.ny : box.extents.nz) = 1;
  return box;
}

/// The plane without its pressure.
Slice cut(const Backdrop& backdrop, Plane plane, int scale) {
  Slice slice{.across = count(backdrop.grid, plane.across),
              .up = count(backdrop.grid, plane.up),
              .layer_cells = backdrop.layer_cells,
              .pixels_per_cell = scale};
  for (int row = 0; row < slice.up; ++row) {
    for (int column = 0; column < slice.across; ++column) {
      int index[3] = {};
      index[plane.across] = column;
      index[plane.up] = row;
      index[plane.normal] = plane.index;
      slice.under.push_back(backdrop.colours[backdrop.grid.at({index[0], index[1], index[2]})]);
    }
  }
  return slice;
}

void mark(Picture& picture, const Slice& slice, const Outcome& outcome, Cell target, Plane plane) {
  const double x = slice.x_of(part(target, plane.across)), y = slice.y_of(part(target, plane.up));
  for (const double radius : {7.0, 7.6, 8.2}) picture.circle(x, y, radius, target_ink);
  picture.cross(slice.x_of(part(outcome.focus.cell, plane.across)), slice.y_of(part(outcome.focus.cell, plane.up)), 6,
                focus_ink);
  picture.text(6, 6, plane.name, ink, 2);
}

void draw_colour_bar(Picture& picture, int x, int y, int height, double full_scale_pa) {
  for (int j = 0; j < height; ++j) picture.fill(x, y + j, 18, 1, inferno(1 - static_cast<double>(j) / (height - 1)));
  for (int tick = 0; tick <= 4; ++tick) {
    const int j = y + (height - 1) * tick / 4;
    picture.fill(x + 18, j, 5, 1, ink);
    picture.text(x + 27, j - 6, fmt::format("{:.3g}", full_scale_pa * 1e-3 * (4 - tick) / 4), ink, 2);
  }
  picture.text(x, y + height + 10, "kPa peak", ink, 2);
}

}  // namespace

Backdrop make_backdrop(const Plan& plan, const Anatomy& anatomy, int layer_cells) {
  Backdrop backdrop{plan.grid, layer_cells, {}};
  const float brightest = *std::max_element(anatomy.intensity.begin(), anatomy.intensity.end());
  const Extents& n = plan.grid.extents;
  backdrop.colours.reserve(n.cells());
  for (int z = 0; z < n.nz; ++z) {
    for (int y = 0; y < n.ny; ++y) {
      for (int x = 0; x < n.nx; ++x) {
        const Cell c{x, y, z}, in_anatomy = anatomy.grid.nearest(plan.grid.centre(c));
        const double value =
            anatomy.grid.contains(in_anatomy) ? anatomy.intensity[anatomy.grid.at(in_anatomy)] / brightest : 0;
        const auto grey = static_cast<std::uint8_t>(std::lround(255 * std::min(1.0, value)));
        const Colour tissue{grey, grey, grey};
        backdrop.colours.push_back(plan.tissue[plan.grid.at(c)] == Tissue::skull ? blend({110, 116, 140}, tissue, 0.6)
                                                                                 : tissue);
      }
    }
  }
  for (const Cell& element : plan.elements) backdrop.colours[plan.grid.at(element)] = {255, 220, 120};
  return backdrop;
}

Picture draw_peak(const Plan& plan, const Backdrop& backdrop, const Outcome& outcome, Engine& engine) {
  const Cell& t = plan.target_cell;
  const Plane planes[] = {{0, 1, 2, t.z, "axial"}, {0, 2, 1, t.y, "coronal"}, {1, 2, 0, t.x, "sagittal"}};
  const int scale = pixels_per_cell(backdrop, 430);
  const double full_scale_pa = outcome.focus.peak_pa;
  std::vector<Slice> slices;
  for (const Plane& plane : planes) {
    slices.push_back(cut(backdrop, plane, scale));
    slices.back().pressure_pa = outcome.result.peak_pa->read(box_of(backdrop.grid, plane));
    slices.back().full_scale_pa = full_scale_pa;
  }
  std::vector<Picture> parts = engine.draw(slices);
  int width = gap, height = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    mark(parts[i], slices[i], outcome, t, planes[i]);
    width += parts[i].width() + gap;
    height = std::max(height, parts[i].height());
  }
  constexpr int heading = 64, bar = 120;
  Picture picture(width + bar, height + heading + gap, paper);
  picture.text(gap, 12,
               fmt::format("{}: peak {:.0f} kPa, {:.1f} mm off target",
                           scenario_titles[static_cast<std::size_t>(outcome.scenario)], outcome.focus.peak_pa * 1e-3,
                           outcome.focus.off_target_mm),
               ink, 2);
  picture.text(gap, 36,
               fmt::format("{:.0f} kHz, {:.3g} mm cells", plan.burst.frequency_hz * 1e-3, plan.grid.spacing_mm), faint,
               2);
  picture.circle(gap + 426, 42, 7, target_ink);
  picture.text(gap + 440, 36, "target", target_ink, 2);
  picture.cross(gap + 546, 42, 6, focus_ink);
  picture.text(gap + 560, 36, "focus", focus_ink, 2);
  int x = gap;
  for (const Picture& part : parts) {
    picture.paste(part, x, heading);
    x += part.width() + gap;
  }
  draw_colour_bar(picture, x, heading, height - 40, full_scale_pa);
  return picture;
}

Picture draw_movie(const Plan& plan, const Backdrop& backdrop, const Outcome& outcome, Engine& engine) {
  const auto& snapshots = outcome.result.snapshots;
  const Cell& t = plan.target_cell;
  float strongest = 0;  // at the target
  for (const Snapshot& snapshot : snapshots) {
    const auto i = static_cast<std::size_t>(t.z) * plan.grid.extents.ny + t.y;
    strongest = std::max(strongest, std::abs(snapshot.pressure_pa[i]));
  }
  Slice slice = cut(backdrop, {1, 2, 0, t.x, ""}, pixels_per_cell(backdrop, 280));
  slice.style = SliceStyle::wave;
  // Elements are far louder than what arrives: full scale is a fraction of the focus.
  slice.full_scale_pa = std::max(0.5 * outcome.focus.peak_pa, std::max(1e-30, static_cast<double>(strongest)));
  std::vector<Slice> slices;
  for (const Snapshot& snapshot : snapshots) {
    slices.push_back(slice);
    slices.back().pressure_pa = snapshot.pressure_pa;
  }
  const std::vector<Picture> frames = engine.draw(slices);

  constexpr int columns = 4, heading = 40, caption = 22;
  const int count = static_cast<int>(frames.size()), rows = (count + columns - 1) / columns;
  Picture picture(gap + std::min(columns, std::max(1, count)) * (slice.width() + gap),
                  heading + rows * (slice.height() + caption + gap), paper);
  picture.text(gap, 12,
               fmt::format("pressure {}, sagittal plane of the target",
                           scenario_titles[static_cast<std::size_t>(outcome.scenario)]),
               ink, 2);
  for (int frame = 0; frame < count; ++frame) {
    const int left = gap + frame % columns * (slice.width() + gap),
              top = heading + frame / columns * (slice.height() + caption + gap);
    picture.paste(frames[static_cast<std::size_t>(frame)], left, top);
    for (const double radius : {6.0, 6.6}) {
      picture.circle(left + slice.x_of(t.y), top + slice.y_of(t.z), radius, target_ink);
    }
    const int step = snapshots[static_cast<std::size_t>(frame)].step;
    picture.text(left, top + slice.height() + 5, fmt::format("{:.1f} us", step * plan.step_s * 1e6), faint, 2);
  }
  return picture;
}

}  // namespace ultrasound
