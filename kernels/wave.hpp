#pragma once
// The stencil of the acoustic wave equation: one handler for a plain loop, host actors and device actors.
//
// Model. Linear sound in a fluid with sound speed c(x), density rho(x) and damping rate gamma(x), after Bergmann,
// "The wave equation in a medium with a variable index of refraction", J. Acoust. Soc. Am. 17 (1946) 329, eq. 15, with
// the damping operator of Kosloff & Kosloff, "Absorbing boundaries for wave propagation problems", J. Comput. Phys. 63
// (1986) 363, eq. 7:
//     (d/dt + gamma)^2 q = K div(b grad q),      K = rho c^2,  b = 1/rho,  pressure p = dq/dt,  velocity v = -b grad q.
// The unknown is the pressure impulse q (Pa s), the time integral of the pressure: the same equation holds for q and p
// where the medium does not change in time, and with q both parts of the acoustic energy are at hand. Where gamma is
// uniform a wave travels with k = (omega + i gamma) / c: attenuation gamma/c neper per metre at every frequency, and no
// dispersion.
//
// Space. Staggered fourth-order differences, Levander, "Fourth-order finite-difference P-SV seismograms", Geophysics 53
// (1988) 1425, eq. 5: f'(i+1/2) h = 9/8 (f[i+1] - f[i]) - 1/24 (f[i+2] - f[i-1]).
// Time. Second-order leapfrog, exact for the damping:
//     q+ / d - 2 q + d q- = (dt^2 K / h^2) L q,    d = exp(-gamma dt),   L = sum over axes of D b D h^2.
// Energy. The discrete energy below never grows, whatever b, K and d: L is symmetric, and multiplying the scheme by
// (q+ - q-)/(dt^2 K) gives E(n+1/2) - E(n-1/2) = -h^3/2 sum sinh(gamma dt) (q+ - q-)^2 / (dt^2 K) <= 0 with
//     E(n+1/2) = h^3/2 sum { [(q+ - q)^2 + (cosh(gamma dt) - 1)(q+^2 + q^2)] / (dt^2 K) - q+ L q / h^2 }.
//
// Every cell is computed by the same sequence of operations whatever block it belongs to, so the cut into blocks does
// not change a bit of the result. Fused operations are written out, and rounded the same on every machine; the compiler
// must not fuse others (-ffp-contract=off).

#include <cstdint>
#include <type_traits>

#include "ringray/base/portable.hpp"

namespace ringray::kernels {

/// Cells that a cell's update reaches along each axis, and so the planes that neighbouring blocks exchange.
inline constexpr int wave_halo = 3;

/// Extents of a block and where a cell lies in its arrays: x fastest, `wave_halo` cells of margin on every side.
struct WaveLayout {
  int nx = 0, ny = 0, nz = 0;  ///< cells without margin
  std::int64_t row = 0;        ///< floats from (x, y, z) to (x, y + 1, z)
  std::int64_t plane = 0;      ///< floats from (x, y, z) to (x, y, z + 1)

  /// Position of a cell; -wave_halo <= x < nx + wave_halo, and so on.
  RINGRAY_DEVICE constexpr std::int64_t at(int x, int y, int z) const {
    return (z + wave_halo) * plane + (y + wave_halo) * row + (x + wave_halo);
  }
  /// Floats in an array of this layout.
  RINGRAY_DEVICE constexpr std::int64_t size() const { return (nz + 2 * wave_halo) * plane; }
};

/// Rows are padded to whole vectors of 16 floats.
constexpr WaveLayout wave_layout(int nx, int ny, int nz) {
  const std::int64_t row = (nx + 2 * wave_halo + 15) / 16 * 16;
  return {nx, ny, nz, row, row * (ny + 2 * wave_halo)};
}

/// The medium of a block, ready for the update. Face value [i] of an axis lies between cell i and its successor.
struct WaveMedium {
  const float* stiffness;   ///< dt^2 rho c^2 / h^2, Pa
  const float* decay;       ///< exp(-gamma dt)
  const float* buoyancy_x;  ///< 1/rho on the faces, m^3/kg
  const float* buoyancy_y;
  const float* buoyancy_z;
};

inline constexpr float wave_near = 9.0F / 8.0F;
inline constexpr float wave_far = -1.0F / 24.0F;

/// h times the slope of q on the face between q[0] and q[stride].
[[gnu::always_inline]] RINGRAY_DEVICE inline float wave_slope(const float* q, std::int64_t stride) {
  return __builtin_fmaf(wave_near, q[stride] - q[0], wave_far * (q[2 * stride] - q[-stride]));
}

/// h^2 times D b D q along one axis at q[0].
[[gnu::always_inline]] RINGRAY_DEVICE inline float wave_axis(const float* q, const float* b, std::int64_t stride) {
  const float inner = __builtin_fmaf(b[0], wave_slope(q, stride), -(b[-stride] * wave_slope(q - stride, stride)));
  const float outer =
      __builtin_fmaf(b[stride], wave_slope(q + stride, stride), -(b[-2 * stride] * wave_slope(q - 2 * stride, stride)));
  return __builtin_fmaf(wave_near, inner, wave_far * outer);
}

/// h^2 L q of the header comment at cell i.
[[gnu::always_inline]] RINGRAY_DEVICE inline float wave_operator(const float* q, const WaveMedium& medium,
                                                                 const WaveLayout& layout, std::int64_t i) {
  return wave_axis(q + i, medium.buoyancy_x + i, 1) + wave_axis(q + i, medium.buoyancy_y + i, layout.row) +
         wave_axis(q + i, medium.buoyancy_z + i, layout.plane);
}

/// One time step of one cell. Cells may be visited in any order and by any number of threads.
struct WaveStep {
  WaveLayout layout;
  WaveMedium medium;
  const float* now;  ///< q at step n, margins filled
  float* next;       ///< on entry q at n-1, on return q at n+1
  float* peak;       ///< largest |pressure| so far, Pa; raised to |p| at n+1/2
  float rate;        ///< 1/dt, 1/s

