#include "device.hpp"

#include <fmt/format.h>

#include <ringray/ringray.hpp>

#include <algorithm>

#include "actor_run.hpp"
#include "device_run.hpp"
#include "error.hpp"

namespace ultrasound {

Device::Device()
    : threads_(std::max(1u, static_cast<std::uint32_t>(ringray::resources().cpus.value() / ringray::ranks()))) {
  for (std::uint32_t rank = 0; rank < ringray::ranks(); ++rank)
    stacks_.push_back(ringray::spawn<DeviceStack>({.placement = ringray::on_rank(ringray::Rank{rank})}, threads_));
  std::vector<ringray::ObjectRef<ringray::device::KernelHandle<Waves>>> kernels;
  for (const auto& stack : stacks_) kernels.push_back(stack.call<&DeviceStack::kernel>(stack));
  kernels_ = ringray::get(kernels);
}

Device::~Device() {
  for (const auto& kernel : kernels_) {
    try {
      kernel.terminate();
    } catch (const ringray::Error&) {  // its rank died
    }
  }
}

// As many as side_by_side() says and a kernel has room for.
std::size_t Device::together(std::span<const Simulation> simulations) const {
  const int ranks = static_cast<int>(ringray::ranks());
  const int room = static_cast<int>(threads_ * ringray::device::actors_per_block);
  int blocks = 0;  // of the fullest rank
  std::size_t count = 0;
  for (const Simulation& simulation : simulations.first(side_by_side(simulations))) {
    const int more = (choose_blocks(simulation) + ranks - 1) / ranks;
    if (more > room)
      throw InputError(
          fmt::format("{} blocks (the engine device has room for {} on {} rank{}); use fewer, or the engine host",
                      choose_blocks(simulation), room * ranks, ranks, ranks == 1 ? "" : "s"));
    blocks += more;
    if (blocks > room) break;
    ++count;
  }
  return count;
}

std::vector<SimulationResult> Device::simulate(std::span<const Simulation> simulations,
                                               const SimulationsProgress& progress) {
  for (const Simulation& simulation : simulations) check_simulation(simulation);
  std::vector<SimulationResult> results;
  while (results.size() < simulations.size()) {
    const auto first = results.size();
    std::vector<std::unique_ptr<DeviceRun>> runs;
    for (const Simulation& simulation : simulations.subspan(first, together(simulations.subspan(first))))
      runs.push_back(std::make_unique<DeviceRun>(simulation, ++simulations_, stacks_));
    std::vector<ringray::ObjectRef<ringray::kernels::WaveDone>> pending;
    for (const auto& run : runs) {
      run->start();
      pending.insert(pending.end(), run->ends().begin(), run->ends().end());
    }
    std::vector<int> finished(runs.size());
    while (!pending.empty()) {
      auto [ready, others] =
          ringray::wait(pending, {.count = pending.size(), .timeout = std::chrono::milliseconds(50)});
      pending = std::move(others);
      ringray::get(ready);  // throws what went wrong
      for (std::size_t i = 0; i < runs.size(); ++i) {
        const int steps = runs[i]->steps();
        while (finished[i] < steps && progress) progress(first + i, ++finished[i]);
      }
    }
    for (const auto& run : runs) results.push_back(run->finish());
  }
  return results;
}

std::string Device::telemetry() {
  ringray::device::Telemetry all;
  for (const auto& kernel : kernels_) {
    try {
      all.merge(kernel.telemetry());
    } catch (const ringray::Error&) {  // its rank died; whether that matters shows elsewhere
    }
  }
  const auto now = std::chrono::steady_clock::now();
  const double seconds = std::chrono::duration<double>(now - std::exchange(seen_at_, now)).count();
  const auto since = all.since(std::exchange(seen_, all));
  return fmt::format("  {:.0f} messages/s", static_cast<double>(since.handled) / seconds);
}

}  // namespace ultrasound
