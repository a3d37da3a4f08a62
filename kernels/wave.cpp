#include "ringray/kernels/wave.hpp"

// One binary for every x86-64 machine: the loader picks the variant, and all give the same bits. The default one is for
// machines without fused multiply-add (before 2013), where the C library does it: right, but twenty times slower.
// Sanitizers cannot stand the loader's choice (ifunc); CMakeLists.txt gives them the instruction.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define RINGRAY_VECTOR_VARIANTS __attribute__((target_clones("default", "fma")))
#else
#define RINGRAY_VECTOR_VARIANTS
#endif

namespace ringray::kernels {

RINGRAY_VECTOR_VARIANTS void advance_planes(const WaveStep& shared, int first, int last) {
  const WaveStep step = shared;  // a copy that no store through float* can change
  for (int z = first; z < last; ++z) {
    for (int y = 0; y < step.layout.ny; ++y) {
      const std::int64_t row = step.layout.at(0, y, z);
#pragma GCC ivdep
      for (int x = 0; x < step.layout.nx; ++x) step(row + x);
    }
  }
}

RINGRAY_VECTOR_VARIANTS double energy_of_plane(const WaveEnergy& shared, int z) {
  const WaveEnergy energy = shared;
  return sum_over_plane(energy, z);
}

}  // namespace ringray::kernels
