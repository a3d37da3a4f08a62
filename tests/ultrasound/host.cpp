// The engines "host" and "device" give the results of the engine "loop", bit for bit, on any number of ranks. Under
// mpirun.

#include "host.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <ringray/ringray.hpp>

#include "device.hpp"
#include "error.hpp"
#include "phantom.hpp"
#include "ringray/runtime/core.hpp"
#include "treatment.hpp"

namespace ultrasound {
namespace {

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

void expect_same(const SimulationResult& parallel, const SimulationResult& loop) {
  EXPECT_TRUE(same_bits(parallel.peak_pa->all(), loop.peak_pa->all()));
  ASSERT_EQ(parallel.traces.size(), loop.traces.size());
  for (std::size_t i = 0; i < loop.traces.size(); ++i) EXPECT_TRUE(same_bits(parallel.traces[i], loop.traces[i])) << i;
  ASSERT_EQ(parallel.energy.size(), loop.energy.size());
  for (std::size_t i = 0; i < loop.energy.size(); ++i) {
    EXPECT_EQ(parallel.energy[i].step, loop.energy[i].step);
    EXPECT_EQ(parallel.energy[i].joule, loop.energy[i].joule);
  }
  ASSERT_EQ(parallel.snapshots.size(), loop.snapshots.size());
  for (std::size_t i = 0; i < loop.snapshots.size(); ++i) {
    EXPECT_EQ(parallel.snapshots[i].step, loop.snapshots[i].step);
    EXPECT_TRUE(same_bits(parallel.snapshots[i].pressure_pa, loop.snapshots[i].pressure_pa)) << i;
  }
}

template <class E>
struct Parallel : testing::Test {
  E engine;
};
using Engines = testing::Types<Host, Device>;
TYPED_TEST_SUITE(Parallel, Engines);

/// Sound speed that differs from cell to cell, as no cut into blocks can please.
Medium rough_medium() {
  Medium medium = uniform_medium({.extents = {37, 30, 29}, .spacing_mm = 2}, 1500, 1000, 0.3F);
  for (std::size_t i = 0; i < medium.speed_m_s.size(); ++i) {
    medium.speed_m_s[i] += static_cast<float>(300 * std::sin(static_cast<double>(i)));
    medium.density_kg_m3[i] += static_cast<float>(200 * std::cos(0.7 * static_cast<double>(i)));
  }
  return medium;
}

TYPED_TEST(Parallel, GivesTheBitsOfLoopForAnyNumberOfBlocks) {
  const Medium medium = rough_medium();
  const Coefficients coefficients =
      make_coefficients(medium, {.step_s = 0.9 * stable_step_s(medium), .frequency_hz = 125e3});
  const Simulation one{.coefficients = &coefficients,
                       .sources = {{{18, 14, 3}, {125e3, 3, 1e-6}}, {{5, 20, 27}, {125e3, 3, 2e-6}, 4e-6}},
                       .recorders = {{10, 10, 28}, {18, 14, 14}, {1, 2, 0}},
                       .steps = 45,
                       .blocks = 1,
                       .energy_every = 7,
                       .snapshot_every = 10,
                       .snapshot_x = 18};
  const SimulationResult loop = run_in_loop(one, {});
  for (int blocks = 0; blocks <= 8; ++blocks) {
    SCOPED_TRACE(blocks);
    std::vector<Simulation> several(2, one);
    several[0].blocks = blocks;
    several[1].blocks = std::max(1, 9 - blocks);
    several[1].steps = 20;  // simulations that run side by side need not be equally long
    std::vector<int> steps(2);
    const auto parallel =
        this->engine.simulate(several, [&](std::size_t which, int step) { EXPECT_EQ(++steps[which], step); });
    EXPECT_EQ(steps, (std::vector<int>{45, 20}));
    expect_same(parallel.at(0), loop);
    expect_same(parallel.at(1), run_in_loop(several[1], {}));
  }
}

TYPED_TEST(Parallel, TreatsTheDollAsLoopDoes) {
  Config config = doll_config();
  config.spacing_mm = 3;
  const Anatomy anatomy =
      segment(decode_nifti(doll_bytes(DollPart::head)), decode_nifti(doll_bytes(DollPart::brain_mask)));
  Loop loop;
  const Treatment here = treat(config, make_plan(config, anatomy, config.targets[0]), loop, {});
  const Treatment there = treat(config, make_plan(config, anatomy, config.targets[0]), this->engine, {});
  EXPECT_EQ(here.travel_head_s, there.travel_head_s);
  ASSERT_EQ(here.outcomes.size(), there.outcomes.size());
  for (std::size_t i = 0; i < here.outcomes.size(); ++i) {
    expect_same(there.outcomes[i].result, here.outcomes[i].result);
    EXPECT_EQ(here.outcomes[i].focus.peak_pa, there.outcomes[i].focus.peak_pa);
  }
}

long bytes_sent_here() {
  auto& core = ringray::runtime::core();
  return core.with([&] { return static_cast<long>(core.traffic().bytes_sent); });
}

/// What ranks other than 0 have sent.
long bytes_sent_elsewhere() {
  long bytes = 0;
  for (std::uint32_t rank = 1; rank < ringray::ranks(); ++rank) {
    bytes += ringray::get(ringray::submit({.placement = ringray::on_rank(ringray::Rank{rank})}, bytes_sent_here));
  }
  return bytes;
}

TYPED_TEST(Parallel, WritesWithoutMovingFieldsToRankZero) {
  const Config config = doll_config();
  const Anatomy anatomy =
      segment(decode_nifti(doll_bytes(DollPart::head)), decode_nifti(doll_bytes(DollPart::brain_mask)));
  const Plan plan = make_plan(config, anatomy, config.targets[0]);
  const Coefficients coefficients = make_coefficients(plan.head, {.step_s = plan.step_s, .frequency_hz = 125e3});
  const Simulation one{.coefficients = &coefficients, .sources = {{plan.target_cell, plan.burst}}, .steps = 3};
  Treatment treatment{.plan = plan, .travel_water_s = {0}, .travel_head_s = {0}};
  auto results = this->engine.simulate(std::vector<Simulation>{one, one, one}, {});
  for (std::size_t i = 0; i < results.size(); ++i) {
    treatment.outcomes.push_back({.scenario = static_cast<Scenario>(i), .result = std::move(results[i])});
  }
  const auto path = std::filesystem::path(testing::TempDir()) / ("parallel-write-" + std::to_string(getpid()) + ".h5");
  const long before = bytes_sent_elsewhere();
  this->engine.write(path, config, treatment);
  const long sent = bytes_sent_elsewhere() - before;
  const long fields = static_cast<long>(treatment.outcomes.size() * plan.grid.extents.cells() * sizeof(float));
  this->RecordProperty("field_bytes", std::to_string(fields));
  this->RecordProperty("bytes_sent_to_write", std::to_string(sent));
  if (ringray::ranks() > 1) {
    EXPECT_GT(sent, 0);
  }
  EXPECT_LT(sent, fields / 100);
  EXPECT_GT(static_cast<long>(std::filesystem::file_size(path)), fields);
  std::filesystem::remove(path);
}

TEST(Host, RefusesWithTheWordsOfLoop) {
  Config config = doll_config();
  config.head = "/nowhere/head.nii";
  const auto words = [&](Engine&& engine) -> std::string {
    try {
      engine.read_anatomy(config);
    } catch (const InputError& error) {
      return error.what();
    }
    return "nothing was refused";
  };
  EXPECT_EQ(words(Host()), words(Loop()));
  EXPECT_NE(words(Host()).find("cannot be opened"), std::string::npos) << words(Host());
}

}  // namespace
}  // namespace ultrasound
