// Question: what does it cost that the wave's blocks are device actors, on the CPU backend? Model: a step of a block is
// a message to itself and one to each neighbour, some 0.3 us together (perf_device_kernel), and its edges are copied
// once; 64^3 cells take about 2 ms. So ratio = t(plain loop) / t(actors) is near 1. Baseline, by turns, on as many
// threads: the plain loop of stencil_loops.hpp; two threads take half of the planes each and meet at a barrier after
// each step. Goal: ratio >= 0.95.

#include <fmt/format.h>

#include <atomic>
#include <barrier>
#include <cmath>
#include <deque>
#include <thread>
#include <vector>

#include "device_block.hpp"
#include "report.hpp"
#include "ringray/base/check.hpp"
#include "ringray/device/cpu_kernel.hpp"
#include "stencil_loops.hpp"

namespace {

using namespace ultrasound;
using namespace ringray::device;
using ringray::kernels::WaveBlock;

class Actors {
 public:
  Actors(const Coefficients& medium, int count, std::uint32_t threads, const PointSource& source, int steps_max) {
    kernel_ = std::move(*CpuKernel::create<Program<WaveBlock>>({.blocks = threads}, [this](const Parcel&) {
      ++ends_;
      ended_.ring();
    }));
    RINGRAY_ASSERT(kernel_->launch() && kernel_->activate());
    for (int i = 0; i < count; ++i) {
      auto& block = blocks_.emplace_back(
          cut_block(medium, planes_of_block(medium.layout.nz, i, count), {&source, 1}, {}), Sampling{steps_max});
      const WaveBlock::State state{.memory = block.memory(0)};
      actors_.push_back(*kernel_->spawn({.state = &state, .state_bytes = sizeof state}));
    }
    for (std::size_t i = 0; i < actors_.size(); ++i) {
      ringray::kernels::WaveNeighbours neighbours{};
      if (i > 0) neighbours.below = blocks_[i - 1].as_neighbour(actors_[i - 1], true);
      if (i + 1 < actors_.size()) neighbours.above = blocks_[i + 1].as_neighbour(actors_[i + 1], false);
      send(i, neighbours);
    }
  }
  void run(int steps) {
    steps_ += static_cast<std::uint32_t>(steps);
    const int before = ends_;
    for (std::size_t i = 0; i < actors_.size(); ++i) send(i, ringray::kernels::WaveGo{steps_});
    ended_.wait([&] { return ends_ == before + static_cast<int>(actors_.size()); });
  }
  std::vector<float> peak(const Extents& n) const {
    std::vector<float> all(n.cells());
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      const PlaneRange planes = planes_of_block(n.nz, static_cast<int>(i), static_cast<int>(blocks_.size()));
      blocks_[i].copy_peak(&all[static_cast<std::size_t>(planes.first) * static_cast<std::size_t>(n.nx * n.ny)]);
    }
    return all;
  }

 private:
  template <class Message>
  void send(std::size_t actor, const Message& message) {
    Packed<Message> packed;
    pack(packed.words, {.target = actors_[actor], .source = host_address, .correlation = 1}, message);
    RINGRAY_ASSERT(kernel_->send(packed.words, ringray::base::Nanoseconds(0)) == Delivery::accepted);
  }

  std::atomic<int> ends_{0};
  Bell ended_;
  std::uint32_t steps_ = 0;
  std::deque<DeviceBlock> blocks_;
  std::vector<Address> actors_;
  std::unique_ptr<CpuKernel> kernel_;
};

