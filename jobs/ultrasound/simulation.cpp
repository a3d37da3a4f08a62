#include "simulation.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "error.hpp"

namespace ultrasound {
namespace {

using ringray::kernels::wave_halo;

std::vector<Block> make_blocks(const Simulation& simulation) {
  std::vector<Block> blocks;
  const int count = std::max(1, simulation.blocks);
  for (int i = 0; i < count; ++i) {
    const PlaneRange range = planes_of_block(simulation.coefficients->layout.nz, i, count);
    blocks.emplace_back(cut_block(*simulation.coefficients, range, simulation.sources, simulation.recorders));
  }
  return blocks;
}

void exchange_edges(std::vector<Block>& blocks) {
  for (std::size_t i = 1; i < blocks.size(); ++i) {
    blocks[i].set_below(blocks[i - 1].upper_edge());
    blocks[i - 1].set_above(blocks[i].lower_edge());
  }
}

Snapshot take_snapshot(const std::vector<Block>& blocks, int step, int x) {
  Snapshot snapshot{step, {}};
  for (const Block& block : blocks) block.append_slice(x, snapshot.pressure_pa);
  return snapshot;
}

double energy_of(const std::vector<Block>& blocks) {
  std::vector<std::vector<double>> planes;
  for (const Block& block : blocks) planes.push_back(block.plane_energies());
  return total_energy(planes);
}

}  // namespace

double total_energy(std::span<const std::vector<double>> plane_energies) {
  double sum = 0;  // plane by plane, so that the cut does not change the order
  for (const auto& block : plane_energies) {
    for (const double plane : block) sum += plane;
  }
  return sum;
}

void assemble(std::span<const Harvest> blocks, std::size_t recorders, SimulationResult& result) {
  result.traces.assign(recorders, {});
  for (const Harvest& block : blocks) {
    const std::size_t count = block.recorders.size();
    for (std::size_t i = 0; i < block.traces.size(); ++i) {
      result.traces[static_cast<std::size_t>(block.recorders[i % count].index)].push_back(block.traces[i]);
    }
  }
}

int most_blocks(int planes) { return std::max(1, planes / wave_halo); }

void check_blocks(int blocks, int planes) {
  const int most = most_blocks(planes);
  if (blocks >= 0 && blocks <= most) return;
  throw InputError(fmt::format("{} blocks for {} planes (a block needs {} planes for its neighbours); use 1 to {}",
                               blocks, planes, wave_halo, most));
}

void check_simulation(const Simulation& simulation) {
  const auto& layout = simulation.coefficients->layout;
  check_blocks(simulation.blocks, layout.nz);
  if (simulation.steps < 1) throw InputError("a run of no steps (nothing would be computed); give a longer duration");
  const Grid grid{.extents = {layout.nx, layout.ny, layout.nz}};
  const auto check = [&](Cell c, const char* what) {
    if (!grid.contains(c)) {
      throw InputError(fmt::format("a {} at cell {}, {}, {} (the grid has {} x {} x {}); move it or enlarge the grid",
                                   what, c.x, c.y, c.z, layout.nx, layout.ny, layout.nz));
    }
  };
  for (const PointSource& source : simulation.sources) check(source.cell, "source");
  for (const Cell& cell : simulation.recorders) check(cell, "recorder");
}

SimulationResult run_in_loop(const Simulation& simulation, const Progress& progress) {
  check_simulation(simulation);
  std::vector<Block> blocks = make_blocks(simulation);
  SimulationResult result;
  for (int step = 1; step <= simulation.steps; ++step) {
    for (Block& block : blocks) block.advance();
    exchange_edges(blocks);
    if (simulation.energy_every > 0 && step % simulation.energy_every == 0) {
      result.energy.push_back({step, energy_of(blocks)});
    }
    if (simulation.snapshot_every > 0 && step % simulation.snapshot_every == 0) {
      result.snapshots.push_back(take_snapshot(blocks, step, simulation.snapshot_x));
    }
    if (progress) progress(step);
  }
  std::vector<Harvest> parts;
  std::vector<float> peak;
  for (const Block& block : blocks) {
    parts.push_back({block.recorders(), block.traces()});
    const auto begin = peak.size();
    peak.resize(begin + block.extents().cells());
    block.copy_peak(peak.data() + begin);
  }
  const auto& layout = simulation.coefficients->layout;
  result.peak_pa = std::make_shared<WholeField>(Extents{layout.nx, layout.ny, layout.nz}, std::move(peak));
  assemble(parts, simulation.recorders.size(), result);
  return result;
}

}  // namespace ultrasound
