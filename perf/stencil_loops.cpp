#include "stencil_loops.hpp"

#include <Kokkos_Core.hpp>
#include <cmath>
#include <utility>

namespace stencil {

void start_kokkos() { Kokkos::initialize(); }
void stop_kokkos() { Kokkos::finalize(); }

namespace {

constexpr float c0 = 9.0F / 8.0F, c1 = -1.0F / 24.0F;

/// The update of a cell along one axis, written out.
inline float axis(const float* q, const float* b, std::int64_t s) {
  const float left2 = c0 * (q[-s] - q[-2 * s]) + c1 * (q[0] - q[-3 * s]),
              left = c0 * (q[0] - q[-s]) + c1 * (q[s] - q[-2 * s]);
  const float right = c0 * (q[s] - q[0]) + c1 * (q[2 * s] - q[-s]),
              right2 = c0 * (q[2 * s] - q[s]) + c1 * (q[3 * s] - q[0]);
  return c0 * (b[0] * right - b[-s] * left) + c1 * (b[s] * right2 - b[-2 * s] * left2);
}

/// A row of the grid, from its first cell.
inline void row(std::int64_t first, int nx, std::int64_t sy, std::int64_t sz, const float* q, float* next, float* peak,
                const float* k, const float* d, const float* bx, const float* by, const float* bz, float rate) {
#pragma GCC ivdep
  for (std::int64_t i = first; i < first + nx; ++i) {
    const float sum = axis(q + i, bx + i, 1) + axis(q + i, by + i, sy) + axis(q + i, bz + i, sz);
    const float value = d[i] * (2 * q[i] - d[i] * next[i] + k[i] * sum);
    const float pressure = std::fabs((value - q[i]) * rate);
    next[i] = value;
    peak[i] = pressure > peak[i] ? pressure : peak[i];
  }
}

}  // namespace

void planes_in_plain_loop(Fields& f, int first, int last) {
  const auto& m = *f.medium;
  const auto& n = m.layout;
  for (int z = first; z < last; ++z) {
    for (int y = 0; y < n.ny; ++y) {
      row(n.at(0, y, z), n.nx, n.row, n.plane, f.now.data(), f.before.data(), f.peak.data(), m.stiffness.data(),
          m.decay.data(), m.buoyancy_x.data(), m.buoyancy_y.data(), m.buoyancy_z.data(),
          static_cast<float>(1 / m.step_s));
    }
  }
}

void step_in_plain_loop(Fields& f) {
  planes_in_plain_loop(f, 0, f.medium->layout.nz);
  std::swap(f.now, f.before);
}

void step_in_kokkos(Fields& f) {
  using Values = Kokkos::View<const float*, Kokkos::HostSpace, Kokkos::MemoryUnmanaged>;
  using Results = Kokkos::View<float*, Kokkos::HostSpace, Kokkos::MemoryUnmanaged>;
  const auto& m = *f.medium;
  const auto n = m.layout;
  const auto view = [](const std::vector<float>& v) { return Values(v.data(), v.size()); };
  const Values now = view(f.now), k = view(m.stiffness), d = view(m.decay), bx = view(m.buoyancy_x),
               by = view(m.buoyancy_y), bz = view(m.buoyancy_z);
  const Results next(f.before.data(), f.before.size()), peak(f.peak.data(), f.peak.size());
  const float rate = static_cast<float>(1 / m.step_s);
  Kokkos::parallel_for("wave",
                       Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, static_cast<long>(n.ny) * n.nz),
                       [=](long line) {
                         const int y = static_cast<int>(line % n.ny), z = static_cast<int>(line / n.ny);
                         row(n.at(0, y, z), n.nx, n.row, n.plane, now.data(), next.data(), peak.data(), k.data(),
                             d.data(), bx.data(), by.data(), bz.data(), rate);
                       });
  Kokkos::fence();
  std::swap(f.now, f.before);
}

}  // namespace stencil
