// A rank dies while blocks of a simulation are on it: under mpirun --enable-recovery.

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <ringray/ringray.hpp>

#include "host.hpp"

namespace ultrasound {
namespace {

int die() {
  ::kill(getpid(), SIGKILL);
  return 0;
}

TEST(RankDeath, EndsASimulationAndNoFailedCallCountsAsAStep) {
  const Medium medium = uniform_medium({.extents = {24, 24, 24}, .spacing_mm = 2}, 1500, 1000, 0.3F);
  const Coefficients coefficients =
      make_coefficients(medium, {.step_s = 0.9 * stable_step_s(medium), .frequency_hz = 125e3});
  const Simulation simulation{.coefficients = &coefficients, .steps = 100'000, .blocks = 2};
  constexpr int fatal = 50, ahead = 1000;  // steps that may have been done before the others heard of it
  int last = 0;
  const auto progress = [&](std::size_t, int step) {
    last = step;
    if (step != fatal) return;
    const auto end = ringray::submit({.placement = ringray::on_rank(ringray::Rank{1}), .max_retries = 0}, die);
    EXPECT_THROW(ringray::get(end), ringray::RankDiedError);
  };
  Host host;
  EXPECT_THROW(host.simulate({&simulation, 1}, progress), ringray::Error);
  EXPECT_GE(last, fatal);
  EXPECT_LT(last, fatal + ahead);
}

}  // namespace
}  // namespace ultrasound
