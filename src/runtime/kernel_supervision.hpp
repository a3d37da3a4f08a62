#pragma once
// What becomes of device actors that fail.

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "ringray/device/actor.hpp"
#include "ringray/device/supervision.hpp"
#include "ringray/runtime/kernel_calls.hpp"

namespace ringray::runtime {

class LiveKernel;

/// The supervised actors of one kernel, and the calls of all. Any thread.
class KernelSupervisors : public std::enable_shared_from_this<KernelSupervisors> {
 public:
  KernelSupervisors(std::shared_ptr<const std::string> name, std::shared_ptr<KernelCalls> calls)
      : name_(std::move(name)), calls_(std::move(calls)) {}

  /// Before the first one is spawned. In a driver, task or actor.
  void begin(const std::shared_ptr<LiveKernel>& kernel, device::Escalation escalation);
  void watch(device::Address actor, const device::Supervision& supervision);
  /// By the kernel's thread.
  void lived(const device::LifeNotice& notice);

 private:
  struct Watched {
    device::Restarts restarts;
    std::uint64_t failure = 0;   ///< counts; a timer of an older one comes to nothing
    std::uint32_t failures = 0;  ///< LifeNotice::failures of the last one
  };

  void failed(const device::LifeNotice& notice);
  void restart_after(base::Nanoseconds delay, device::Address actor, std::uint64_t failure);
  void restart(device::Address actor, std::uint64_t failure);
  void escalate(device::Address actor, const std::string& why);

  const std::shared_ptr<const std::string> name_;
  const std::shared_ptr<KernelCalls> calls_;
  std::mutex mutex_;  // guards what follows
  std::weak_ptr<LiveKernel> kernel_;
  std::unordered_map<std::uint32_t, Watched> watched_;  // by address
};

}  // namespace ringray::runtime
