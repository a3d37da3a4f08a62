#pragma once
// Where the work is done. Engines never differ in a result, not by a bit.

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "analysis.hpp"
#include "config.hpp"
#include "picture.hpp"
#include "simulation.hpp"
#include "slice.hpp"

namespace ultrasound {

/// What one element heard, and when to look for the burst in it.
struct Echo {
  std::vector<float> trace;
  double step_s = 0;
  ToneBurst emitted;
  double earliest_s = 0, latest_s = 0;
};

/// Called after each step: which of the simulations, and its number of finished steps.
using SimulationsProgress = std::function<void(std::size_t which, int step)>;

struct Treatment;

class Engine {
 public:
  virtual ~Engine() = default;
  virtual Anatomy read_anatomy(const Config& config) = 0;
  /// Runs simulations that do not need each other's results.
  virtual std::vector<SimulationResult> simulate(std::span<const Simulation> simulations,
                                                 const SimulationsProgress& progress) = 0;
  /// What there is to say of a simulation under way, beside its speed; "" for nothing. From its progress.
  virtual std::string telemetry() { return {}; }
  virtual std::vector<double> arrivals_s(const std::vector<Echo>& echoes) = 0;
  virtual std::vector<Picture> draw(const std::vector<Slice>& slices) = 0;
  /// result.h5, whole or not at all. Says who wrote it, to be read behind "written". Throws std::runtime_error.
  virtual std::string write(const std::filesystem::path& path, const Config& config, const Treatment& treatment) = 0;
};

/// The engine "loop": everything in the calling thread, one thing after the other.
class Loop final : public Engine {
 public:
  Anatomy read_anatomy(const Config& config) override;
  std::vector<SimulationResult> simulate(std::span<const Simulation> simulations,
                                         const SimulationsProgress& progress) override;
  std::vector<double> arrivals_s(const std::vector<Echo>& echoes) override;
  std::vector<Picture> draw(const std::vector<Slice>& slices) override;
  std::string write(const std::filesystem::path& path, const Config& config, const Treatment& treatment) override;
};

inline double arrival_s(const Echo& echo) {
  return arrival_s(echo.trace, echo.step_s, echo.emitted, echo.earliest_s, echo.latest_s);
}

}  // namespace ultrasound
