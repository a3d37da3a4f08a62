#pragma once
// Two ranks of one worker each, and how the second one is made to take part in a baseline: by a task.

#include <cstdlib>
#include <functional>
#include <string>
#include <utility>

#include "ringray/ringray.hpp"

namespace perf {

/// The driver needs two ranks; each has one worker unless an option says otherwise.
inline int run_pair(int argc, char** argv, std::function<void()> driver) {
  setenv("RINGRAY_WORKERS", "1", 0);
  setenv("RINGRAY_LOG_LEVEL", "warning", 0);
  return ringray::run(argc, argv, [driver = std::move(driver)] {
    if (ringray::ranks() != 2)
      throw ringray::ConfigError("this benchmark compares two ranks; start it with mpirun -n 2");
    driver();
  });
}

template <class F, class... A>
auto on_peer(F&& f, A&&... arguments) {
  return ringray::submit({.placement = ringray::on_rank(1)}, std::forward<F>(f), std::forward<A>(arguments)...);
}
/// The same, and on its way when this returns: the caller may then spin in a baseline's own loop.
template <class F, class... A>
auto start_on_peer(F&& f, A&&... arguments) {
  auto result = on_peer(std::forward<F>(f), std::forward<A>(arguments)...);
  ringray::this_task::yield();  // the worker looks after the network
  return result;
}

}  // namespace perf
