#pragma once
// From a medium to the numbers that the stencil in ringray/kernels/wave.hpp multiplies with.

#include <vector>

#include "medium.hpp"
#include "ringray/kernels/wave.hpp"

namespace ultrasound {

enum class Walls {
  open,   ///< the absorbing layer lets waves out on all six sides
  rigid,  ///< no flow through the sides across y and z: a grid one cell wide and high is a one-dimensional tube
};

/// Damping that grows towards the open sides: gamma(s) = (m + 1) c ln(1/R) / (2 w) s^m with s = 0..1 across the width
/// w, m = 3; R is the part that returns from a plane wave at normal incidence in the continuous limit. Profile: Collino
/// & Tsogka, Geophysics 66 (2001) 294, eq. 18; operator: Kosloff & Kosloff, see wave.hpp.
struct AbsorbingLayer {
  int cells = 10;
  double reflection = 1e-3;
};

struct CoefficientOptions {
  double step_s = 0;
  double frequency_hz = 0;  ///< at which the attenuation holds
  AbsorbingLayer layer;
  Walls walls = Walls::open;
};

/// Arrays in `layout`, margins included.
struct Coefficients {
  ringray::kernels::WaveLayout layout;
  double spacing_m = 0, step_s = 0;
  std::vector<float> stiffness, decay, buoyancy_x, buoyancy_y, buoyancy_z;
};

/// The largest step that is stable for certain. From the energy of wave.hpp: it is positive, and so bounds the
/// field, when for every cell dt^2 K/h^2 (sum |w|) / 4 * sum over the faces of the cell |w| b <= 1, w the weights of
/// the difference; in a uniform medium this is the von Neumann limit dt <= 2/7 sqrt(3) h/c.
double stable_step_s(const Medium& medium, Walls walls = Walls::open);

/// Refuses a step that is not positive or above the stable one, and names that (InputError).
void check_step(double step_s, double stable_s);

/// Refuses an unstable step (InputError that names the stable one).
Coefficients make_coefficients(const Medium& medium, const CoefficientOptions& options);

}  // namespace ultrasound
