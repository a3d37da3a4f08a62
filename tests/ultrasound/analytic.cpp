// The scheme against solutions on paper.

#include <gtest/gtest.h>

#include <numbers>

#include "tube.hpp"

namespace ultrasound {
namespace {

constexpr double pi = std::numbers::pi;

struct SphericalWave : testing::Test {
  static constexpr double speed = 1500, density = 1000, frequency = 100e3;
  Grid grid{.extents = {72, 72, 72}, .spacing_mm = 1.5};  // 10 cells per wavelength
  Medium medium = uniform_medium(grid, speed, density, 0);
  double step = 0.8 * stable_step_s(medium);
  Coefficients coefficients = make_coefficients(medium, {.step_s = step, .frequency_hz = frequency});
  PointSource source{{36, 36, 36}, {.frequency_hz = frequency, .cycles = 3, .amplitude = 1e-6}};

  static double pressure(const ToneBurst& burst, double r, double time) {
    return density * burst.slope(time - r / speed) / (4 * pi * r);
  }
};

TEST_F(SphericalWave, ArrivesWithinOneSampleAndFallsAsOneOverDistance) {
  const std::vector<Cell> cells{{46, 36, 36}, {36, 20, 36}, {36, 36, 56}, {46, 46, 36}, {46, 46, 46}, {26, 24, 28}};
  const auto result = run_in_loop(
      {.coefficients = &coefficients, .sources = {source}, .recorders = cells, .steps = 260, .blocks = 2}, {});
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const double r = 1e-3 * length(grid.centre(cells[i]) - grid.centre(source.cell));
    const auto model = [&](double time) { return pressure(source.burst, r, time); };
    EXPECT_LE(std::abs(best_lag(result.traces[i], step, model, 3)), 1.0) << "at " << r << " m";
    double most = 0;
    for (double time = 0; time < 260 * step; time += 0.1 * step) most = std::max(most, std::abs(model(time)));
    EXPECT_NEAR(largest(result.traces[i]) / most, 1, 0.03) << "at " << r << " m";
  }
}

/// Traces of one burst with the step divided by 1, 2, 4; compared at the same instants.
TEST(TimeStepping, ConvergesWithSecondOrder) {
  const Grid grid = tube_grid(200, 1);
  const Medium medium = uniform_medium(grid, 1500, 1000, 0);
  const double coarse = 0.9 * stable_step_s(medium, Walls::rigid);
  // The impulse at a time: pressure samples lie at half steps, their running sum times the step at whole steps.
  const auto impulse = [&](int divisor) {
    const double step = coarse / divisor;
    const auto coefficients =
        make_coefficients(medium, {.step_s = step, .frequency_hz = 50e3, .layer = {.cells = 0}, .walls = Walls::rigid});
    const auto trace = trace_in(coefficients, {{100, 0, 0}, {50e3, 2, 1}}, {120, 0, 0}, 160 * divisor);
    std::vector<double> sums;
    double sum = 0;
    for (std::size_t n = 0; n < trace.size(); ++n) {
      sum += trace[n] * step;
      if ((n + 1) % static_cast<std::size_t>(divisor) == 0) sums.push_back(sum);
    }
    return sums;
  };
  const auto one = impulse(1), two = impulse(2), four = impulse(4);
  double first = 0, second = 0;
  for (std::size_t n = 0; n < one.size(); ++n) {
    first += (one[n] - two[n]) * (one[n] - two[n]);
    second += (two[n] - four[n]) * (two[n] - four[n]);
  }
  const double order = std::log2(std::sqrt(first / second));
  EXPECT_NEAR(order, 2.0, 0.1);
}

/// Pierce, "Acoustics", eq. 3.3.4: R = (Z2 - Z1) / (Z2 + Z1) for a plane wave at normal incidence, Z = rho c.
TEST(PlaneWave, ReflectsFromBoneAsTheImpedancesSay) {
  const double frequency = 250e3;
  const Grid grid = tube_grid(800, 0.5);
  Medium medium = uniform_medium(grid, 1500, 1000, 0);
  for (int x = 400; x < 800; ++x) {
    medium.speed_m_s[static_cast<std::size_t>(x)] = 2800;
    medium.density_kg_m3[static_cast<std::size_t>(x)] = 1900;
  }
  const double step = 0.9 * stable_step_s(medium, Walls::rigid);
  const auto coefficients = make_coefficients(
      medium, {.step_s = step, .frequency_hz = frequency, .layer = {.cells = 30}, .walls = Walls::rigid});
  const PointSource source{{200, 0, 0}, {frequency, 4, 1}};
  const int both = static_cast<int>((150e-3 + 35e-3) / 1500 / step);
  const auto before = trace_in(coefficients, source, {300, 0, 0}, both);
  const auto after = trace_in(coefficients, source, {500, 0, 0}, both);
  const int split =
      static_cast<int>((50e-3 + 40e-3) / 1500 / step);  // the direct wave has passed, the echo has not come
  const float incident = largest({before.begin(), before.begin() + split});
  const float reflected = largest({before.begin() + split, before.end()});
  const double z1 = 1500 * 1000.0, z2 = 2800 * 1900.0, expected = (z2 - z1) / (z2 + z1);
  EXPECT_NEAR(reflected / incident / expected, 1, 0.03);
  EXPECT_NEAR(largest(after) / incident / (1 + expected), 1, 0.03);
}

TEST(Attenuation, IsWhatTheTableSaysAtTheSourceFrequency) {
  const double frequency = 250e3;
  const Grid grid = tube_grid(600, 0.5);
  const Medium clear = uniform_medium(grid, 1500, 1000, 0), lossy = uniform_medium(grid, 1500, 1000, 8);
  const double step = 0.8 * stable_step_s(clear, Walls::rigid);
  const auto peak = [&](const Medium& medium) {
    const auto coefficients = make_coefficients(
        medium, {.step_s = step, .frequency_hz = frequency, .layer = {.cells = 30}, .walls = Walls::rigid});
    const PointSource source{{100, 0, 0}, {frequency, 6, 1}};
    return trace_in(coefficients, source, {500, 0, 0}, static_cast<int>(0.26 / 1500 / step));
  };
  const auto without = peak(clear), with = peak(lossy);
  const double db = 20 * std::log10(largest(without) / largest(with));
  EXPECT_NEAR(db, 8 * 20 * 0.25, 0.02 * 40);  // 8 dB/cm/MHz over 20 cm at 0.25 MHz
}

TEST(AbsorbingLayer, ReturnsLessThanTwoPercentOfAPlaneWave) {
  const Grid grid = tube_grid(400, 1);
  const Medium medium = uniform_medium(grid, 1500, 1000, 0);
  const double step = 0.9 * stable_step_s(medium, Walls::rigid), frequency = 250e3;  // 6 cells per wavelength
  const auto coefficients =
      make_coefficients(medium, {.step_s = step, .frequency_hz = frequency, .layer = {}, .walls = Walls::rigid});
  const auto trace =
      trace_in(coefficients, {{200, 0, 0}, {frequency, 3, 1}}, {300, 0, 0}, static_cast<int>(0.36 / 1500 / step));
  const auto split = trace.begin() + static_cast<int>(0.15 / 1500 / step);
  EXPECT_LT(largest({split, trace.end()}), 0.02 * largest({trace.begin(), split}));
}

}  // namespace
}  // namespace ultrasound