class Loop {
 public:
  Loop(const Coefficients& medium, int threads, const PointSource& source) : threads_(threads), source_(source) {
    const auto size = static_cast<std::size_t>(medium.layout.size());
    fields_ = {&medium, std::vector<float>(size), std::vector<float>(size), std::vector<float>(size)};
  }
  void run(int steps) {
    std::barrier meet(threads_, [this]() noexcept {
      std::swap(fields_.now, fields_.before);
      inject();
    });
    inject();
    std::vector<std::jthread> others;
    for (int i = 1; i < threads_; ++i) others.emplace_back([&, i] { run_part(steps, i, meet); });
    run_part(steps, 0, meet);
    others.clear();
    --done_;  // the last one is injected anew
    fields_.before[at()] += flow_;
  }
  double difference(const std::vector<float>& peak) const {
    const auto& n = fields_.medium->layout;
    double most = 0, difference = 0;
    std::size_t i = 0;
    for (int z = 0; z < n.nz; ++z) {
      for (int y = 0; y < n.ny; ++y) {
        for (int x = 0; x < n.nx; ++x, ++i) {
          const double mine = fields_.peak[static_cast<std::size_t>(n.at(x, y, z))];
          most = std::max(most, mine);
          difference = std::max(difference, std::abs(mine - peak[i]));
        }
      }
    }
    return difference / most;
  }

 private:
  std::size_t at() const {
    return static_cast<std::size_t>(fields_.medium->layout.at(source_.cell.x, source_.cell.y, source_.cell.z));
  }
  void inject() noexcept {
    const Coefficients& m = *fields_.medium;
    flow_ = static_cast<float>(m.stiffness[at()] * source_.burst(done_++ * m.step_s) / (m.spacing_m * m.decay[at()]));
    fields_.before[at()] -= flow_;
  }
  template <class Barrier>
  void run_part(int steps, int part, Barrier& meet) {
    const PlaneRange planes = planes_of_block(fields_.medium->layout.nz, part, threads_);
    for (int i = 0; i < steps; ++i) {
      stencil::planes_in_plain_loop(fields_, planes.first, planes.last);
      meet.arrive_and_wait();
    }
  }

  const int threads_;
  const PointSource source_;
  stencil::Fields fields_;
  int done_ = 0;
  float flow_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = perf::is_smoke(argc, argv);
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
    fmt::print("skipped: the baseline needs a processor with AVX2 and FMA\n");
    return 0;
  }
  struct Case {
    int extent, blocks, threads, steps;
  };
  const std::vector<Case> cases =
      smoke ? std::vector<Case>{{32, 2, 2, 10}}
            : std::vector<Case>{{64, 1, 1, 40}, {128, 1, 1, 8}, {128, 8, 1, 8}, {64, 2, 2, 80}, {128, 2, 2, 16}};
  for (const Case& c : cases) {
    const Grid grid{.extents = {c.extent, c.extent, c.extent}, .spacing_mm = 2};
    const Medium water = uniform_medium(grid, 1500, 1000, 0);
    const Coefficients medium = make_coefficients(water, {.step_s = 0.9 * stable_step_s(water), .frequency_hz = 125e3});
    const PointSource source{{c.extent / 2, c.extent / 2, c.extent / 2}, {125e3, 1000, 1}};
    constexpr int rounds_max = 400;
    Actors actors(medium, c.blocks, static_cast<std::uint32_t>(c.threads), source, c.steps * rounds_max);
    Loop loop(medium, c.threads, source);
    int rounds_left = rounds_max;
    const double cells = static_cast<double>(grid.extents.cells()) * c.steps * 1e-6;
    const auto rate = [&](auto& side) { return cells / perf::seconds_of([&] { side.run(c.steps); }); };
    const auto rounds = perf::take_turns(
        {.seconds = smoke ? 0.2 : 7.0},
        [&] {
          RINGRAY_ASSERT(--rounds_left > 0);
          return rate(actors);
        },
        [&] { return rate(loop); });
    if (const double off = loop.difference(actors.peak(grid.extents)); !(off < 1e-4)) {
      fmt::print("actors and loop do not compute the same: off by {:.2g}\n", off);
      return 1;
    }
    perf::print({.bench = "device_wave",
                 .metric = fmt::format("{0}^3 in {1} block{2} on {3} thread{4}", c.extent, c.blocks,
                                       c.blocks == 1 ? "" : "s", c.threads, c.threads == 1 ? "" : "s"),
                 .unit = "Mcells/s",
                 .baseline = "plain_loop",
                 .better = perf::Better::more,
                 .goal = 0.95},
                rounds);
  }
}
