#pragma once
// The engine "host": blocks are actors on the ranks of the job, everything else is tasks.

#include "engine.hpp"

namespace ultrasound {

/// Only in the driver of ringray::run.
class Host : public Engine {
 public:
  Anatomy read_anatomy(const Config& config) override;
  std::vector<SimulationResult> simulate(std::span<const Simulation> simulations,
                                         const SimulationsProgress& progress) override;
  std::vector<double> arrivals_s(const std::vector<Echo>& echoes) override;
  std::vector<Picture> draw(const std::vector<Slice>& slices) override;
  std::string write(const std::filesystem::path& path, const Config& config, const Treatment& treatment) override;
};

}  // namespace ultrasound
