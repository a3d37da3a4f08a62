// Uses what needs no ranks.
#include <cstdio>
#include <ringray/metrics.hpp>

int main() {
  ringray::Counter steps("steps", {.unit = "steps", .sentence = "Time steps computed"});
  steps.add(3);
  std::printf("steps %g\n", steps.value());
}
