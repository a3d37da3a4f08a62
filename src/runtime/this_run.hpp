#pragma once
// What is used outside of a run, or is kept from one that has ended, is found out here.

#include <atomic>
#include <cstdint>

namespace ringray::runtime {

/// Odd in a run, even outside, and 16,000 runs have different ones; so that one comparison tells whether something is
/// of this run: what begins outside gets an odd number that no run has.
using RunNumber = std::uint16_t;
inline constinit std::atomic<RunNumber> this_run{0};

/// `what`: "submit", "a KernelHandle". Both throw ConfigError.
[[noreturn, gnu::cold]] void throw_outside(const char* what);
[[noreturn, gnu::cold]] void throw_kept(const char* what);
/// Out of the way of what is inlined.
[[noreturn, gnu::cold]] void throw_config(const char* text);
inline void run_begins() noexcept { this_run.fetch_add(3, std::memory_order_relaxed); }
inline void run_ends() noexcept { this_run.fetch_add(1, std::memory_order_relaxed); }

inline bool is_outside() noexcept { return this_run.load(std::memory_order_relaxed) % 2 == 0; }
/// A function of the API that needs a job.
inline void check_inside(const char* what) {
  if (is_outside()) [[unlikely]]
    throw_outside(what);
}

/// When something began to exist: beyond its run nothing can be done with it but to let go of it. Any thread.
class Begun {
 public:
  bool in_this_run() const noexcept { return run_ == this_run.load(std::memory_order_relaxed); }
  void check(const char* what) const {
    if (!in_this_run()) [[unlikely]]
      throw_kept(what);
  }

 private:
  RunNumber run_ = this_run.load(std::memory_order_relaxed) | 1;
};

}  // namespace ringray::runtime
