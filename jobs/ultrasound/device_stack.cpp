#include "device_stack.hpp"

namespace ultrasound {

using ringray::kernels::WaveBlock;
using ringray::kernels::WaveEdge;
using ringray::kernels::WaveEdgeReady;
using ringray::kernels::WaveNeighbour;
using ringray::kernels::WaveNeighbours;

DeviceStack::DeviceStack(std::uint32_t threads)
    : kernel_(ringray::device::launch<Waves>({.name = "waves", .blocks = threads, .queue_capacity = 16})) {}

DeviceStack::~DeviceStack() { kernel_.terminate(); }

ringray::device::KernelHandle<Waves> DeviceStack::kernel(const Handle& self) {
  kernel_.connect<WaveEdgeReady, &DeviceStack::hand_on>(self);
  return kernel_;
}

std::vector<WaveActor> DeviceStack::add(std::uint64_t simulation, const std::vector<BlockSetup>& setups,
                                        const Sampling& sampling, const Neighbours& neighbours) {
  Share& share = shares_[simulation];
  share.neighbours = neighbours;
  for (const BlockSetup& setup : setups) {
    auto& block = share.blocks.emplace_back(setup, sampling);
    share.actors.push_back(kernel_.spawn<WaveBlock>({.memory = block.memory(simulation)}));
  }
  const WaveNeighbour by_host{.actor = ringray::device::host_address, .is_there = 1};
  const auto last = setups.size() - 1;
  for (std::size_t i = 0; i <= last; ++i) {
    WaveNeighbours of_block{};
    if (i > 0)
      of_block.below = share.blocks[i - 1].as_neighbour(share.actors[i - 1].address(), true);
    else if (neighbours.below)
      of_block.below = by_host;
    if (i < last)
      of_block.above = share.blocks[i + 1].as_neighbour(share.actors[i + 1].address(), false);
    else if (neighbours.above)
      of_block.above = by_host;
    share.actors[i].send(of_block, {.refers_to_memory = true});
  }
  return share.actors;
}

void DeviceStack::remove(std::uint64_t simulation) {
  const auto share = shares_.find(simulation);
  if (share == shares_.end()) return;                                     // it could not be made here
  for (const WaveActor& actor : share->second.actors) actor.terminate();  // none touches its memory any more
  shares_.erase(share);
}

void DeviceStack::hand_on(WaveEdgeReady edge) {
  const auto found = shares_.find(edge.simulation);
  if (found == shares_.end()) return;  // its simulation was given up
  const Share& share = found->second;
  const auto& block = edge.to_above ? share.blocks.back() : share.blocks.front();
  const auto& neighbour = edge.to_above ? share.neighbours.above : share.neighbours.below;
  neighbour->send<&DeviceStack::take>(edge.simulation, edge.step, !edge.to_above, block.edge(edge.step, edge.to_above));
}

void DeviceStack::take(std::uint64_t simulation, std::uint32_t step, bool from_above, const std::vector<float>& edge) {
  const auto found = shares_.find(simulation);
  if (found == shares_.end()) return;
  Share& share = found->second;
  (from_above ? share.blocks.back() : share.blocks.front()).set_margin(step, from_above, edge);
  (from_above ? share.actors.back() : share.actors.front())
      .send(WaveEdge{step, from_above}, {.refers_to_memory = true});
}

}  // namespace ultrasound
