#pragma once
// How actors of a kernel reach those of other kernels, of this rank and of others.

#include <deque>
#include <map>
#include <mutex>
#include <utility>

#include "ringray/runtime/kernel_door.hpp"

namespace ringray::runtime {

/// The gates of one kernel. A gate is an address that its actors send to; what comes there goes on to the actor that
/// the gate stands for, in order for each sender and receiver. The receiver sees a gate of its own kernel as the
/// source, so it can answer. Any thread.
class KernelGates {
 public:
  struct Target {
    KernelPlace kernel;
    device::Address actor;
    device::Overflow overflow = device::Overflow::wait;  ///< of its mailbox
  };

  KernelGates(LiveKernel& owner, std::shared_ptr<KernelCalls> calls) : owner_(owner), calls_(std::move(calls)) {}

  /// By which actors here reach `target`: its own address when it lives here, else its gate, the same one each time.
  /// Throws ConfigError when all gates are taken, ActorDiedError when the kernel has ended. In a driver, task or actor.
  device::Address address_of(const Target& target);

  /// A message that an actor of this kernel sent to a gate. By the kernel's thread.
  void forward(const device::Parcel& parcel);
  /// What another kernel forwarded: to an actor of this kernel, from its `source` there.
  void arrive(const KernelPlace& from, device::Words words, device::Overflow overflow);
  /// The same from another rank, which has introduced the kernel `id` before.
  void introduce(KernelPlace kernel);
  void arrive_from(std::uint32_t rank, std::uint64_t id, device::Words words, device::Overflow overflow);

  /// The kernel has ended: no message comes any more.
  void clear();

 private:
  using KernelKey = std::pair<std::uint32_t, std::uint64_t>;  // rank, id
  struct Gate {
    Target target;
    bool introduced = false;  // this kernel to the target's; by the kernel's thread
  };

  /// Under the lock.
  device::Address open(const Target& target);
  void bury(const device::Parcel& parcel, device::Reason reason);

  LiveKernel& owner_;
  const std::shared_ptr<KernelCalls> calls_;
  std::mutex mutex_;        // guards what follows
  std::deque<Gate> gates_;  // by slot - gates_first; stay where they are until clear()
  std::map<std::pair<KernelKey, std::uint32_t>, std::uint32_t> slots_;  // of gates, by actor
  std::map<KernelKey, KernelPlace> introduced_;                         // kernels of other ranks
  bool ended_ = false;
};

}  // namespace ringray::runtime
