#pragma once
// One run of the wave through the medium, cut into blocks.

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "block.hpp"
#include "field.hpp"

namespace ultrasound {

struct Simulation {
  const Coefficients* coefficients = nullptr;
  std::vector<PointSource> sources;
  std::vector<Cell> recorders;
  int steps = 0;
  int blocks = 0;          ///< 0: as many as suit the engine
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
  std::shared_ptr<const Field> peak_pa;    ///< largest |pressure|
  std::vector<std::vector<float>> traces;  ///< per recorder: pressure at times (n + 1/2) dt, n = 0, 1, ...
  std::vector<EnergySample> energy;
  std::vector<Snapshot> snapshots;
};

/// Called after each step with the number of finished steps.
using Progress = std::function<void(int step)>;

/// All blocks in the calling thread.
SimulationResult run_in_loop(const Simulation& simulation, const Progress& progress);

/// What a block leaves at the end beside its peak pressure.
struct Harvest {
  std::vector<Recorder> recorders;  ///< in the order of a row of `traces`
  std::vector<float> traces;        ///< one row per step
};
/// Puts the blocks' parts together, lowest block first, in orders that do not depend on the cut.
double total_energy(std::span<const std::vector<double>> plane_energies);
void assemble(std::span<const Harvest> blocks, std::size_t recorders, SimulationResult& result);

/// How many blocks the planes can be cut into: a thinner block could not serve its neighbours.
int most_blocks(int planes);
/// Refuses more (InputError).
void check_blocks(int blocks, int planes);
/// Refuses what cannot run (InputError): too many blocks, a source or recorder outside the grid.
void check_simulation(const Simulation& simulation);

}  // namespace ultrasound