  [[gnu::always_inline]] RINGRAY_DEVICE void operator()(std::int64_t i) const {
    const float decay = medium.decay[i];
    const float q = __builtin_fmaf(medium.stiffness[i], wave_operator(now, medium, layout, i),
                                   __builtin_fmaf(-decay, next[i], 2.0F * now[i]));
    const float damped = decay * q;
    const float pressure = __builtin_fabsf((damped - now[i]) * rate);
    next[i] = damped;
    peak[i] = pressure > peak[i] ? pressure : peak[i];
  }
};

/// Energy of one cell at n+1/2 in units of h/2 joule (h in metres), after the step and before `now` and `next` change
/// places.
struct WaveEnergy {
  WaveLayout layout;
  WaveMedium medium;
  const float* now;
  const float* next;

  [[gnu::always_inline]] RINGRAY_DEVICE double operator()(std::int64_t i) const {
    const double stiffness = medium.stiffness[i], decay = medium.decay[i], q = now[i], later = next[i];
    const double slowing = (1.0 - decay) * (1.0 - decay) / (2.0 * decay);  // cosh(gamma dt) - 1
    const double kinetic = (later - q) * (later - q) + slowing * (later * later + q * q);
    return kinetic / stiffness - later * static_cast<double>(wave_operator(now, medium, layout, i));
  }
};

static_assert(std::is_trivially_copyable_v<WaveStep> && std::is_trivially_copyable_v<WaveEnergy>);

/// Pressure in Pa half a step before the time of `now`.
RINGRAY_DEVICE inline float wave_pressure(const float* now, const float* before, std::int64_t i, float rate) {
  return (now[i] - before[i]) * rate;
}

/// The planes that the block below needs, or the one above: wave_halo planes.
RINGRAY_DEVICE inline const float* wave_edge(const float* field, const WaveLayout& layout, bool upper) {
  return field + (upper ? layout.nz : wave_halo) * layout.plane;
}
/// Where a field wants the edge of the block below, or of the one above.
RINGRAY_DEVICE inline float* wave_margin(float* field, const WaveLayout& layout, bool upper) {
  return field + (upper ? wave_halo + layout.nz : 0) * layout.plane;
}

/// All cells of planes [first, last). One thread; different planes may be given to different threads.
void advance_planes(const WaveStep& step, int first, int last);

/// Sum of `energy` over plane z in an order that depends on nothing but the extents.
[[gnu::always_inline]] RINGRAY_DEVICE inline double sum_over_plane(const WaveEnergy& energy, int z) {
  constexpr int lanes = 16;  // fixed, whatever the machine's vector width
  double partial[lanes] = {};
  for (int y = 0; y < energy.layout.ny; ++y) {
    const std::int64_t row = energy.layout.at(0, y, z);
    int x = 0;
    for (; x + lanes <= energy.layout.nx; x += lanes) {
      for (int lane = 0; lane < lanes; ++lane) partial[lane] += energy(row + x + lane);
    }
    for (int lane = 0; x < energy.layout.nx; ++x, ++lane) partial[lane] += energy(row + x);
  }
  double sum = 0;
  for (const double part : partial) sum += part;
  return sum;
}
/// The same, vectorised. Any thread of a host.
double energy_of_plane(const WaveEnergy& energy, int z);

}  // namespace ringray::kernels
