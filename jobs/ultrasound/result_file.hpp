#pragma once
// result.h5: everything a treatment found, with units.
//
// Schema (arrays z, y, x; attribute `units` of every dataset of numbers):
//   /  attributes program, config (TOML), target, target_mm, spacing_mm, origin_mm, step_s, frequency_hz
//   /medium/{tissue, sound_speed, density, attenuation}
//   /transducer/{elements_mm, travel_water, travel_head}
//   /simulations/NAME/{peak_pressure, traces, energy, energy_step, delays}  NAME: reversal, water, uncorrected,
//   corrected /table/{scenario, focus_mm, off_target_mm, peak, at_target, width_mm}
// The arrays of the grid (medium/*, peak_pressure) are written in slabs, everything else by create_result.

#include <filesystem>
#include <string>
#include <vector>

#include "slab_file.hpp"
#include "treatment.hpp"

namespace ultrasound {

/// Makes the file complete but for the values of the grid's arrays, which have their places and their disk space.
/// Throws std::runtime_error.
void create_result(const std::filesystem::path& path, const Config& config, const Treatment& treatment);
/// The arrays that the plan holds.
std::vector<Slab> medium_slabs(const Plan& plan);
/// The array of a simulation.
std::string peak_dataset(Scenario scenario);

/// All of it by the calling thread, under its name whole or not at all. Throws std::runtime_error.
void write_result(const std::filesystem::path& path, const Config& config, const Treatment& treatment);

}  // namespace ultrasound
