#pragma once
// One simulation whose blocks are actors.

#include <deque>
#include <vector>

#include "block_actor.hpp"
#include "block_field.hpp"
#include "simulation.hpp"

namespace ultrasound {

/// Of a simulation on this job: as many as workers, unless it says how many. check_simulation() was there before.
int choose_blocks(const Simulation& simulation);
/// Blocks lie over the ranks in order, so that neighbours are near.
ringray::Rank rank_of_block(int block, int blocks);
/// How many of the first simulations, one at least, run at once: as many as half of the memory is enough for, because
/// one's edges then travel while the other computes.
std::size_t side_by_side(std::span<const Simulation> simulations);

/// Spawns the blocks over the ranks in order, so that neighbours are near, and submits their steps ahead of what is
/// finished: a block waits for its neighbours' edges, never for the driver. One thread.
class ActorRun {
 public:
  /// Steps that are submitted ahead of what is finished; edges of so many steps are kept.
  static constexpr int window = 16;
  explicit ActorRun(const Simulation& simulation);
  void submit_step();
  /// Waits until all blocks have done the first step that was not waited for. Throws what kept one from it.
  void wait_for_step();
  /// After the last step was waited for.
  SimulationResult finish();

 private:
  /// Of all blocks after one step.
  struct Row {
    std::vector<ringray::ObjectRef<Edges>> edges;  // they stay where they are needed
    std::vector<ringray::ObjectRef<long>> steps;   // that were done
  };
  template <class T>
  struct Sample {
    int step;
    std::vector<ringray::ObjectRef<T>> parts;
  };

  const Simulation& simulation_;
  std::vector<ringray::ActorHandle<BlockActor>> blocks_;
  std::vector<BlockPart> parts_;  // where each block is
  std::deque<Row> rows_;          // the last is the newest submitted, the first the newest finished
  std::vector<Sample<std::vector<double>>> energies_;
  std::vector<Sample<std::vector<float>>> slices_;
  int submitted_ = 0, finished_ = 0;
};

}  // namespace ultrasound
