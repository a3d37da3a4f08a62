#pragma once
// One run of the wave through the medium, cut into blocks.

#include <functional>
#include <vector>

#include "block.hpp"

namespace ultrasound {

struct Simulation {
  const Coefficients* coefficients = nullptr;
  std::vector<PointSource> sources;
  std::vector<Cell> recorders;
  int steps = 0;
  int blocks = 1;
  int energy_every = 0;    ///< steps between energy samples; 0: none
  int snapshot_every = 0;  ///< steps between snapshots; 0: none
  int snapshot_x = 0;      ///< the plane across x that a snapshot shows
};

struct EnergySample {
  int step = 0;
  double joule = 0;
};

/// Pressure on the plane x = snapshot_x, y fastest, then z.
struct Snapshot {
  int step = 0;
  std::vector<float> pressure_pa;
};

struct SimulationResult {
  std::vector<float> peak_pa;              ///< per cell
  std::vector<std::vector<float>> traces;  ///< per recorder: pressure at times (n + 1/2) dt, n = 0, 1, ...
  std::vector<EnergySample> energy;
  std::vector<Snapshot> snapshots;
  double seconds = 0;  ///< wall time of the steps
};

/// Called after each step with the number of finished steps.
using Progress = std::function<void(int step)>;

/// Runs a simulation; engines differ in where blocks live, never in the result.
using Engine = std::function<SimulationResult(const Simulation&, const Progress&)>;

/// The engine "loop": all blocks in the calling thread.
SimulationResult run_in_loop(const Simulation& simulation, const Progress& progress);

/// Refuses blocks that are too thin for their neighbours (InputError).
void check_blocks(int blocks, int planes);
/// Refuses what cannot run (InputError): too many blocks, a source or recorder outside the grid.
void check_simulation(const Simulation& simulation);

}  // namespace ultrasound
