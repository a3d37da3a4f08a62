#include "engine.hpp"
#include "nifti.hpp"
#include "result_file.hpp"
#include "segment.hpp"

namespace ultrasound {

Anatomy Loop::read_anatomy(const Config& config) {
  return segment(read_nifti(config.head), read_nifti(config.brain_mask));
}

std::vector<SimulationResult> Loop::simulate(std::span<const Simulation> simulations,
                                             const SimulationsProgress& progress) {
  std::vector<SimulationResult> results;
  for (std::size_t i = 0; i < simulations.size(); ++i) {
    results.push_back(run_in_loop(simulations[i], [&](int step) {
      if (progress) progress(i, step);
    }));
  }
  return results;
}

std::vector<double> Loop::arrivals_s(const std::vector<Echo>& echoes) {
  std::vector<double> arrivals;
  for (const Echo& echo : echoes) arrivals.push_back(arrival_s(echo));
  return arrivals;
}

std::vector<Picture> Loop::draw(const std::vector<Slice>& slices) {
  std::vector<Picture> pictures;
  for (const Slice& slice : slices) pictures.push_back(draw_slice(slice));
  return pictures;
}

std::string Loop::write(const std::filesystem::path& path, const Config& config, const Treatment& treatment) {
  write_result(path, config, treatment);
  return "by rank 0 alone: the engine loop has everything there";
}

}  // namespace ultrasound
