#pragma once
// Stages 2 to 4 for one target: simulate from the target outwards, listen at the elements, and send with the delays
// found.

#include <array>
#include <string>
#include <vector>

#include "analysis.hpp"
#include "coefficients.hpp"
#include "config.hpp"
#include "engine.hpp"

namespace ultrasound {

/// The target's run, ready to start: grid, media and times.
struct Plan {
  Target target;
  Grid grid;
  Cell target_cell;
  std::vector<Cell> elements;
  std::vector<Tissue> tissue;  ///< per cell of `grid`
  Medium head, water;
  ToneBurst burst;  ///< of one element
  double step_s = 0;
  int steps = 0;
};

/// InputError when the set-up makes no sense: element in the head, target outside the brain, unstable step.
Plan make_plan(const Config& config, const Anatomy& anatomy, const Target& target);

enum class Scenario { reversal, water, uncorrected, corrected };
inline constexpr std::array<const char*, 4> scenario_names{"reversal", "water", "uncorrected", "corrected"};
inline constexpr std::array<const char*, 4> scenario_titles{"from the target, listening", "in water",
                                                            "through the skull, delays of water",
                                                            "through the skull, delays corrected"};

struct Outcome {
  Scenario scenario;
  SimulationResult result;
  Focus focus;                   ///< of the three that send
  std::vector<double> delays_s;  ///< per element; of the three that send
};

struct Treatment {
  Plan plan;
  std::vector<double> travel_water_s, travel_head_s;  ///< element to target
  std::vector<Outcome> outcomes;                      ///< in the order of Scenario
};

/// Called after each step of each simulation; several simulations may take turns.
using TreatmentProgress = std::function<void(Scenario scenario, int step)>;

Treatment treat(const Config& config, Plan plan, Engine& engine, const TreatmentProgress& progress);

}  // namespace ultrasound
