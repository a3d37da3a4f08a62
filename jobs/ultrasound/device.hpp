#pragma once
// The engine "device": blocks are device actors on the ranks of the job, everything else is as in "host".

#include "device_stack.hpp"
#include "host.hpp"

namespace ultrasound {

/// Only in the driver of ringray::run.
class Device final : public Host {
 public:
  Device();
  ~Device() override;
  std::vector<SimulationResult> simulate(std::span<const Simulation> simulations,
                                         const SimulationsProgress& progress) override;
  /// Messages handled per second, since it was asked before.
  std::string telemetry() override;

 private:
  std::size_t together(std::span<const Simulation> simulations) const;

  std::uint32_t threads_;                    // of a kernel
  std::vector<DeviceStack::Handle> stacks_;  // by rank
  std::vector<ringray::device::KernelHandle<Waves>> kernels_;
  std::uint64_t simulations_ = 0;
  ringray::device::Telemetry seen_;
  std::chrono::steady_clock::time_point seen_at_ = std::chrono::steady_clock::now();
};

}  // namespace ultrasound
