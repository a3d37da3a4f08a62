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

/// Turns cells of one plane into pixels, without the absorbing layer.
class View {
 public:
  View(const Backdrop& backdrop, Plane plane, int pixels_per_cell)
      : grid_(backdrop.grid), plane_(plane), layer_(backdrop.layer_cells), scale_(pixels_per_cell) {}

  int width() const { return (count(plane_.across) - 2 * layer_) * scale_; }
  int height() const { return (count(plane_.up) - 2 * layer_) * scale_; }
  double x_of(Cell c) const { return (part(c, plane_.across) - layer_ + 0.5) * scale_; }
  double y_of(Cell c) const { return height() - (part(c, plane_.up) - layer_ + 0.5) * scale_; }

  /// Value at a pixel: `value(cell)` at the four cells around it, weighted linearly.
  template <class F>
  double smooth(int x, int y, F value) const {
    const double a = (x + 0.5) / scale_ + layer_ - 0.5, b = (height() - y - 0.5) / scale_ + layer_ - 0.5;
    const int i = static_cast<int>(std::floor(a)), j = static_cast<int>(std::floor(b));
    const double u = a - i, v = b - j;
    return (1 - u) * (1 - v) * value(cell(i, j)) + u * (1 - v) * value(cell(i + 1, j)) +
           (1 - u) * v * value(cell(i, j + 1)) + u * v * value(cell(i + 1, j + 1));
  }
  Cell cell_at(int x, int y) const { return cell(x / scale_ + layer_, (height() - 1 - y) / scale_ + layer_); }

 private:
  int count(int axis) const { return axis == 0 ? grid_.extents.nx : axis == 1 ? grid_.extents.ny : grid_.extents.nz; }
  Cell cell(int i, int j) const {
    int index[3] = {};
    index[plane_.across] = std::clamp(i, 0, count(plane_.across) - 1);
    index[plane_.up] = std::clamp(j, 0, count(plane_.up) - 1);
    index[plane_.normal] = plane_.index;
    return {index[0], index[1], index[2]};
  }
  Grid grid_;
  Plane plane_;
  int layer_, scale_;
};

int pixels_per_cell(const Backdrop& backdrop, int wanted) {
  const Extents& n = backdrop.grid.extents;
  return std::max(1, wanted / (std::max({n.nx, n.ny, n.nz}) - 2 * backdrop.layer_cells));
}

/// One plane of the peak pressure; what is below a tenth of full scale shows the anatomy alone.
Picture draw_plane(const Backdrop& backdrop, const Outcome& outcome, Cell target, double full_scale_pa, Plane plane,
                   int scale) {
  const View view(backdrop, plane, scale);
  Picture picture(view.width(), view.height());
  for (int y = 0; y < view.height(); ++y) {
    for (int x = 0; x < view.width(); ++x) {
      const double pressure =
          view.smooth(x, y, [&](Cell c) { return outcome.result.peak_pa[backdrop.grid.at(c)]; }) / full_scale_pa;
      const double opacity = std::clamp((pressure - 0.1) / 0.25, 0.0, 0.85);
      picture.set(x, y, blend(inferno(pressure), backdrop.colours[backdrop.grid.at(view.cell_at(x, y))], opacity));
    }
  }
  for (const double radius : {7.0, 7.6, 8.2}) picture.circle(view.x_of(target), view.y_of(target), radius, target_ink);
  picture.cross(view.x_of(outcome.focus.cell), view.y_of(outcome.focus.cell), 6, focus_ink);
  picture.text(6, 6, plane.name, ink, 2);
  return picture;
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

Colour wave_colour(double value, Colour under) {
  constexpr Colour high{255, 120, 40}, low{70, 150, 255};
  const double strength = std::sqrt(std::min(1.0, std::abs(value)));
  return strength < 0.12 ? under : blend(value > 0 ? high : low, under, std::min(0.95, strength));
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

Picture draw_peak(const Plan& plan, const Backdrop& backdrop, const Outcome& outcome, double full_scale_pa) {
  const Cell& t = plan.target_cell;
  const Plane planes[] = {{0, 1, 2, t.z, "axial"}, {0, 2, 1, t.y, "coronal"}, {1, 2, 0, t.x, "sagittal"}};
  const int scale = pixels_per_cell(backdrop, 430);
  std::vector<Picture> parts;
  int width = gap, height = 0;
  for (const Plane& plane : planes) {
    parts.push_back(draw_plane(backdrop, outcome, t, full_scale_pa, plane, scale));
    width += parts.back().width() + gap;
    height = std::max(height, parts.back().height());
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

Picture draw_movie(const Plan& plan, const Backdrop& backdrop, const Outcome& outcome) {
  const auto& snapshots = outcome.result.snapshots;
  const View view(backdrop, {1, 2, 0, plan.target_cell.x, ""}, pixels_per_cell(backdrop, 280));
  constexpr int columns = 4, heading = 40, caption = 22;
  const int count = static_cast<int>(snapshots.size()), rows = (count + columns - 1) / columns;
  Picture picture(gap + std::min(columns, std::max(1, count)) * (view.width() + gap),
                  heading + rows * (view.height() + caption + gap), paper);
  picture.text(gap, 12,
               fmt::format("pressure {}, sagittal plane of the target",
                           scenario_titles[static_cast<std::size_t>(outcome.scenario)]),
               ink, 2);
  float strongest = 1e-30F;
  for (const Snapshot& snapshot : snapshots) {
    for (const Cell c : {plan.target_cell})
      strongest = std::max(strongest,
                           std::abs(snapshot.pressure_pa[static_cast<std::size_t>(c.z) * plan.grid.extents.ny + c.y]));
  }
  // Elements are far louder than what arrives: full scale is a fraction of the focus.
  const double full_scale = std::max(0.5 * outcome.focus.peak_pa, static_cast<double>(strongest));
  for (int frame = 0; frame < count; ++frame) {
    const Snapshot& snapshot = snapshots[static_cast<std::size_t>(frame)];
    const int left = gap + frame % columns * (view.width() + gap),
              top = heading + frame / columns * (view.height() + caption + gap);
    for (int y = 0; y < view.height(); ++y) {
      for (int x = 0; x < view.width(); ++x) {
        const double value = view.smooth(x, y, [&](Cell c) {
          return snapshot.pressure_pa[static_cast<std::size_t>(c.z) * plan.grid.extents.ny + c.y];
        });
        picture.set(left + x, top + y,
                    wave_colour(value / full_scale, backdrop.colours[backdrop.grid.at(view.cell_at(x, y))]));
      }
    }
    for (const double radius : {6.0, 6.6}) {
      picture.circle(left + view.x_of(plan.target_cell), top + view.y_of(plan.target_cell), radius, target_ink);
    }
    picture.text(left, top + view.height() + 5, fmt::format("{:.1f} us", snapshot.step * plan.step_s * 1e6), faint, 2);
  }
  return picture;
}

}  // namespace ultrasound
