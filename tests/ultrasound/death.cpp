// A rank dies while blocks of a simulation are on it: under mpirun --enable-recovery.

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <ringray/ringray.hpp>

#include "device.hpp"

namespace ultrasound {
namespace {

int die() {
  ::kill(getpid(), SIGKILL);
  return 0;
}

/// `ahead`: steps that may have been done before the others heard of it.
void expect_end(Engine& engine, int ahead) {
  const Medium medium = uniform_medium({.extents = {24, 24, 24}, .spacing_mm = 2}, 1500, 1000, 0.3F);
  const Coefficients coefficients =
      make_coefficients(medium, {.step_s = 0.9 * stable_step_s(medium), .frequency_hz = 125e3});
  const Simulation simulation{.coefficients = &coefficients, .steps = 100'000, .blocks = 2};
  constexpr int fatal = 50;
  int last = 0;
  const auto progress = [&](std::size_t, int step) {
    last = step;
    if (step != fatal) return;
    const auto end = ringray::submit({.placement = ringray::on_rank(ringray::Rank{1}), .max_retries = 0}, die);
    EXPECT_THROW(ringray::get(end), ringray::RankDiedError);
  };
  EXPECT_THROW(engine.simulate({&simulation, 1}, progress), ringray::Error);
  EXPECT_GE(last, fatal);
  EXPECT_LT(last, fatal + ahead);
}

TEST(Host, EndsWithARankAndNoFailedCallCountsAsAStep) {
  Host host;
  expect_end(host, 1000);
}
TEST(Device, EndsWithARankAndNoFailedCallCountsAsAStep) {
  Device device;
  expect_end(device, 99'950);
}

}  // namespace
}  // namespace ultrasound
