// What must hold whatever the medium, the cut into blocks, or the machine's vectors.

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>

#include "error.hpp"
#include "tube.hpp"

namespace ultrasound {
namespace {

/// A ball of bone with a lossy core off the centre of a box of water.
Medium ball_of_bone(const Grid& grid) {
  Medium medium = uniform_medium(grid, 1500, 1000, 0.02F);
  const Extents& n = grid.extents;
  for (int z = 0; z < n.nz; ++z) {
    for (int y = 0; y < n.ny; ++y) {
      for (int x = 0; x < n.nx; ++x) {
        const Point offset{x - 0.4 * n.nx, y - 0.5 * n.ny, z - 0.6 * n.nz};
        if (length(offset) > 0.25 * n.nx) continue;
        const std::size_t i = grid.at({x, y, z});
        medium.speed_m_s[i] = 2800;
        medium.density_kg_m3[i] = 1900;
        medium.attenuation_db_cm_mhz[i] = 8;
      }
    }
  }
  return medium;
}

struct Box : testing::Test {
  Grid grid{.extents = {38, 35, 41}, .spacing_mm = 1};
  Medium medium = ball_of_bone(grid);
  double step = stable_step_s(medium);
  Coefficients coefficients = make_coefficients(medium, {.step_s = step, .frequency_hz = 200e3, .layer = {.cells = 6}});
  Simulation simulation{.coefficients = &coefficients,
                        .sources = {{{10, 12, 13}, {200e3, 2, 1e-6}}, {{25, 20, 30}, {200e3, 2, 1e-6}, 3e-6}},
                        .recorders = {{30, 30, 5}, {8, 8, 20}, {20, 17, 38}},
                        .steps = 220,
                        .energy_every = 1,
                        .snapshot_every = 50,
                        .snapshot_x = 19};
};

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

TEST_F(Box, GivesTheSameBitsForOneToEightBlocks) {
  const SimulationResult one = run_in_loop(simulation, {});
  EXPECT_GT(largest(one.traces[2]), 0);
  for (int blocks = 2; blocks <= 8; ++blocks) {
    simulation.blocks = blocks;
    const SimulationResult many = run_in_loop(simulation, {});
    EXPECT_TRUE(same_bits(one.peak_pa->all(), many.peak_pa->all())) << blocks;
    for (std::size_t i = 0; i < one.traces.size(); ++i) EXPECT_TRUE(same_bits(one.traces[i], many.traces[i])) << blocks;
    for (std::size_t i = 0; i < one.snapshots.size(); ++i) {
      EXPECT_TRUE(same_bits(one.snapshots[i].pressure_pa, many.snapshots[i].pressure_pa)) << blocks;
    }
    ASSERT_EQ(one.energy.size(), many.energy.size());
    for (std::size_t i = 0; i < one.energy.size(); ++i) EXPECT_EQ(one.energy[i].joule, many.energy[i].joule) << blocks;
  }
}

TEST_F(Box, GivesTheSameBitsAsTheHandlerOneCellAtATime) {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> value(-1, 1);
  const auto& layout = coefficients.layout;
  std::vector<float> now(static_cast<std::size_t>(layout.size())), before(now.size()), peak(now.size());
  for (std::size_t i = 0; i < now.size(); ++i) now[i] = value(random), before[i] = value(random);
  std::vector<float> scalar = before, scalar_peak = peak;
  ringray::kernels::WaveStep step_of{
      .layout = layout,
      .medium = {coefficients.stiffness.data(), coefficients.decay.data(), coefficients.buoyancy_x.data(),
                 coefficients.buoyancy_y.data(), coefficients.buoyancy_z.data()},
      .now = now.data(),
      .next = before.data(),
      .peak = peak.data(),
      .rate = static_cast<float>(1 / step)};
  advance_planes(step_of, 0, layout.nz);
  step_of.next = scalar.data();
  step_of.peak = scalar_peak.data();
  for (int z = layout.nz - 1; z >= 0; --z) {
    for (int y = 0; y < layout.ny; ++y) {
      for (int x = layout.nx - 1; x >= 0; --x) step_of(layout.at(x, y, z));
    }
  }
  EXPECT_TRUE(same_bits(before, scalar));
  EXPECT_TRUE(same_bits(peak, scalar_peak));
}

TEST_F(Box, EnergyNeverGrowsOnceTheSourcesAreSilent) {
  const SimulationResult result = run_in_loop(simulation, {});
  const double silent_s = 3e-6 + 2 / 200e3;
  double previous = 0, most = 0;
  int checked = 0;
  for (const EnergySample& sample : result.energy) {
    most = std::max(most, sample.joule);
    if (sample.step > silent_s / step + 2) {
      EXPECT_LE(sample.joule, previous + 1e-6 * most) << "step " << sample.step;  // single precision
      ++checked;
    }
    EXPECT_GE(sample.joule, -1e-6 * most);
    previous = sample.joule;
  }
  EXPECT_GT(checked, 50);
  EXPECT_LT(previous, 0.2 * most);
}

TEST_F(Box, KeepsItsEnergyWithoutLossesAndOutlets) {
  for (float& a : medium.attenuation_db_cm_mhz) a = 0;
  coefficients =
      make_coefficients(medium, {.step_s = step, .frequency_hz = 200e3, .layer = {.cells = 0}, .walls = Walls::rigid});
  simulation.steps = 600;
  const auto result = run_in_loop(simulation, {});
  const double begin = result.energy[120].joule, end = result.energy.back().joule;
  EXPECT_GT(begin, 0);
  EXPECT_NEAR(end / begin, 1, 1e-4);
}

TEST_F(Box, RefusesAnUnstableStepAndNamesTheStableOne) {
  try {
    make_coefficients(medium, {.step_s = 1.01 * step, .frequency_hz = 200e3});
    FAIL() << "an unstable step was taken";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("use at most"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("e-07 s"), std::string::npos) << error.what();
  }
}

TEST(StableStep, IsTheVonNeumannLimitInAUniformMedium) {
  const Medium medium = uniform_medium({.extents = {9, 9, 9}, .spacing_mm = 1}, 1500, 1000, 0);
  EXPECT_NEAR(stable_step_s(medium) / (2 * std::sqrt(3.0) / 7 * 1e-3 / 1500), 1, 1e-6);
}

TEST(StableStep, IsSharp) {
  const Medium medium = uniform_medium({.extents = {24, 24, 24}, .spacing_mm = 1}, 1500, 1000, 0);
  const double step = 0.995 * stable_step_s(medium);
  Coefficients coefficients = make_coefficients(medium, {.step_s = step, .frequency_hz = 1, .layer = {.cells = 0}});
  const Simulation simulation{.coefficients = &coefficients,
                              .sources = {{{12, 12, 12}, {300e3, 1, 1e-6}}},
                              .recorders = {{6, 6, 6}},
                              .steps = 1500};
  EXPECT_LT(largest(run_in_loop(simulation, {}).traces[0]), 1e6);
  for (float& s : coefficients.stiffness) s *= 1.04F;  // what a step 2 % longer would give
  const float beyond = largest(run_in_loop(simulation, {}).traces[0]);
  EXPECT_FALSE(beyond < 1e9);
}

TEST_F(Box, RefusesAMediumWithoutMeaning) {
  const auto refused = [&](auto&& spoil) {
    Medium bad = medium;
    spoil(bad);
    EXPECT_THROW(check_medium(bad), InputError);
  };
  refused([](Medium& m) { m.speed_m_s[5] = -1; });
  refused([](Medium& m) { m.speed_m_s[5] = 0; });
  refused([](Medium& m) { m.speed_m_s[5] = NAN; });
  refused([](Medium& m) { m.density_kg_m3[5] = INFINITY; });
  refused([](Medium& m) { m.attenuation_db_cm_mhz[5] = -0.1F; });
  refused([](Medium& m) { m.speed_m_s.pop_back(); });
}

TEST_F(Box, RefusesMoreBlocksThanTheGridHas) {
  simulation.blocks = 14;
  EXPECT_THROW(run_in_loop(simulation, {}), InputError);
  simulation.blocks = 1;
  simulation.sources[0].cell.x = 99;
  EXPECT_THROW(run_in_loop(simulation, {}), InputError);
}

}  // namespace
}  // namespace ultrasound
