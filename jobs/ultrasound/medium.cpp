#include "medium.hpp"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "error.hpp"

namespace ultrasound {
namespace {

enum class Sign { positive, not_negative };

void check_field(const Medium& medium, const std::vector<float>& field, const char* name, const char* unit, Sign sign) {
  const Extents& n = medium.grid.extents;
  if (field.size() != n.cells()) {
    throw InputError(
        fmt::format("{} has {} values for {} x {} x {} cells (every cell needs one); give one value per cell", name,
                    field.size(), n.nx, n.ny, n.nz));
  }
  for (const float value : field) {
    if (!std::isfinite(value) || value < 0 || (sign == Sign::positive && value == 0)) {
      throw InputError(fmt::format("{} of {} {} (the wave equation has no solution there); correct the material table",
                                   name, value, unit));
    }
  }
}

}  // namespace

Medium uniform_medium(const Grid& grid, float speed_m_s, float density_kg_m3, float attenuation_db_cm_mhz) {
  const std::size_t cells = grid.extents.cells();
  return {grid, std::vector<float>(cells, speed_m_s), std::vector<float>(cells, density_kg_m3),
          std::vector<float>(cells, attenuation_db_cm_mhz)};
}

double attenuation_np_m(double attenuation_db_cm_mhz, double frequency_hz) {
  const double db_m = attenuation_db_cm_mhz * 100 * frequency_hz * 1e-6;
  return db_m * std::numbers::ln10 / 20;
}

void check_medium(const Medium& medium) {
  const Extents& n = medium.grid.extents;
  if (n.nx < 1 || n.ny < 1 || n.nz < 1 || !(medium.grid.spacing_mm > 0)) {
    throw InputError(
        fmt::format("a grid of {} x {} x {} cells of {} mm (there is nothing to compute); give positive extents", n.nx,
                    n.ny, n.nz, medium.grid.spacing_mm));
  }
  check_field(medium, medium.speed_m_s, "sound speed", "m/s", Sign::positive);
  check_field(medium, medium.density_kg_m3, "density", "kg/m3", Sign::positive);
  check_field(medium, medium.attenuation_db_cm_mhz, "attenuation", "dB/cm/MHz", Sign::not_negative);
}

}  // namespace ultrasound
