#include "actor_run.hpp"

#include <ringray/ringray.hpp>

#include <algorithm>
#include <stdexcept>

#include "travel.hpp"

namespace ultrasound {

int choose_blocks(const Simulation& simulation) {
  if (simulation.blocks > 0) return simulation.blocks;
  const int workers = static_cast<int>(ringray::resources().cpus.value());
  return std::clamp(workers, 1, most_blocks(simulation.coefficients->layout.nz));
}

ringray::Rank rank_of_block(int block, int blocks) {
  return static_cast<std::uint32_t>(static_cast<long>(block) * static_cast<int>(ringray::ranks()) / blocks);
}

std::size_t side_by_side(std::span<const Simulation> simulations) {
  constexpr double arrays = 13;  // five of coefficients, twice: the actor's and those it was sent; q, q before, peak
  const double most = 0.5 * static_cast<double>(ringray::resources().memory_bytes);
  double bytes = 0;
  std::size_t count = 0;
  do bytes += arrays * sizeof(float) * static_cast<double>(simulations[count].coefficients->layout.size());
  while (bytes <= most && ++count < simulations.size());
  return std::max<std::size_t>(1, count);
}

ActorRun::ActorRun(const Simulation& simulation) : simulation_(simulation) {
  const int count = choose_blocks(simulation);
  Row row;
  for (int i = 0; i < count; ++i) {
    const PlaneRange range = planes_of_block(simulation.coefficients->layout.nz, i, count);
    const ringray::Rank rank = rank_of_block(i, count);
    ringray::ActorOptions options;
    options.placement = ringray::on_rank(rank);
    parts_.push_back({range, rank, {}});
    blocks_.push_back(ringray::spawn<BlockActor>(
        std::move(options), cut_block(*simulation.coefficients, range, simulation.sources, simulation.recorders),
        BlockPlace{.lowest = i == 0, .highest = i + 1 == count}));
    row.edges.push_back(blocks_.back().call<&BlockActor::edges>());
  }
  rows_.push_back(std::move(row));
}

void ActorRun::submit_step() {
  const auto& edges = rows_.back().edges;
  Row next;
  ++submitted_;
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const auto &below = edges[i == 0 ? i : i - 1], &above = edges[std::min(i + 1, blocks_.size() - 1)];
    next.edges.push_back(blocks_[i].call<&BlockActor::advance>(below, above));
    next.steps.push_back(blocks_[i].call<&BlockActor::steps>());
  }
  rows_.push_back(std::move(next));
  if (simulation_.energy_every > 0 && submitted_ % simulation_.energy_every == 0) {
    auto& sample = energies_.emplace_back(submitted_);
    for (const auto& block : blocks_) sample.parts.push_back(block.call<&BlockActor::plane_energies>());
  }
  if (simulation_.snapshot_every > 0 && submitted_ % simulation_.snapshot_every == 0) {
    auto& sample = slices_.emplace_back(submitted_);
    for (const auto& block : blocks_) sample.parts.push_back(block.call<&BlockActor::slice>(simulation_.snapshot_x));
  }
}

void ActorRun::wait_for_step() {
  rows_.pop_front();
  ++finished_;
  for (const long steps : ringray::get(rows_.front().steps)) {
    if (steps == finished_) continue;
    for (const auto& edges : rows_.front().edges) ringray::get(edges);  // throws what went wrong
    throw std::logic_error("a block lost a step");
  }
}

SimulationResult ActorRun::finish() {
  SimulationResult result;
  std::vector<ringray::ObjectRef<Harvest>> parts;
  for (const auto& block : blocks_) parts.push_back(block.call<&BlockActor::harvest>());
  assemble(ringray::get(parts), simulation_.recorders.size(), result);
  for (std::size_t i = 0; i < blocks_.size(); ++i) parts_[i].values = blocks_[i].call<&BlockActor::peak>();
  const auto& layout = simulation_.coefficients->layout;
  result.peak_pa = std::make_shared<BlockField>(Extents{layout.nx, layout.ny, layout.nz}, std::move(parts_));
  for (const auto& sample : energies_) {
    result.energy.push_back({sample.step, total_energy(ringray::get(sample.parts))});
  }
  for (const auto& sample : slices_) {
    Snapshot& snapshot = result.snapshots.emplace_back();
    snapshot.step = sample.step;
    for (const auto& part : sample.parts) {
      const auto& values = ringray::get(part);
      snapshot.pressure_pa.insert(snapshot.pressure_pa.end(), values.begin(), values.end());
    }
  }
  return result;
}

}  // namespace ultrasound
