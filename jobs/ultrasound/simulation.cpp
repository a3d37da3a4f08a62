#include "simulation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "error.hpp"

namespace ultrasound {
namespace {

using ringray::kernels::wave_halo;

std::vector<Block> make_blocks(const Simulation& simulation) {
  std::vector<Block> blocks;
  for (int i = 0; i < simulation.blocks; ++i) {
    const PlaneRange range = planes_of_block(simulation.coefficients->layout.nz, i, simulation.blocks);
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

double total_energy(const std::vector<Block>& blocks) {
  double sum = 0;  // plane by plane, so that the cut does not change the order
  for (const Block& block : blocks) {
    for (const double plane : block.plane_energies()) sum += plane;
  }
  return sum;
}

Snapshot take_snapshot(const std::vector<Block>& blocks, int step, int x) {
  Snapshot snapshot{step, {}};
  for (const Block& block : blocks) block.append_slice(x, snapshot.pressure_pa);
  return snapshot;
}

std::vector<std::vector<float>> collect_traces(const std::vector<Block>& blocks, std::size_t recorders) {
  std::vector<std::vector<float>> traces(recorders);
  for (const Block& block : blocks) {
    const std::size_t count = block.recorders().size();
    for (std::size_t i = 0; i < block.traces().size(); ++i) {
      traces[static_cast<std::size_t>(block.recorders()[i % count].index)].push_back(block.traces()[i]);
    }
  }
  return traces;
}

}  // namespace

void check_blocks(int blocks, int planes) {
  const int most = std::max(1, planes / wave_halo);
  if (blocks >= 1 && blocks <= most) return;
  throw InputError(fmt::format("{} blocks for {} planes (a block needs {} planes for its neighbours) use 1 to {}",
                               blocks, planes, wave_halo, most));
}

void check_simulation(const Simulation& simulation) {
  const auto& layout = simulation.coefficients->layout;
  check_blocks(simulation.blocks, layout.nz);
  if (simulation.steps < 1) throw InputError("a run of no steps (nothing would be computed) give a longer duration");
  const Grid grid{.extents = {layout.nx, layout.ny, layout.nz}};
  const auto check = [&](Cell c, const char* what) {
    if (!grid.contains(c)) {
      throw InputError(fmt::format("a {} at cell {}, {}, {} (the grid has {} x {} x {}) move it or enlarge the grid",
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
  const auto start = std::chrono::steady_clock::now();
  for (int step = 1; step <= simulation.steps; ++step) {
    for (Block& block : blocks) block.advance();
    exchange_edges(blocks);
    if (simulation.energy_every > 0 && step % simulation.energy_every == 0) {
      result.energy.push_back({step, total_energy(blocks)});
    }
    if (simulation.snapshot_every > 0 && step % simulation.snapshot_every == 0) {
      result.snapshots.push_back(take_snapshot(blocks, step, simulation.snapshot_x));
    }
    if (progress) progress(step);
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result.traces = collect_traces(blocks, simulation.recorders.size());
  for (const Block& block : blocks) {
    const std::vector<float> part = block.peak();
    result.peak_pa.insert(result.peak_pa.end(), part.begin(), part.end());
  }
  return result;
}

}  // namespace ultrasound
