#include "figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "legend.hpp"

namespace ultrasound {
namespace {

constexpr int gap = 20, line_height = 26;

/// A plane through the grid: horizontal axis, vertical axis (upwards), and the index along the third.
struct Plane {
  int across = 0, up = 1, normal = 2, index = 0;
  const char *name = "", *left = "", *right = "";
};

int part(Cell c, int axis) { return axis == 0 ? c.x : axis == 1 ? c.y : c.z; }
double part(Point p, int axis) { return axis == 0 ? p.x : axis == 1 ? p.y : p.z; }
int count(const Grid& grid, int axis) {
  return axis == 0 ? grid.extents.nx : axis == 1 ? grid.extents.ny : grid.extents.nz;
}

Plane axial(const Plan& plan) { return {0, 1, 2, plan.target_cell.z, "axial", "L", "R"}; }
Plane coronal(const Plan& plan) { return {0, 2, 1, plan.target_cell.y, "coronal", "L", "R"}; }
Plane sagittal(const Plan& plan) { return {1, 2, 0, plan.target_cell.x, "sagittal", "P", "A"}; }

int pixels_per_cell(const Backdrop& backdrop, int wanted) {
  const Extents& n = backdrop.plan().grid.extents;
  return std::max(1, wanted / (std::max({n.nx, n.ny, n.nz}) - 2 * backdrop.layer_cells()));
}

/// The cells of a plane, in the order of Slice::pressure_pa.
Box box_of(const Grid& grid, const Plane& plane) {
  Box box{.extents = grid.extents};
  (plane.normal == 0 ? box.first.x : plane.normal == 1 ? box.first.y : box.first.z) = plane.index;
  (plane.normal == 0 ? box.extents.nx : plane.normal == 1 ? box.extents.ny : box.extents.nz) = 1;
  return box;
}

/// The plane without its pressure.
Slice cut(const Backdrop& backdrop, const Plane& plane, Scenario scenario, int scale) {
  const Grid& grid = backdrop.plan().grid;
  Slice slice{.across = count(grid, plane.across),
              .up = count(grid, plane.up),
              .layer_cells = backdrop.layer_cells(),
              .pixels_per_cell = scale};
  for (int row = 0; row < slice.up; ++row) {
    for (int column = 0; column < slice.across; ++column) {
      int index[3] = {};
      index[plane.across] = column;
      index[plane.up] = row;
      index[plane.normal] = plane.index;
      slice.under.push_back(backdrop.colour({index[0], index[1], index[2]}, scenario));
    }
  }
  return slice;
}

/// The loudest cell that a slice shows.
double loudest_pa(const Slice& slice) {
  double most = 0;
  for (int row = slice.layer_cells; row < slice.up - slice.layer_cells; ++row) {
    for (int column = slice.layer_cells; column < slice.across - slice.layer_cells; ++column) {
      const auto i =
          static_cast<std::size_t>(row) * static_cast<std::size_t>(slice.across) + static_cast<std::size_t>(column);
      most = std::max(most, static_cast<double>(std::abs(slice.pressure_pa[i])));
    }
  }
  return most;
}

constexpr double element_reach_mm = 6;  // how far from a plane an element may be to be marked in it

/// Elements, target, focus, sides and a length.
void mark(Picture& picture, const Slice& slice, const Plan& plan, const Plane& plane, const Focus* focus) {
  for (const Cell& element : plan.elements) {
    if (std::abs(part(element, plane.normal) - plane.index) * plan.grid.spacing_mm > element_reach_mm) continue;
    mark_element(picture, slice.x_of(part(element, plane.across)), slice.y_of(part(element, plane.up)));
  }
  mark_target(picture, slice.x_of(part(plan.target_cell, plane.across)), slice.y_of(part(plan.target_cell, plane.up)));
  if (focus) mark_focus(picture, slice.x_of(part(focus->cell, plane.across)), slice.y_of(part(focus->cell, plane.up)));
  outlined_text(picture, 8, slice.height() / 2 - 7, plane.left, ink, 2);
  outlined_text(picture, slice.width() - 18, slice.height() / 2 - 7, plane.right, ink, 2);
  draw_length(picture, 10, slice.height() - 14, slice.width(), slice.pixels_per_cell / plan.grid.spacing_mm);
}

enum class Marks { with_focus, without_focus };

/// What the marks mean, in one line.
void explain_marks(Picture& picture, int y, Scenario scenario, Marks marks) {
  int x = gap;
  const auto word = [&](int mark_width, std::string_view text) {
    picture.text(x + mark_width, y, text, ink, 2);
    x += mark_width + Picture::text_width(text, 2) + 40;
  };
  mark_target(picture, x + 13, y + 7);
  word(36, "target");
  if (marks == Marks::with_focus) {
    mark_focus(picture, x + 28, y + 7);
    word(66, "focus: loudest in the brain");
  }
  mark_element(picture, x + 6, y + 7);
  word(20, fmt::format("element, at most {:.0f} mm from the plane", element_reach_mm));
  if (scenario == Scenario::water) return;
  picture.fill(x, y - 3, 20, 20, blend(bone_ink, {90, 90, 90}, 0.45));
  word(30, "bone");
}

/// What the colours cannot show.
std::string explain_range(const Outcome& outcome, SliceStyle style, double full_scale_pa, double most_pa) {
  const double full = full_scale_pa * 1e-3, most = most_pa * 1e-3;
  const double from = full * (style == SliceStyle::peak ? faintest_peak : faintest_wave);
  const std::string head = outcome.scenario == Scenario::water
                               ? "Water everywhere: the head is drawn for orientation only. "
                               : fmt::format("Below {:.2g} kPa the head alone is shown. ", from);
  const char* common = style == SliceStyle::peak ? " One scale for water and skull." : "";
  if (most <= full * 1.0001) return head + fmt::format("The loudest here is {:.3g} kPa.{}", most, common);
  return head + fmt::format("Louder than {:.3g} kPa looks like {:.3g} kPa: up to {:.3g} kPa here, near the elements.{}",
                            full, full, most, common);
}

/// So wide that the texts fit, too.
int widened(int width, const std::string& title, const std::string& under_it, const std::string& below) {
  return std::max({width, 2 * gap + Picture::text_width(title, 3), 2 * gap + Picture::text_width(under_it, 2),
                   2 * gap + Picture::text_width(below, 2)});
}

std::string conditions(const Plan& plan) {
  return fmt::format("{}; {:.0f} kHz, {:.3g} mm cells", plan.target.name, plan.burst.frequency_hz * 1e-3,
                     plan.grid.spacing_mm);
}

std::string place_of(const Plan& plan, const Plane& plane) {
  constexpr const char* axes[] = {"x", "y", "z"};
  return fmt::format("{}, {} = {:.3g} mm", plane.name, axes[plane.normal],
                     part(plan.grid.centre(plan.target_cell), plane.normal));
}

const char* title_of(const Outcome& outcome) { return scenario_titles[static_cast<std::size_t>(outcome.scenario)]; }

}  // namespace

Backdrop::Backdrop(const Plan& plan, const Anatomy& anatomy, int layer_cells)
    : plan_(plan),
      anatomy_(anatomy),
      layer_cells_(layer_cells),
      brightest_(*std::max_element(anatomy.intensity.begin(), anatomy.intensity.end())) {}

Colour Backdrop::colour(Cell cell, Scenario scenario) const {
  const Cell in_anatomy = anatomy_.grid.nearest(plan_.grid.centre(cell));
  if (!anatomy_.grid.contains(in_anatomy)) return {};
  const double shade = scenario == Scenario::water ? 110 : 255;
  const auto grey = static_cast<std::uint8_t>(
      std::lround(shade * std::clamp(anatomy_.intensity[anatomy_.grid.at(in_anatomy)] / brightest_, 0.0F, 1.0F)));
  const Colour tissue{grey, grey, grey};
  const bool bone = scenario != Scenario::water && plan_.tissue[plan_.grid.at(cell)] == Tissue::skull;
  return bone ? blend(bone_ink, tissue, 0.45) : tissue;
}

double common_full_scale_pa(const Treatment& treatment) {
  double most = 1e-30;
  for (const Outcome& outcome : treatment.outcomes) {
    if (outcome.scenario != Scenario::reversal) most = std::max(most, outcome.focus.peak_pa);
  }
  return most;
}

Picture draw_peak(const Backdrop& backdrop, const Outcome& outcome, double full_scale_pa, Engine& engine) {
  const Plan& plan = backdrop.plan();
  const Plane planes[] = {axial(plan), coronal(plan), sagittal(plan)};
  const int scale = pixels_per_cell(backdrop, 560);
  std::vector<Slice> slices;
  double most_pa = 0;
  for (const Plane& plane : planes) {
    Slice& slice = slices.emplace_back(cut(backdrop, plane, outcome.scenario, scale));
    slice.pressure_pa = outcome.result.peak_pa->read(box_of(plan.grid, plane));
    slice.full_scale_pa = full_scale_pa;
    most_pa = std::max(most_pa, loudest_pa(slice));
  }
  std::vector<Picture> parts = engine.draw(slices);
  int width = gap, height = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    mark(parts[i], slices[i], plan, planes[i], &outcome.focus);
    width += parts[i].width() + gap;
    height = std::max(height, parts[i].height());
  }
  constexpr int heading = 4 * line_height + gap;
  const std::string title = fmt::format("Peak pressure {}", title_of(outcome)),
                    under_it = fmt::format("{}; focus {:.0f} kPa, {:.1f} mm off target", conditions(plan),
                                           outcome.focus.peak_pa * 1e-3, outcome.focus.off_target_mm),
                    below = explain_range(outcome, SliceStyle::peak, full_scale_pa, most_pa);
  Picture picture(widened(width + colour_bar_width, title, under_it, below), heading + height + 4 * line_height + gap,
                  paper);
  picture.text(gap, gap, title, ink, 3);
  picture.text(gap, gap + 36, under_it, faint, 2);
  int x = gap;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    picture.text(x, heading - 24, place_of(plan, planes[i]), ink, 2);
    picture.paste(parts[i], x, heading);
    x += parts[i].width() + gap;
  }
  draw_colour_bar(picture, x, heading, height, SliceStyle::peak, full_scale_pa);
  explain_marks(picture, heading + height + gap + 16, outcome.scenario, Marks::with_focus);
  picture.text(gap, heading + height + gap + 16 + 48, below, faint, 2);
  return picture;
}

