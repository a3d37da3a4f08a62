#pragma once
// The wave of wave.hpp as device actors: each advances a stack of z planes and hands its edges to the blocks below and
// above. Nobody keeps time: a block takes a step as soon as it has its neighbours' edges of the step before. On GPUs,
// too, operations must not be fused: -fmad=false.

#include <cstdint>

#include "ringray/device/context.hpp"
#include "ringray/kernels/wave.hpp"

namespace ringray::kernels {

/// How many steps a block has done.
struct WaveDone {
  static constexpr std::uint16_t id = 1;
  std::uint32_t steps;
};
/// Runs until `steps` steps are done. One at a time, after it was told of its neighbours.
struct WaveGo {
  static constexpr std::uint16_t id = 2;
  using Reply = WaveDone;  ///< when they are done
  std::uint32_t steps;
};
struct WaveAsk {
  static constexpr std::uint16_t id = 3;
  using Reply = WaveDone;
  std::uint32_t unused;
};
/// The neighbour's edge after `step` steps lies in the margin of field[step % 2].
struct WaveEdge {
  static constexpr std::uint16_t id = 4;
  std::uint32_t step;
  std::uint32_t from_above;
};
/// To itself: the next step.
struct WaveNext {
  static constexpr std::uint16_t id = 5;
  std::uint32_t unused;
};
/// To the host: the edge of field[step % 2] is ready for a neighbour that the block cannot reach. It stays until the
/// neighbour's edge of the next step has come.
struct WaveEdgeReady {
  static constexpr std::uint16_t id = 6;
  std::uint64_t simulation;
  std::uint32_t step;
  std::uint32_t to_above;
};

/// Who is on the other side of an edge.
struct WaveNeighbour {
  device::Address actor{};     ///< device::host_address: the host hands edges on
  float* margin[2] = {};       ///< of an actor: where its fields want the edge
  std::uint32_t is_there = 0;  ///< 0: the end of the grid
};
struct WaveNeighbours {
  static constexpr std::uint16_t id = 7;
  WaveNeighbour below, above;
};

/// Sources in one cell.
struct WaveSource {
  std::int64_t cell;           ///< position in the fields
  std::uint32_t first, count;  ///< of WaveMemory::flows, in each step
};

/// What a block works on: memory of its kernel's device.
struct WaveMemory {
  std::uint64_t simulation = 0;  ///< for the host
  WaveLayout layout;
  WaveMedium medium;
  float* field[2];  ///< q after an even and an odd number of steps
  float* peak;
  float rate;                 ///< 1/dt, 1/s
  double energy_unit;         ///< h/2, m
  const WaveSource* sources;  ///< of different cells
  const float* flows;         ///< what they take from q of the step before, `flows_count` for each step
  std::uint32_t sources_count, flows_count;
  const std::int64_t* recorders;  ///< positions
  float* traces;                  ///< pressure in Pa, `recorders_count` for each step
  std::uint32_t recorders_count;
  std::uint32_t energy_every;    ///< steps; 0: never
  double* energies;              ///< J per plane, for each sample
  std::uint32_t snapshot_every;  ///< steps; 0: never
  int snapshot_x;
  float* snapshots;  ///< pressure on the plane x = snapshot_x, y fastest, for each sample
};

struct WaveBlock {
  struct State {
    WaveMemory memory;
    WaveNeighbours neighbours{};
    std::uint32_t steps = 0, until = 0;
    std::uint32_t below = 0, above = 0;  ///< steps of the newest edges from there
    std::uint32_t next_is_sent = 0;
    std::uint32_t correlation = 0;  ///< of the WaveGo that is not answered
    device::Address asker{};
  };
  using Handled = device::Messages<WaveGo, WaveAsk, WaveEdge, WaveNext, WaveNeighbours>;
  enum Fault : std::uint32_t { busy = 1, no_room, neighbour_gone };

  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State& state, const WaveNeighbours& neighbours) {
    one_thread(context, [&] { state.neighbours = neighbours; });
  }
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State& state, const WaveAsk&) {
    context.reply(WaveDone{state.steps});
  }
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State& state, const WaveGo& go) {
    if (state.correlation != 0) return context.fail(busy);
    if (go.steps <= state.steps) return static_cast<void>(context.reply(WaveDone{state.steps}));  // was told before
    one_thread(context, [&] {
      state.until = go.steps;
      state.asker = context.envelope().source;
      state.correlation = context.envelope().correlation;
    });
    go_on(context, state);
  }
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State& state, const WaveEdge& edge) {
    one_thread(context, [&] { (edge.from_above ? state.above : state.below) = edge.step; });
    go_on(context, state);
  }
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State& state, const WaveNext&) {
    one_thread(context, [&] { state.next_is_sent = 0; });
    advance(context, state);
    if (state.steps == state.until) return answer(context, state);
    go_on(context, state);
  }

 private:
  template <class Context, class Work>
  RINGRAY_DEVICE static void one_thread(const Context& context, const Work& work) {
    context.sync();  // all have read what it changes
    if (context.rank() == 0) work();
    context.sync();
  }
  RINGRAY_DEVICE static bool can_step(const State& state) {
    return state.steps < state.until && !state.next_is_sent &&
           (!state.neighbours.below.is_there || state.below >= state.steps) &&
           (!state.neighbours.above.is_there || state.above >= state.steps);
  }
  /// A step is a message, so that edges, questions and the host come in between.
  template <class Context>
  RINGRAY_DEVICE static void go_on(const Context& context, State& state) {
    if (!can_step(state)) return;
    one_thread(context, [&] { state.next_is_sent = 1; });
    if (context.send(context.self(), WaveNext{}) != device::Delivery::accepted) context.fail(no_room);
  }
  template <class Context>
  RINGRAY_DEVICE static void answer(const Context& context, State& state) {
    const auto correlation = state.correlation;
    one_thread(context, [&] { state.correlation = 0; });
    context.send(state.asker, WaveDone{state.steps}, {.correlation = correlation, .refers_to_memory = true});
  }

  template <class Context>
  RINGRAY_DEVICE static void advance(const Context& context, State& state) {
    const WaveMemory& m = state.memory;
    const std::uint32_t step = state.steps;
    const float* now = m.field[step % 2];
    float* next = m.field[(step + 1) % 2];
    const float* flows = m.flows + static_cast<std::int64_t>(step) * m.flows_count;
    context.for_each(m.sources_count, [=, sources = m.sources](std::uint32_t i) {
      for (std::uint32_t k = 0; k < sources[i].count; ++k) next[sources[i].cell] -= flows[sources[i].first + k];
    });
    const WaveStep wave{m.layout, m.medium, now, next, m.peak, m.rate};
#ifdef __CUDA_ARCH__
    const std::uint32_t nx = m.layout.nx, ny = m.layout.ny;  // fewer than 2^32 cells: 32-bit divisions are cheap
    context.for_each(nx * ny * m.layout.nz, [=](std::uint32_t i) {
      wave(wave.layout.at(static_cast<int>(i % nx), static_cast<int>(i / nx % ny), static_cast<int>(i / nx / ny)));
    });
#else
    advance_planes(wave, 0, m.layout.nz);
#endif
    one_thread(context, [&] { state.steps = step + 1; });
    observe(context, m, step + 1);  // before a neighbour may go on and write into the margins of `now`
    hand_over(context, state, state.neighbours.below, 0);
    hand_over(context, state, state.neighbours.above, 1);
  }

  template <class Context>
  RINGRAY_DEVICE static void hand_over(const Context& context, const State& state, const WaveNeighbour& to,
                                       std::uint32_t to_above) {
    if (!to.is_there) return;
    const std::uint32_t step = state.steps;
    auto delivery = device::Delivery::accepted;
    if (to.actor.is_host()) {
      delivery =
          context.send(to.actor, WaveEdgeReady{state.memory.simulation, step, to_above}, {.refers_to_memory = true});
    } else {
      const WaveLayout& layout = state.memory.layout;
      const float* edge = wave_edge(state.memory.field[step % 2], layout, to_above);
      float* margin = to.margin[step % 2];
      context.for_each(wave_halo * layout.plane, [=](std::int64_t i) { margin[i] = edge[i]; });
      delivery = context.send(to.actor, WaveEdge{step, !to_above}, {.refers_to_memory = true});
    }
    if (delivery != device::Delivery::accepted)
      context.fail(delivery == device::Delivery::full ? no_room : neighbour_gone);
  }

  template <class Context>
  RINGRAY_DEVICE static void observe(const Context& context, const WaveMemory& m, std::uint32_t step) {
    const WaveLayout layout = m.layout;
    const float *now = m.field[step % 2], *before = m.field[(step + 1) % 2];
    const float rate = m.rate;
    float* trace = m.traces + static_cast<std::int64_t>(step - 1) * m.recorders_count;
    context.for_each(m.recorders_count,
                     [=, at = m.recorders](std::uint32_t i) { trace[i] = wave_pressure(now, before, at[i], rate); });
    if (m.energy_every != 0 && step % m.energy_every == 0) {
      const WaveEnergy energy{layout, m.medium, before, now};
      double* planes = m.energies + static_cast<std::int64_t>(step / m.energy_every - 1) * layout.nz;
      context.for_each(layout.nz, [=, unit = m.energy_unit](int z) {
#ifdef __CUDA_ARCH__
        planes[z] = unit * sum_over_plane(energy, z);
#else
        planes[z] = unit * energy_of_plane(energy, z);
#endif
      });
    }
    if (m.snapshot_every != 0 && step % m.snapshot_every == 0) {
      const int cells = layout.ny * layout.nz;
      float* picture = m.snapshots + static_cast<std::int64_t>(step / m.snapshot_every - 1) * cells;
      context.for_each(cells, [=, x = m.snapshot_x](int i) {
        picture[i] = wave_pressure(now, before, layout.at(x, i % layout.ny, i / layout.ny), rate);
      });
    }
  }
};

}  // namespace ringray::kernels
