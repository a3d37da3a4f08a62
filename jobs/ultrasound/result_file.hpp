#pragma once
// result.h5: everything a treatment found, with units.

#include <filesystem>

#include "treatment.hpp"

namespace ultrasound {

/// Writes the file under its name whole or not at all. Throws std::runtime_error. Schema (arrays z, y, x; attribute
/// `units`):
///   /                       attributes program, config (TOML), target, target_mm, spacing_mm, origin_mm, step_s,
///   frequency_hz /medium/{tissue, sound_speed, density, attenuation} /transducer/{elements_mm, travel_water,
///   travel_head} /simulations/NAME/{peak_pressure, traces, energy, energy_step, delays}   NAME: reversal, water,
///   uncorrected, corrected /table/{scenario, focus_mm, off_target_mm, peak, at_target, width_mm}
void write_result(const std::filesystem::path& path, const Config& config, const Treatment& treatment);

}  // namespace ultrasound
