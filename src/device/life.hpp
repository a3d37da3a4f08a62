#pragma once
// The life of a kernel, and of an actor in it: one table for all backends, host and device. Pure.
//
//   created → launched → active ⇄ suspended → terminating → terminated, and failed from launched on; a failed one is
//   restarted or terminated.

#include <cstdint>

#include "ringray/base/portable.hpp"

namespace ringray::device {

// X(name): states in the order of the picture.
#define RINGRAY_LIVES(X) X(created) X(launched) X(active) X(suspended) X(terminating) X(terminated) X(failed)
// X(name, what it is called of somebody to whom it cannot be done)
#define RINGRAY_STEPS(X)     \
  X(launch, "launched")      \
  X(activate, "activated")   \
  X(suspend, "suspended")    \
  X(resume, "resumed")       \
  X(terminate, "terminated") \
  X(finish, "finished")      \
  X(fail, "failed")          \
  X(restart, "restarted")

#define X(name, ...) name,
enum class Life : std::uint32_t { RINGRAY_LIVES(X) count };
enum class Step : std::uint32_t { RINGRAY_STEPS(X) count };
#undef X

/// Where `step` leads from `life`; Life::count when it is not allowed. Terminating what ends or has ended changes
/// nothing.
RINGRAY_DEVICE constexpr Life after(Life life, Step step) {
  switch (step) {
    case Step::launch:
      return life == Life::created ? Life::launched : Life::count;
    case Step::activate:
      return life == Life::launched ? Life::active : Life::count;
    case Step::suspend:
      return life == Life::active ? Life::suspended : Life::count;
    case Step::resume:
      return life == Life::suspended ? Life::active : Life::count;
    case Step::terminate:
      return life == Life::terminating || life == Life::terminated ? life : Life::terminating;
    case Step::finish:
      return life == Life::terminating ? Life::terminated : Life::count;
    case Step::fail:
      return life == Life::created || life == Life::terminated ? Life::count : Life::failed;
    case Step::restart:
      return life == Life::failed ? Life::active : Life::count;
    default:
      return Life::count;
  }
}

}  // namespace ringray::device
