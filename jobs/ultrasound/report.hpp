#pragma once
// What the terminal shows.

#include <chrono>
#include <optional>
#include <string>

#include "treatment.hpp"

namespace ultrasound {

/// Grid, step, frequency, and what the grid cannot do.
std::string describe_plan(const Config& config, const Plan& plan);

/// The three foci side by side, in dB against water.
std::string describe_outcomes(const Treatment& treatment);

/// A line with steps, speed and time to go: rewritten in place on a terminal, else one line a second. Simulations that
/// take turns share it. One thread.
class ProgressLine {
 public:
  explicit ProgressLine(const Plan& plan);
  void operator()(Scenario scenario, int step);

 private:
  using Clock = std::chrono::steady_clock;
  int steps_;
  double cells_;
  bool terminal_;
  std::array<int, scenario_names.size()> done_{};  ///< steps
  long done_before_ = 0;                           ///< of all, when those began that run now
  Clock::time_point group_start_ = Clock::now(), shown_ = group_start_, last_ = group_start_;
  std::optional<Clock::time_point> first_;  ///< of the first step
};

}  // namespace ultrasound
