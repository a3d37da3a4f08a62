#include "device_run.hpp"

#include <ringray/ringray.hpp>

#include <algorithm>

#include "actor_run.hpp"

namespace ultrasound {

using ringray::kernels::WaveAsk;
using ringray::kernels::WaveDone;
using ringray::kernels::WaveGo;

DeviceRun::DeviceRun(const Simulation& simulation, std::uint64_t number, std::span<const DeviceStack::Handle> stacks,
                     int blocks)
    : simulation_(simulation), number_(number), stacks_(stacks) {
  std::size_t index = 0;
  for (int i = 0; i < blocks; ++i) {
    const ringray::Rank rank = rank_of_block(i, blocks);
    index = blocks_.empty() || blocks_.back().rank != rank ? 0 : index + 1;
    blocks_.push_back({planes_of_block(simulation.coefficients->layout.nz, i, blocks), rank, index, {}});
  }
}

// By the other one, so that the destructor takes away what was made when the rest cannot be.
DeviceRun::DeviceRun(const Simulation& simulation, std::uint64_t number, std::span<const DeviceStack::Handle> stacks)
    : DeviceRun(simulation, number, stacks, choose_blocks(simulation)) {
  const Sampling sampling{simulation.steps, simulation.energy_every, simulation.snapshot_every, simulation.snapshot_x};
  std::vector<ringray::ObjectRef<std::vector<WaveActor>>> made;
  for (auto first = blocks_.begin(); first != blocks_.end();) {
    const auto end = std::find_if(first, blocks_.end(), [&](const Block& b) { return b.rank != first->rank; });
    std::vector<BlockSetup> setups;
    for (auto block = first; block != end; ++block)
      setups.push_back(cut_block(*simulation.coefficients, block->planes, simulation.sources, simulation.recorders));
    DeviceStack::Neighbours neighbours;
    if (first != blocks_.begin()) neighbours.below = stacks[std::prev(first)->rank.value];
    if (end != blocks_.end()) neighbours.above = stacks[end->rank.value];
    made.push_back(stacks[first->rank.value].call<&DeviceStack::add>(number, std::move(setups), sampling, neighbours));
    first = end;
  }
  auto block = blocks_.begin();
  for (const auto& of_rank : made)
    for (const WaveActor& actor : ringray::get(of_rank)) (block++)->actor = actor;
}

DeviceRun::~DeviceRun() {
  for (const Block& block : blocks_) {
    if (block.index == 0) try {
        stacks_[block.rank.value].send<&DeviceStack::remove>(number_);
      } catch (const ringray::Error&) {  // its rank died
      }
  }
}

void DeviceRun::start() {
  for (const Block& block : blocks_)
    ends_.push_back(block.actor.call(WaveGo{static_cast<std::uint32_t>(simulation_.steps)}));
}

int DeviceRun::steps() const {
  std::vector<ringray::ObjectRef<WaveDone>> answers;
  for (const Block& block : blocks_) answers.push_back(block.actor.call(WaveAsk{}));
  std::uint32_t least = static_cast<std::uint32_t>(simulation_.steps);
  for (const WaveDone& done : ringray::get(answers)) least = std::min(least, done.steps);
  return static_cast<int>(least);
}

SimulationResult DeviceRun::finish() {
  SimulationResult result;
  std::vector<ringray::ObjectRef<Yield>> yields;
  std::vector<BlockPart> parts;
  for (const Block& block : blocks_) {
    const auto& stack = stacks_[block.rank.value];
    yields.push_back(stack.call<&DeviceStack::yield>(number_, block.index));
    parts.push_back({block.planes, block.rank, stack.call<&DeviceStack::peak>(number_, block.index)});
  }
  const std::vector<Yield> found = ringray::get(yields);
  std::vector<Harvest> harvests;
  for (const Yield& yield : found) harvests.push_back(yield.harvest);
  assemble(harvests, simulation_.recorders.size(), result);

  const auto& layout = simulation_.coefficients->layout;
  const auto planes_of = [&](std::size_t i) {
    return static_cast<std::size_t>(blocks_[i].planes.last - blocks_[i].planes.first);
  };
  for (int step = simulation_.energy_every; step > 0 && step <= simulation_.steps; step += simulation_.energy_every) {
    std::vector<std::vector<double>> planes;
    for (std::size_t i = 0; i < found.size(); ++i) {
      const auto first = found[i].energies.begin() + static_cast<std::ptrdiff_t>(result.energy.size() * planes_of(i));
      planes.emplace_back(first, first + static_cast<std::ptrdiff_t>(planes_of(i)));
    }
    result.energy.push_back({step, total_energy(planes)});
  }
  for (int step = simulation_.snapshot_every; step > 0 && step <= simulation_.steps;
       step += simulation_.snapshot_every) {
    Snapshot snapshot{step, {}};
    for (std::size_t i = 0; i < found.size(); ++i) {
      const auto cells = static_cast<std::ptrdiff_t>(planes_of(i)) * layout.ny;
      const auto first = found[i].snapshots.begin() + static_cast<std::ptrdiff_t>(result.snapshots.size()) * cells;
      snapshot.pressure_pa.insert(snapshot.pressure_pa.end(), first, first + cells);
    }
    result.snapshots.push_back(std::move(snapshot));
  }
  result.peak_pa = std::make_shared<BlockField>(Extents{layout.nx, layout.ny, layout.nz}, std::move(parts));
  return result;
}

}  // namespace ultrasound
