// The actors of the tests and a stencil-like one as a program for GPUs: must compile without a warning and, in the
// resident kernel, without a spill. What runs it is script/gpu-check.

#include "../kernel_actors.hpp"
#include "ringray/kernels/resident.cuh"

namespace ringray::test {

/// Works with all threads of its block and refers to memory.
struct Sweep {
  struct State {
    float* from;
    float* to;
    int cells;
    Address next;
  };
  using Handled = device::Messages<Token>;
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State& state, const Token& token) {
    const auto* from = state.from;
    auto* to = state.to;
    context.for_each(state.cells, [=](int i) { to[i] = 0.5f * from[i] + 0.25f * (from[i - 1] + from[i + 1]); });
    if (token.hops_left == 0) return;
    context.send(state.next, Token{token.hops_left - 1}, {.refers_to_memory = true});
  }
};

}  // namespace ringray::test

RINGRAY_RESIDENT_KERNEL(ringray_test_kernel,
                        ringray::device::Program<ringray::test::Echo, ringray::test::Ring, ringray::test::Sweep>)
