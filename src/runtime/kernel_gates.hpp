#pragma once
// How actors of a kernel reach those of other kernels, of this rank and of others.

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "ringray/runtime/kernel_door.hpp"

namespace ringray::runtime {

/// The gates of one kernel. A gate is an address that its actors send to; what comes there goes on to the actor that
/// the gate stands for, in order for each sender and receiver. The receiver sees a gate of its own kernel as the
/// source, so it can answer. Any thread.
class KernelGates : public std::enable_shared_from_this<KernelGates> {
 public:
  /// More that wait here for another rank are refused.
  static constexpr std::size_t waiting_max = 4096;
  /// Gates that were made for answers; then the oldest of them makes room.
  static constexpr std::size_t return_gates_max = 65'536;

  KernelGates(LiveKernel& owner, std::shared_ptr<KernelCalls> calls) : owner_(owner), calls_(std::move(calls)) {}

  /// By which actors here reach `actor` of `kernel`: its own address when it lives here, else its gate, the same one
  /// each time. Throws ConfigError when all gates are taken, ActorDiedError when this kernel has ended. In a driver,
  /// task or actor.
  device::Address address_of(const KernelPlace& kernel, device::Address actor);

  /// A gate behind which is no actor: `listener` gets what comes there. The same one for the same `key`. Throws as
  /// address_of().
  device::Address topic(const std::string& key, KernelCalls::Listener listener);

  /// A message that an actor of this kernel sent to a gate; flush() when for now there are no more. By the kernel's
  /// thread.
  void forward(const device::Parcel& parcel);
  void flush();

  /// What a kernel of this rank forwarded: to an actor of this kernel, from its `source` there.
  void arrive(const std::shared_ptr<LiveKernel>& from, device::Words words);
  /// What one of another rank forwarded, which has introduced itself before: messages one after the other.
  void introduce(KernelPlace kernel);
  void arrive_from(std::uint32_t rank, std::uint64_t id, const device::Words& batch);
  /// A kernel of another rank has ended.
  void forget(std::uint32_t rank, std::uint64_t id);

  /// This kernel has ended: no message comes any more.
  void clear();
  /// Messages of its actors that did not reach another kernel.
  std::uint64_t refused() const noexcept { return refusals_.load(std::memory_order_relaxed); }

 private:
  using KernelKey = std::pair<std::uint32_t, std::uint64_t>;  // rank, id
  using ActorKey = std::pair<KernelKey, std::uint32_t>;
  /// To a kernel of another rank. Its messages go in batches, a few of which may be under way at once.
  struct Route {
    KernelPlace kernel;
    device::Words batch;
    std::size_t waiting = 0;  // messages in `batch`
    std::deque<ObjectRef<void>> under_way;
    bool introduced = false, armed = false, gone = false;
  };
  struct Gate {
    ActorKey key;
    std::weak_ptr<LiveKernel> here;                         // of this rank,
    std::shared_ptr<Route> route;                           // or of another one
    std::shared_ptr<const KernelCalls::Listener> listener;  // or of none: a topic
    std::uint32_t generation = 0;
    bool taken = false, for_answers = false;
  };

  std::uint32_t open(const KernelKey& kernel, device::Address actor, const std::shared_ptr<LiveKernel>& here,
                     const std::shared_ptr<Route>& route, bool for_answers);
  void hand_over(const KernelKey& from, const std::shared_ptr<LiveKernel>& here, device::Words words);
  void close(std::uint32_t index);
  void close_expired();
  std::shared_ptr<Route> route_to(const KernelPlace& kernel);
  void send(const std::shared_ptr<Route>& route, bool all);
  void bury(device::Parcel parcel, device::Reason reason);
  void bury_all(device::Words batch, device::Reason reason);

  LiveKernel& owner_;
  const std::shared_ptr<KernelCalls> calls_;
  std::atomic<std::uint64_t> refusals_{0};

  std::mutex mutex_;         // guards what follows
  std::vector<Gate> gates_;  // by slot - gates_first
  std::vector<std::uint32_t> free_;
  std::map<ActorKey, std::uint32_t> indices_;  // of gates that are taken
  std::map<KernelKey, std::shared_ptr<Route>> routes_;
  std::map<std::string, device::Address> topics_;
  std::deque<device::Address> return_gates_;  // oldest first; some may be closed
  std::size_t sweep_at_ = 1024;               // gates, after which those of kernels that have ended are looked for
  bool ended_ = false;

  std::mutex sending_;  // guards what Routes hold, but for `kernel`; not with mutex_
};

}  // namespace ringray::runtime
