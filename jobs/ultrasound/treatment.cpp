#include "treatment.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "error.hpp"
#include "tissue_medium.hpp"
#include "transducer.hpp"

namespace ultrasound {
namespace {

constexpr double focus_reach_mm = 30;

/// Bone and brain are faster than water, so the wave comes before the one through water: by less than 8 us, which 25 mm
/// of bone would take, and hardly ever later.
constexpr double earlier_s = 8e-6, later_s = 2e-6;

std::vector<double> water_travel(const Plan& plan, double speed_m_s) {
  std::vector<double> travel;
  for (const Cell& cell : plan.elements) {
    travel.push_back(1e-3 * length(plan.grid.centre(cell) - plan.grid.centre(plan.target_cell)) / speed_m_s);
  }
  return travel;
}

std::vector<PointSource> send(const Plan& plan, const std::vector<double>& delays_s) {
  std::vector<PointSource> sources;
  for (std::size_t i = 0; i < plan.elements.size(); ++i) sources.push_back({plan.elements[i], plan.burst, delays_s[i]});
  return sources;
}

std::vector<std::uint8_t> brain_of(const Plan& plan) {
  std::vector<std::uint8_t> brain;
  for (const Tissue tissue : plan.tissue) brain.push_back(tissue == Tissue::brain);
  return brain;
}

}  // namespace

Plan make_plan(const Config& config, const Anatomy& anatomy, const Target& target) {
  Plan plan{.target = target};
  const std::vector<Point> places = place_elements(config.transducer, target.position_mm);
  plan.grid = run_grid(config, anatomy.grid, target.position_mm, places);
  plan.target_cell = plan.grid.nearest(target.position_mm);
  if (tissue_at(anatomy, target.position_mm) != Tissue::brain) {
    throw InputError(
        fmt::format("target {} at {}, {}, {} mm (that is not in the brain); give scanner coordinates inside the brain",
                    target.name, target.position_mm.x, target.position_mm.y, target.position_mm.z));
  }
  plan.elements = element_cells(plan.grid, places, anatomy);
  plan.tissue = tissues_on(plan.grid, anatomy);
  plan.head = tissue_medium(plan.grid, anatomy, config.materials);
  const Material& water = config.materials[static_cast<std::size_t>(Tissue::water)];
  plan.water = uniform_medium(plan.grid, static_cast<float>(water.speed_m_s), static_cast<float>(water.density_kg_m3),
                              static_cast<float>(water.attenuation_db_cm_mhz));
  const double frequency = carried_frequency_hz(config);
  plan.burst = {frequency, config.transducer.cycles,
                volume_velocity(config.transducer.strength_pa_m, water.density_kg_m3, frequency)};
  const double stable = std::min(stable_step_s(plan.head), stable_step_s(plan.water));
  plan.step_s = config.courant * stable;
  check_step(plan.step_s, stable);
  check_blocks(config.blocks, plan.grid.extents.nz);
  // Long enough for the slowest way through water, the longest delay, the burst, and echoes inside the skull for two
  // bursts.
  const auto travel = water_travel(plan, water.speed_m_s);
  const double longest = *std::max_element(travel.begin(), travel.end());
  const double shortest = *std::min_element(travel.begin(), travel.end());
  plan.steps =
      static_cast<int>(std::ceil((2 * longest - shortest + earlier_s + 3 * plan.burst.duration_s()) / plan.step_s));
  return plan;
}

Treatment treat(const Config& config, Plan plan_given, Engine& engine, const TreatmentProgress& progress) {
  Treatment treatment{.plan = std::move(plan_given)};
  const Plan& plan = treatment.plan;
  const CoefficientOptions options{
      .step_s = plan.step_s, .frequency_hz = plan.burst.frequency_hz, .layer = {.cells = config.layer_cells}};
  const Coefficients head = make_coefficients(plan.head, options), water = make_coefficients(plan.water, options);
  const auto simulation = [&](const Coefficients& coefficients, std::vector<PointSource> sources,
                              std::vector<Cell> recorders) {
    return Simulation{.coefficients = &coefficients,
                      .sources = std::move(sources),
                      .recorders = std::move(recorders),
                      .steps = plan.steps,
                      .blocks = config.blocks,
                      .energy_every = config.energy_every,
                      .snapshot_every = std::max(1, plan.steps / config.frames),
                      .snapshot_x = plan.target_cell.x};
  };
  const auto run = [&](std::vector<Scenario> scenarios, const std::vector<Simulation>& simulations) {
    auto results = engine.simulate(simulations, [&](std::size_t which, int step) {
      if (progress) progress(scenarios[which], step);
    });
    for (std::size_t i = 0; i < scenarios.size(); ++i) {
      treatment.outcomes.push_back({.scenario = scenarios[i], .result = std::move(results[i])});
    }
  };

  treatment.travel_water_s = water_travel(plan, config.materials[static_cast<std::size_t>(Tissue::water)].speed_m_s);
  const auto water_delays = focusing_delays_s(treatment.travel_water_s);
  run({Scenario::reversal, Scenario::water, Scenario::uncorrected},
      {simulation(head, {{plan.target_cell, plan.burst}}, plan.elements),
       simulation(water, send(plan, water_delays), {plan.target_cell}),
       simulation(head, send(plan, water_delays), {plan.target_cell})});

  std::vector<Echo> echoes;
  for (std::size_t i = 0; i < plan.elements.size(); ++i) {
    const double travel = treatment.travel_water_s[i];
    echoes.push_back({.trace = treatment.outcomes[0].result.traces[i],
                      .step_s = plan.step_s,
                      .emitted = plan.burst,
                      .earliest_s = travel - earlier_s,
                      .latest_s = travel + later_s});
  }
  treatment.travel_head_s = engine.arrivals_s(echoes);
  const auto head_delays = focusing_delays_s(treatment.travel_head_s);
  run({Scenario::corrected}, {simulation(head, send(plan, head_delays), {plan.target_cell})});

  const std::vector<std::uint8_t> brain = brain_of(plan);
  for (Outcome& outcome : treatment.outcomes) {
    if (outcome.scenario == Scenario::reversal) continue;
    outcome.delays_s = outcome.scenario == Scenario::corrected ? head_delays : water_delays;
    outcome.focus = find_focus(plan.grid, *outcome.result.peak_pa, brain, plan.target_cell, focus_reach_mm);
  }
  return treatment;
}

}  // namespace ultrasound
