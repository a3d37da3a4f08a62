#pragma once
// What the terminal shows.

#include <chrono>
#include <exception>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "treatment.hpp"

namespace ultrasound {

/// Grid, step, frequency, and what the grid cannot do.
std::string describe_plan(const Config& config, const Plan& plan);

/// The three foci side by side, in dB against water.
std::string describe_outcomes(const Treatment& treatment);

/// A line that is rewritten in place on a terminal; in a file or a pipe, and where nobody looks, whole lines, at most
/// one every three seconds. One thread.
class LiveLine {
 public:
  LiveLine();
  LiveLine(const LiveLine&) = delete;
  ~LiveLine();  ///< what it still shows stays, and what follows begins a line
  /// Replaces what it shows; not each time.
  void show(const std::string& text);
  /// Shows it in any case and goes to the next line.
  void finish(const std::string& text);

 private:
  using Clock = std::chrono::steady_clock;
  bool terminal_;
  std::size_t shown_letters_ = 0;
  std::optional<Clock::time_point> shown_;
};

/// Says what is done while it lives, and for how long already: whoever does it need not report anything, because a
/// thread of its own does.
class StageLine {
 public:
  explicit StageLine(std::string stage);
  ~StageLine();  ///< says nothing of a stage that an exception ends
  StageLine(const StageLine&) = delete;

 private:
  void watch(const std::stop_token& done);

  std::string stage_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  const int exceptions_ = std::uncaught_exceptions();
  bool failed_ = false;   // written before the stop is requested
  std::jthread watcher_;  // last: it uses the others
};

/// A line with steps, speed and time to go. Simulations that take turns share it. One thread.
class ProgressLine {
 public:
  ProgressLine(const Plan& plan, Engine& engine);
  void operator()(Scenario scenario, int step);

 private:
  using Clock = std::chrono::steady_clock;
  Engine& engine_;
  int steps_;
  double cells_;
  LiveLine line_;
  std::array<int, scenario_names.size()> done_{};  ///< steps
  long done_before_ = 0;                           ///< of all, when those began that run now
  Clock::time_point group_start_ = Clock::now(), last_ = group_start_;
  std::optional<Clock::time_point> first_;  ///< of the first step
  std::string telemetry_;                   ///< of the last second
  Clock::time_point asked_ = group_start_;
};

}  // namespace ultrasound