Picture draw_movie(const Backdrop& backdrop, const Outcome& outcome, Engine& engine) {
  const Plan& plan = backdrop.plan();
  const auto& snapshots = outcome.result.snapshots;
  const Cell& t = plan.target_cell;
  float strongest = 0;  // at the target
  for (const Snapshot& snapshot : snapshots) {
    const auto i = static_cast<std::size_t>(t.z) * plan.grid.extents.ny + t.y;
    strongest = std::max(strongest, std::abs(snapshot.pressure_pa[i]));
  }
  const Plane plane = sagittal(plan);
  Slice slice = cut(backdrop, plane, outcome.scenario, pixels_per_cell(backdrop, 400));
  slice.style = SliceStyle::wave;
  // Elements are far louder than what arrives: full scale is a fraction of the focus.
  slice.full_scale_pa = std::max(0.5 * outcome.focus.peak_pa, std::max(1e-30, static_cast<double>(strongest)));
  std::vector<Slice> slices;
  double most_pa = 0;
  for (const Snapshot& snapshot : snapshots) {
    slices.push_back(slice);
    slices.back().pressure_pa = snapshot.pressure_pa;
    most_pa = std::max(most_pa, loudest_pa(slices.back()));
  }
  std::vector<Picture> frames = engine.draw(slices);

  constexpr int heading = 4 * line_height, caption = 24;
  const int count = static_cast<int>(frames.size()), columns = std::clamp(count, 1, 4),
            rows = (count + columns - 1) / columns, row_height = caption + slice.height() + gap;
  const int bottom = heading + rows * row_height, width = gap + columns * (slice.width() + gap);
  const std::string title = fmt::format("Pressure {}", title_of(outcome)),
                    under_it = fmt::format("{}; {}", conditions(plan), place_of(plan, plane)),
                    below = explain_range(outcome, SliceStyle::wave, slice.full_scale_pa, most_pa);
  Picture picture(widened(width + colour_bar_width, title, under_it, below), bottom + 3 * line_height + gap, paper);
  picture.text(gap, gap, title, ink, 3);
  picture.text(gap, gap + 36, under_it, faint, 2);
  for (int frame = 0; frame < count; ++frame) {
    const int left = gap + frame % columns * (slice.width() + gap), top = heading + frame / columns * row_height;
    const int step = snapshots[static_cast<std::size_t>(frame)].step;
    Picture& shown = frames[static_cast<std::size_t>(frame)];
    mark(shown, slice, plan, plane, nullptr);
    picture.text(left, top, fmt::format("after {:.1f} us", step * plan.step_s * 1e6), ink, 2);
    picture.paste(shown, left, top + caption);
  }
  draw_colour_bar(picture, width, heading + caption, rows * row_height - caption - gap, SliceStyle::wave,
                  slice.full_scale_pa);
  explain_marks(picture, bottom + 12, outcome.scenario, Marks::without_focus);
  picture.text(gap, bottom + 12 + 46, below, faint, 2);
  return picture;
}

}  // namespace ultrasound
