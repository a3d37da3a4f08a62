// Segmentation, configuration, analysis and files, each on its own.

#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "analysis.hpp"
#include "config.hpp"
#include "distance.hpp"
#include "error.hpp"
#include "file.hpp"
#include "phantom.hpp"
#include "picture.hpp"
#include "tissue_medium.hpp"
#include "transducer.hpp"

namespace ultrasound {
namespace {

Anatomy doll_anatomy() {
  return segment(decode_nifti(doll_bytes(DollPart::head)), decode_nifti(doll_bytes(DollPart::brain_mask)));
}

TEST(Segmentation, FindsTheShellsOfTheDoll) {
  const Anatomy anatomy = doll_anatomy();
  int right = 0, all = 0;
  for (double radius : {5.0, 16.5, 21.5, 22.5, 26.0, 33.0}) {
    for (const Point& direction :
         {Point{1, 0, 0}, Point{-1, 0, 0}, Point{0, 1, 0}, Point{0, 0, 1}, Point{0.6, -0.64, 0.48}}) {
      const Tissue expected = radius < 18   ? Tissue::brain
                              : radius < 24 ? Tissue::skull
                              : radius < 28 ? Tissue::soft_tissue
                                            : Tissue::water;
      right += tissue_at(anatomy, radius * direction) == expected;
      ++all;
    }
  }
  EXPECT_EQ(right, all);
  EXPECT_EQ(tissue_at(anatomy, {19, 0, 0}), Tissue::water);  // fluid between brain and skull
}

TEST(Segmentation, RefusesAMaskOfAnotherHead) {
  const Volume head = decode_nifti(doll_bytes(DollPart::head));
  Volume mask = decode_nifti(doll_bytes(DollPart::brain_mask));
  std::fill(mask.values.begin(), mask.values.end(), 0.0F);
  EXPECT_THROW(segment(head, mask), InputError);
  mask.extents.nx -= 1;
  EXPECT_THROW(segment(head, mask), InputError);
}

TEST(Distance, EqualsTheOneFoundByTryingAll) {
  const Grid grid{.extents = {9, 11, 7}};
  Region region(grid.extents.cells());
  const std::vector<Cell> seeds{{1, 2, 3}, {8, 10, 0}, {4, 4, 6}};
  for (const Cell& seed : seeds) region[grid.at(seed)] = 1;
  const auto squared = squared_distance(region, grid.extents, 100);
  for (int z = 0; z < 7; ++z) {
    for (int y = 0; y < 11; ++y) {
      for (int x = 0; x < 9; ++x) {
        double nearest = 1e9;
        for (const Cell& s : seeds)
          nearest = std::min(nearest, std::pow(s.x - x, 2) + std::pow(s.y - y, 2) + std::pow(s.z - z, 2));
        EXPECT_EQ(squared[grid.at({x, y, z})], nearest);
      }
    }
  }
}

TEST(Mixture, KeepsPureTissueAndMixesByVolume) {
  const Anatomy anatomy = doll_anatomy();
  const Config config = doll_config();
  const Grid coarse{.extents = {60, 60, 60}, .spacing_mm = 2, .origin_mm = {-59, -59, -59}};
  const Medium medium = tissue_medium(coarse, anatomy, config.materials);
  check_medium(medium);
  const auto at = [&](Point p) { return coarse.at(coarse.nearest(p)); };
  EXPECT_NEAR(medium.speed_m_s[at({1, 1, 1})], 1560, 0.1);
  EXPECT_NEAR(medium.speed_m_s[at({50, 1, 1})], 1500, 0.1);
  std::set<float> densities(medium.density_kg_m3.begin(), medium.density_kg_m3.end());
  EXPECT_GT(densities.size(), 8U);
  EXPECT_GE(*densities.begin(), 999.9F);
  EXPECT_LE(*densities.rbegin(), 1850.1F);
}

TEST(Transducer, SpreadsItsElementsOverTheCap) {
  TransducerConfig cap{.radius_mm = 100, .aperture_mm = 120, .elements = 300, .direction = {0, 0, 2}};
  Point sum;
  for (const Point& p : place_elements(cap, {1, 2, 3})) {
    const Point from = p - Point{1, 2, 3};
    EXPECT_NEAR(length(from), 100, 1e-9);
    EXPECT_GE(from.z, 80 - 1e-9);  // rim: 60 mm from the axis
    sum = sum + from;
  }
  EXPECT_NEAR(sum.x / 300, 0, 0.5);
  EXPECT_NEAR(sum.y / 300, 0, 0.5);
  EXPECT_NEAR(sum.z / 300, 90, 0.1);
}

TEST(Transducer, GridHasTheTargetInACellCentre) {
  const Config config = doll_config();
  const Anatomy anatomy = doll_anatomy();
  const Point target = config.targets[0].position_mm;
  const Grid grid = run_grid(config, anatomy.grid, target, place_elements(config.transducer, target));
  EXPECT_NEAR(length(grid.centre(grid.nearest(target)) - target), 0, 1e-9);
}

TEST(Arrival, IsFoundToATenthOfASample) {
  const ToneBurst burst{.frequency_hz = 200e3, .cycles = 3, .amplitude = 1};
  const double step = 0.4e-6;
  for (const double delay : {20e-6, 20.13e-6, 33.3e-6}) {
    std::vector<float> trace;
    for (int n = 0; n < 200; ++n) trace.push_back(static_cast<float>(burst.slope((n + 0.5) * step - delay)));
    EXPECT_NEAR(arrival_s(trace, step, burst, delay - 8e-6, delay + 2e-6), delay, 0.1 * step);
  }
}

TEST(Focus, IsTheHighestPlaceInTheBrainWithItsHalfWidths) {
  const Grid grid{.extents = {21, 21, 21}, .spacing_mm = 2};
  std::vector<float> peak;
  for (int z = 0; z < 21; ++z) {
    for (int y = 0; y < 21; ++y) {
      for (int x = 0; x < 21; ++x)
        peak.push_back(std::max(0.0F, 8.0F - 2 * std::abs(x - 11.0F) - std::abs(y - 10.0F) - std::abs(z - 10.0F)));
    }
  }
  std::vector<std::uint8_t> inside(peak.size(), 1);
  peak[grid.at({2, 2, 2})] = 100;  // an element, say
  inside[grid.at({2, 2, 2})] = 0;
  const Focus focus = find_focus(grid, WholeField(grid.extents, peak), inside, {10, 10, 10}, 100);
  EXPECT_EQ(focus.cell, (Cell{11, 10, 10}));
  EXPECT_DOUBLE_EQ(focus.peak_pa, 8);
  EXPECT_DOUBLE_EQ(focus.at_target_pa, 6);
  EXPECT_DOUBLE_EQ(focus.off_target_mm, 2);
  EXPECT_NEAR(focus.width_mm.x, 8, 1e-6);  // 2 cells to each side
  EXPECT_NEAR(focus.width_mm.y, 16, 1e-6);
}

TEST(Configuration, SurvivesItsOwnText) {
  Config config = doll_config(), back;
  config.materials[2].speed_m_s = 2750;
  const std::string text = to_toml(config);
  read_toml(text, "text", back);
  EXPECT_EQ(to_toml(back), text);
  EXPECT_EQ(back.targets[0].name, "doll");
}

TEST(Configuration, RefusesWhatItDoesNotKnowAndNamesTheNearest) {
  const auto refusal = [](const char* text) -> std::string {
    try {
      Config config;
      read_toml(text, "run.toml", config);
      check_config(config);
    } catch (const InputError& error) {
      return error.what();
    }
    return "accepted";
  };
  const auto says = [](const std::string& text, const char* words) {
    EXPECT_NE(text.find(words), std::string::npos) << text;
  };
  says(refusal("[run]\nspacing = 2"),
       "run.toml:2: unknown key run.spacing (it would change nothing); did you mean spacing_mm?");
  says(refusal("[transduser]"), "did you mean transducer?");
  says(refusal("[materials.skul]"), "did you mean skull?");
  says(refusal("[run]\nblocks = 1.5"), "run.blocks is no whole number");
  says(refusal("[run]\nspacing_mm = \"two\""), "run.spacing_mm is no number");
  says(refusal("[run]\nspacing_mm = \"2\""), "run.spacing_mm is no number");
  says(refusal("[run]\nblocks = \"2\""), "run.blocks is no whole number");
  says(refusal("[[target]]\nposition_mm = [\"1\", \"2\", \"3\"]"), "is not [x, y, z]");
  says(refusal("[[target]]\nposition_mm = [1, 2]"), "is not [x, y, z]");
  says(refusal("[run"), "run.toml:1:");
  says(refusal("[materials.skull]\nspeed_m_s = -2800"), "skull.speed_m_s is -2800");
  says(refusal("[materials.skull]\nspeed_m_s = nan"), "skull.speed_m_s is nan");
  says(refusal("[run]\nspacing_mm = 0"), "spacing_mm is 0");
  says(refusal("[transducer]\ncycles = 1"), "cycles is 1");
  EXPECT_EQ(refusal(""), "accepted");
}

TEST(WholeFile, LeavesNothingBehindWhenItsWriterFails) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "ultrasound-whole-file";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  EXPECT_THROW(write_whole(folder / "a",
                           [](const auto& partial) {
                             std::ofstream(partial) << "half";
                             throw std::runtime_error("no more");
                           }),
               std::runtime_error);
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  write_whole(folder / "a", [](const auto& partial) { std::ofstream(partial) << "whole"; });
  EXPECT_EQ(std::filesystem::file_size(folder / "a"), 5U);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace ultrasound
