// Blocks of the wave as actors of a kernel: what they hand each other through memory, and what their host hands on.
// Here, so that both sanitizers see it.

#include "ringray/kernels/wave_actor.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>

#include "ringray/device/cpu_kernel.hpp"

namespace ringray::kernels {
namespace {

using device::Address;
using device::CpuKernel;
using device::Delivery;
using device::Envelope;

constexpr int blocks = 4, planes_each = 6;
constexpr std::uint32_t steps = 400;

/// The whole grid, and what a plain loop makes of it.
struct Grid {
  WaveLayout layout = wave_layout(9, 7, blocks* planes_each);
  std::vector<float> stiffness, decay, buoyancy, field[2], peak;

  Grid() {
    const auto size = static_cast<std::size_t>(layout.size());
    stiffness.assign(size, 0.05F), decay.assign(size, 0.999F), buoyancy.assign(size, 1.0F), peak.assign(size, 0);
    for (auto& f : field) f.assign(size, 0);
    for (int z = 0; z < layout.nz; ++z) {
      for (int y = 0; y < layout.ny; ++y) {
        for (int x = 0; x < layout.nx; ++x) {
          const auto i = static_cast<std::size_t>(layout.at(x, y, z));
          field[0][i] = static_cast<float>((i * 2654435761U >> 7) % 1000) / 1000;
          stiffness[i] += static_cast<float>(i % 13) / 1000;
        }
      }
    }
  }
  WaveMedium medium(std::int64_t from) const {
    return {&stiffness[static_cast<std::size_t>(from)], &decay[static_cast<std::size_t>(from)],
            &buoyancy[static_cast<std::size_t>(from)], &buoyancy[static_cast<std::size_t>(from)],
            &buoyancy[static_cast<std::size_t>(from)]};
  }
  void run_in_loop() {
    for (std::uint32_t step = 0; step < steps; ++step)
      advance_planes({layout, medium(0), field[step % 2].data(), field[(step + 1) % 2].data(), peak.data(), 1}, 0,
                     layout.nz);
  }
};

class Blocks {
 public:
  /// `by_host[i]`: the host hands on what block i and block i + 1 have for each other.
  Blocks(const Grid& grid, std::vector<bool> by_host, std::uint32_t threads)
      : layout_(wave_layout(grid.layout.nx, grid.layout.ny, planes_each)) {
    kernel_ = *CpuKernel::create<device::Program<WaveBlock>>({.blocks = threads},
                                                             [this](const device::Parcel& parcel) { hear(parcel); });
    EXPECT_TRUE(kernel_->launch() && kernel_->activate());
    const auto size = static_cast<std::size_t>(layout_.size());
    for (int i = 0; i < blocks; ++i) {
      const std::int64_t from = i * planes_each * layout_.plane;
      auto& memory = memories_.emplace_back();
      for (int k = 0; k < 2; ++k)
        memory.field[k].assign(&grid.field[k][static_cast<std::size_t>(from)],
                               &grid.field[k][static_cast<std::size_t>(from)] + size);
      memory.peak.assign(size, 0);
      const WaveBlock::State state{.memory = {.simulation = static_cast<std::uint64_t>(i),
                                              .layout = layout_,
                                              .medium = grid.medium(from),
                                              .field = {memory.field[0].data(), memory.field[1].data()},
                                              .peak = memory.peak.data(),
                                              .rate = 1}};
      actors_.push_back(*kernel_->spawn({.state = &state, .state_bytes = sizeof state, .queue_capacity = 16}));
    }
    for (int i = 0; i < blocks; ++i) {
      WaveNeighbours neighbours{};
      if (i > 0) neighbours.below = by_host[static_cast<std::size_t>(i - 1)] ? host() : direct(i - 1, true);
      if (i + 1 < blocks) neighbours.above = by_host[static_cast<std::size_t>(i)] ? host() : direct(i + 1, false);
      send(i, neighbours);
    }
  }
  void run() {
    std::thread porter([this] { hand_on(); });
    for (int i = 0; i < blocks; ++i) send(i, WaveGo{steps}, 1);
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return done_ == blocks; });
      stop_ = true;
      changed_.notify_all();
    }
    porter.join();
  }
  /// Asserts that it has the bits of the loop.
  void expect_same(const Grid& grid) const {
    for (int i = 0; i < blocks; ++i) {
      const auto from = static_cast<std::size_t>((i * planes_each + wave_halo) * layout_.plane);
      const auto bytes = static_cast<std::size_t>(planes_each * layout_.plane) * sizeof(float);
      const auto inner = static_cast<std::size_t>(wave_halo * layout_.plane);
      EXPECT_EQ(std::memcmp(&memories_[i].peak[inner], &grid.peak[from], bytes), 0) << i;
      EXPECT_EQ(std::memcmp(&memories_[i].field[0][inner], &grid.field[0][from], bytes), 0) << i;
    }
  }
  int dead_letters() const { return dead_letters_; }

 private:
  struct Memory {
    std::vector<float> field[2], peak;
  };
  template <class Message>
  void send(int block, const Message& message, std::uint32_t correlation = 0) {
    device::Packed<Message> packed;
    Envelope envelope{
        .target = actors_[static_cast<std::size_t>(block)], .source = device::host_address, .correlation = correlation};
    envelope.flags |= Envelope::refers_to_memory_flag;
    pack(packed.words, envelope, message);
    EXPECT_EQ(kernel_->send(packed.words, base::Nanoseconds(0)), Delivery::accepted);
  }
  static WaveNeighbour host() { return {.actor = device::host_address, .is_there = 1}; }
  WaveNeighbour direct(int block, bool upper_margin) {
    auto& memory = memories_[static_cast<std::size_t>(block)];
    return {.actor = actors_[static_cast<std::size_t>(block)],
            .margin = {wave_margin(memory.field[0].data(), layout_, upper_margin),
                       wave_margin(memory.field[1].data(), layout_, upper_margin)},
            .is_there = 1};
  }
  void hear(const device::Parcel& parcel) {
    const std::lock_guard lock(mutex_);
    if (parcel.envelope().reason() != device::Reason::none)
      ++dead_letters_;
    else if (parcel.envelope().type == WaveEdgeReady::id)
      edges_.push_back(parcel.as<WaveEdgeReady>());
    else
      ++done_;
    changed_.notify_all();
  }
  void hand_on() {
    for (std::unique_lock lock(mutex_);;) {
      changed_.wait(lock, [this] { return stop_ || !edges_.empty(); });
      if (stop_) return;
      const auto ready = edges_.front();
      edges_.pop_front();
      lock.unlock();
      const int from = static_cast<int>(ready.simulation), to = from + (ready.to_above ? 1 : -1);
      const auto half = ready.step % 2;
      const float* const edge =
          wave_edge(memories_[static_cast<std::size_t>(from)].field[half].data(), layout_, ready.to_above);
      std::copy_n(edge, wave_halo * layout_.plane,
                  wave_margin(memories_[static_cast<std::size_t>(to)].field[half].data(), layout_, !ready.to_above));
      send(to, WaveEdge{ready.step, !ready.to_above});
      lock.lock();
    }
  }

  const WaveLayout layout_;
  std::deque<Memory> memories_;
  std::vector<Address> actors_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<WaveEdgeReady> edges_;
  int done_ = 0, dead_letters_ = 0;
  bool stop_ = false;
  std::unique_ptr<CpuKernel> kernel_;  // last: its actors use the others
};

TEST(Wave, BlocksGiveTheBitsOfOneLoop) {
  Grid grid;
  Blocks direct(grid, {false, false, false}, 1), spread(grid, {false, false, false}, 2),
      mixed(grid, {false, true, false}, 2), by_host(grid, {true, true, true}, 1);
  grid.run_in_loop();
  for (Blocks* all : {&direct, &spread, &mixed, &by_host}) {
    all->run();
    all->expect_same(grid);
    EXPECT_EQ(all->dead_letters(), 0);
  }
}

}  // namespace
}  // namespace ringray::kernels
