#pragma once
// All time comes from here. State machines never call it: they are given the time.

#include <chrono>
#include <cstdint>

namespace ringray::base {

using Nanoseconds = std::chrono::nanoseconds;

/// Monotonic time of this rank since an arbitrary start. Any thread. About 25 ns.
inline Nanoseconds now() noexcept { return std::chrono::steady_clock::now().time_since_epoch(); }

/// Cycle counter of the processor: cheap, constant rate, for spin limits and rate decisions only. Any thread.
inline std::uint64_t cycles() noexcept { return __builtin_ia32_rdtsc(); }

/// Cycles per microsecond, measured once against now().
double cycles_per_microsecond() noexcept;

/// Tells the core that this is a spin loop.
inline void pause() noexcept { __builtin_ia32_pause(); }

}  // namespace ringray::base
