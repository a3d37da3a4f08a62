#pragma once
// What is used outside of a run, or is kept from one that has ended, is found out here.

#include <atomic>
#include <cstdint>

namespace ringray::runtime {

/// The runs of this process, counted from 1; 0 outside of any.
using RunNumber = std::uint16_t;
inline constinit std::atomic<RunNumber> this_run{0};

/// `what`: "submit", "a KernelHandle". Both throw ConfigError.
[[noreturn, gnu::cold]] void throw_outside(const char* what);
[[noreturn, gnu::cold]] void throw_kept(const char* what);

inline bool is_outside() noexcept { return this_run.load(std::memory_order_relaxed) == 0; }
/// A function of the API that needs a job.
inline void check_inside(const char* what) {
  if (is_outside()) [[unlikely]]
    throw_outside(what);
}

/// When something began to exist: beyond its run nothing can be done with it but to let go of it. Any thread.
class Begun {
 public:
  bool in_this_run() const noexcept {
    const auto now = this_run.load(std::memory_order_relaxed);
    return run_ == now && now != 0;
  }
  void check(const char* what) const {
    if (!in_this_run()) [[unlikely]]
      throw_kept(what);
  }

 private:
  RunNumber run_ = this_run.load(std::memory_order_relaxed);
};

}  // namespace ringray::runtime
