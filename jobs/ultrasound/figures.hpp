#pragma once
// Pictures of a treatment.

#include "picture.hpp"
#include "treatment.hpp"

namespace ultrasound {

/// What lies under the pressure in every picture: the head as the scanner saw it. Plan and anatomy must outlive it.
class Backdrop {
 public:
  /// `layer_cells`: width of the absorbing layer, which pictures leave out.
  Backdrop(const Plan& plan, const Anatomy& anatomy, int layer_cells);
  const Plan& plan() const { return plan_; }
  int layer_cells() const { return layer_cells_; }
  /// With bone tinted where the simulation had bone; in one that had only water the head is a shadow.
  Colour colour(Cell cell, Scenario scenario) const;

 private:
  const Plan& plan_;
  const Anatomy& anatomy_;
  int layer_cells_;
  float brightest_;
};

/// Full scale for the peak pictures of all scenarios, so that they can be compared: the loudest focus.
double common_full_scale_pa(const Treatment& treatment);

/// Peak pressure over the anatomy in the three planes through the target, with a colour bar.
Picture draw_peak(const Backdrop& backdrop, const Outcome& outcome, double full_scale_pa, Engine& engine);

/// The snapshots of a simulation side by side, with a colour bar.
Picture draw_movie(const Backdrop& backdrop, const Outcome& outcome, Engine& engine);

}  // namespace ultrasound
