#pragma once
// The medium on the grid of the run.

#include <vector>

#include "grid.hpp"

namespace ultrasound {

/// Values per cell, x fastest.
struct Medium {
  Grid grid;
  std::vector<float> speed_m_s;
  std::vector<float> density_kg_m3;
  std::vector<float> attenuation_db_cm_mhz;  ///< amplitude attenuation, proportional to frequency
};

/// `extents.cells()` equal cells.
Medium uniform_medium(const Grid& grid, float speed_m_s, float density_kg_m3, float attenuation_db_cm_mhz);

/// Attenuation in neper per metre at `frequency_hz`: 1 Np = 20/ln 10 dB (Treeby & Cox, "k-Wave", J. Biomed. Opt. 15
/// (2010) 021314, section 2.3, with exponent y = 1).
double attenuation_np_m(double attenuation_db_cm_mhz, double frequency_hz);

/// Refuses a medium that has no meaning (InputError): wrong sizes, values that are not finite, speed or density that
/// are not positive, negative attenuation.
void check_medium(const Medium& medium);

}  // namespace ultrasound
