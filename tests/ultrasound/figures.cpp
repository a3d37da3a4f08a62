// What pictures must not get wrong: scales, legends, and what lies where.

#include "figures.hpp"

#include <gtest/gtest.h>

#include "legend.hpp"
#include "phantom.hpp"
#include "segment.hpp"

namespace ultrasound {
namespace {

TEST(ColourMap, GetsLighterEvenly) {
  double before = -1;
  for (int i = 0; i <= 100; ++i) {
    const Colour c = inferno(i / 100.0);
    const double luma = 0.2126 * c.red + 0.7152 * c.green + 0.0722 * c.blue;
    EXPECT_GE(luma, before - 0.5) << i;
    before = luma;
  }
}

TEST(ColourBar, ShowsTheColoursOfThePicture) {
  constexpr int height = 201;
  for (const SliceStyle style : {SliceStyle::peak, SliceStyle::wave}) {
    Picture picture(colour_bar_width, height + 40);
    draw_colour_bar(picture, 0, 30, height, style, 80e3);
    const double lowest = style == SliceStyle::wave ? -1 : 0;
    EXPECT_EQ(picture.at(5, 30), slice_colour(style, 1, {60, 60, 60}));
    EXPECT_EQ(picture.at(5, 30 + height - 1), slice_colour(style, lowest, {60, 60, 60}));
    EXPECT_EQ(picture.at(5, 30 + height / 2), slice_colour(style, (1 + lowest) / 2, {60, 60, 60}));
    EXPECT_EQ(slice_colour(style, 7, {}), slice_colour(style, 1, {}));
  }
}

TEST(RoundNumber, IsOneTwoOrFive) {
  EXPECT_DOUBLE_EQ(round_number(51.4), 50);
  EXPECT_DOUBLE_EQ(round_number(49), 20);
  EXPECT_DOUBLE_EQ(round_number(0.19), 0.1);
}

TEST(Marks, LeaveTheirMiddleFreeAndHaveADarkRim) {
  const Colour white{255, 255, 255};
  for (const auto& mark : {mark_target, mark_focus}) {
    Picture picture(61, 61, white);
    mark(picture, 30, 30);
    EXPECT_EQ(picture.at(30, 30), white);
    bool dark = false;
    for (int x = 0; x < 61; ++x) dark = dark || picture.at(x, 30) == Colour{};
    EXPECT_TRUE(dark);
  }
}

TEST(Letters, HangBelowTheLine) {
  Picture picture(12, 12, {});
  picture.text(0, 0, "ph", {255, 255, 255});
  bool p = false, h = false;
  for (int x = 0; x < 6; ++x) p = p || picture.at(x, 8) != Colour{}, h = h || picture.at(x + 6, 8) != Colour{};
  EXPECT_TRUE(p);
  EXPECT_FALSE(h);
}

TEST(Backdrop, TintsBoneOnlyWhereTheSimulationHasBone) {
  const Config config = doll_config();
  const Anatomy anatomy =
      segment(decode_nifti(doll_bytes(DollPart::head)), decode_nifti(doll_bytes(DollPart::brain_mask)));
  const Plan plan = make_plan(config, anatomy, config.targets[0]);
  const Backdrop backdrop(plan, anatomy, config.layer_cells);
  const auto grey = [](Colour c) { return c.red == c.green && c.green == c.blue; };
  int tinted = 0;
  for (int z = 0; z < plan.grid.extents.nz; ++z) {
    for (int y = 0; y < plan.grid.extents.ny; ++y) {
      for (int x = 0; x < plan.grid.extents.nx; ++x) {
        const Cell cell{x, y, z};
        EXPECT_TRUE(grey(backdrop.colour(cell, Scenario::water)));
        if (grey(backdrop.colour(cell, Scenario::corrected))) continue;
        ++tinted;
        EXPECT_EQ(plan.tissue[plan.grid.at(cell)], Tissue::skull);
      }
    }
  }
  EXPECT_GT(tinted, 100);
}

TEST(PeakPictures, ShareOneScale) {
  Treatment treatment;
  treatment.outcomes.push_back({.scenario = Scenario::reversal, .focus = {.peak_pa = 9e6}});
  treatment.outcomes.push_back({.scenario = Scenario::water, .focus = {.peak_pa = 200e3}});
  treatment.outcomes.push_back({.scenario = Scenario::corrected, .focus = {.peak_pa = 100e3}});
  EXPECT_DOUBLE_EQ(common_full_scale_pa(treatment), 200e3);
}

}  // namespace
}  // namespace ultrasound
