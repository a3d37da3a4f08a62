#pragma once
// Pictures of a treatment.

#include "picture.hpp"
#include "treatment.hpp"

namespace ultrasound {

/// What lies under the pressure in every picture: the head's intensity and its skull on the grid of the run.
struct Backdrop {
  Grid grid;
  int layer_cells = 0;          ///< the absorbing layer, left out of pictures
  std::vector<Colour> colours;  ///< per cell
};

Backdrop make_backdrop(const Plan& plan, const Anatomy& anatomy, int layer_cells);

/// Peak pressure over the anatomy in the three planes through the target, with a colour bar up to the focus.
Picture draw_peak(const Plan& plan, const Backdrop& backdrop, const Outcome& outcome, Engine& engine);

/// The snapshots of a simulation side by side.
Picture draw_movie(const Plan& plan, const Backdrop& backdrop, const Outcome& outcome, Engine& engine);

}  // namespace ultrasound
