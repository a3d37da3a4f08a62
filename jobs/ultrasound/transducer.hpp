#pragma once
// A spherical cap of elements around a target, and the grid that holds it.

#include <vector>

#include "config.hpp"

namespace ultrasound {

/// Places of the elements, spread evenly by area along a Fibonacci spiral (Gonzalez, "Measurement of areas on a sphere
/// using Fibonacci and latitude-longitude lattices", Math. Geosci. 42 (2010) 49).
std::vector<Point> place_elements(const TransducerConfig& transducer, Point target_mm);

/// The grid of a run: head and elements, 3 cells of room, and the absorbing layer around. Its cells lie so that the
/// target is the centre of one.
Grid run_grid(const Config& config, const Grid& anatomy, Point target_mm, const std::vector<Point>& elements);

/// The cells of the elements. InputError when an element lies in the head or two share a cell.
std::vector<Cell> element_cells(const Grid& grid, const std::vector<Point>& elements, const Anatomy& anatomy);

/// What the grid can carry: `wanted`, or less where a wavelength in the slowest material would have too few cells.
double carried_frequency_hz(const Config& config);

}  // namespace ultrasound
