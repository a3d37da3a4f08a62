#include "host.hpp"

#include <ringray/ringray.hpp>

#include <algorithm>

#include "actor_run.hpp"
#include "error.hpp"
#include "shared_write.hpp"
#include "travel.hpp"

namespace ultrasound {
namespace {

Volume read_volume(const std::string& path) { return read_nifti(path); }
Anatomy segment_head(const Volume& head, const Volume& brain_mask) { return segment(head, brain_mask); }
double find_arrival(const Echo& echo) { return arrival_s(echo); }

/// A task that refused the user's input says so with the words of InputError.
template <class T>
T get_or_refuse(const ringray::ObjectRef<T>& result) {
  try {
    return ringray::get(result);
  } catch (const ringray::TaskError& error) {
    if (error.detail().exception_type == "ultrasound::InputError") throw InputError(error.detail().text);
    throw;
  }
}

}  // namespace

Anatomy Host::read_anatomy(const Config& config) {
  const auto head = ringray::submit({.name = "read head"}, read_volume, config.head.string());
  const auto mask = ringray::submit({.name = "read mask"}, read_volume, config.brain_mask.string());
  const auto anatomy = ringray::submit({.name = "segment"}, segment_head, head, mask);
  for (const auto& volume : {head, mask}) get_or_refuse(volume);  // whose file it is
  return get_or_refuse(anatomy);
}

std::vector<SimulationResult> Host::simulate(std::span<const Simulation> simulations,
                                             const SimulationsProgress& progress) {
  for (const Simulation& simulation : simulations) check_simulation(simulation);
  std::vector<SimulationResult> results;
  for (std::size_t first = 0; first < simulations.size();) {
    const std::size_t last = first + side_by_side(simulations.subspan(first));
    std::vector<std::unique_ptr<ActorRun>> runs;
    int steps = 0;
    for (std::size_t i = first; i < last; ++i) {
      runs.push_back(std::make_unique<ActorRun>(simulations[i]));
      steps = std::max(steps, simulations[i].steps);
    }
    for (int step = 1; step <= steps + ActorRun::window; ++step) {
      for (std::size_t i = 0; i < runs.size(); ++i) {
        if (step <= simulations[first + i].steps) runs[i]->submit_step();
        const int finished = step - ActorRun::window;
        if (finished < 1 || finished > simulations[first + i].steps) continue;
        runs[i]->wait_for_step();
        if (progress) progress(first + i, finished);
      }
    }
    for (auto& run : runs) results.push_back(run->finish());
    first = last;
  }
  return results;
}

std::vector<double> Host::arrivals_s(const std::vector<Echo>& echoes) {
  std::vector<ringray::ObjectRef<double>> arrivals;
  for (const Echo& echo : echoes) arrivals.push_back(ringray::submit({.name = "find arrival"}, find_arrival, echo));
  return ringray::get(arrivals);
}

std::vector<Picture> Host::draw(const std::vector<Slice>& slices) {
  std::vector<ringray::ObjectRef<Picture>> pictures;
  for (const Slice& slice : slices) {
    pictures.push_back(ringray::submit({.name = "draw slice"}, draw_slice, ringray::put(slice)));
  }
  return ringray::get(pictures);
}

std::string Host::write(const std::filesystem::path& path, const Config& config, const Treatment& treatment) {
  return write_from_blocks(path, config, treatment);
}

}  // namespace ultrasound
