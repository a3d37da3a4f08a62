#pragma once
// The baselines of stencil.cpp: the same stencil as people write it.

#include <vector>

#include "coefficients.hpp"

namespace stencil {

/// Fields and medium of the whole grid, without blocks.
struct Fields {
  const ultrasound::Coefficients* medium;
  std::vector<float> now, before, peak;
};

void start_kokkos();
void stop_kokkos();

/// One time step of planes [first, last); `now` and `before` are to change places when all are done.
void planes_in_plain_loop(Fields& fields, int first, int last);
/// One time step; `now` and `before` change places.
void step_in_plain_loop(Fields& fields);
void step_in_kokkos(Fields& fields);

}  // namespace stencil
