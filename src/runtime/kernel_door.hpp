#pragma once
// How handles of kernels and of their actors work on other ranks: they call a host actor on the kernel's rank.

#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "ringray/actor.hpp"
#include "ringray/run.hpp"
#include "ringray/runtime/coroutine.hpp"
#include "ringray/runtime/kernel.hpp"

namespace ringray::runtime {

/// Null for one that is gone. Any thread of a running rank.
std::shared_ptr<LiveKernel> live_kernel(std::uint64_t id);

/// What a door opens on. An argument of the door's constructor, on the kernel's rank; it never leaves that.
struct DoorTarget {
  std::shared_ptr<LiveKernel> kernel;
  std::shared_ptr<KernelLease> lease;  ///< with it, the door keeps the kernel running, as a KernelHandle does
  template <class Archive>
  void serialize(Archive&) {
    throw ConfigError("a door to a kernel does not travel");
  }
};
struct DoorSpawn {
  std::uint32_t type = 0, queue_capacity = 0;
  device::Overflow overflow = device::Overflow::wait;
};
enum class KernelStep : std::uint8_t { activate, suspend, resume, terminate };

/// An actor on a kernel's rank, which does there what handles elsewhere ask for. Its calls run in the order in which
/// they come; none waits for room in a mailbox, nor for answers.
class KernelDoor {
  /// Errors of the kernel are those of who asked, not of a failed task.
  template <class Work>
  static auto relay(const Work& work) {
    try {
      return work();
    } catch (const Error& e) {
      throw Relayed{e.code(), e.detail()};
    }
  }

 public:
  explicit KernelDoor(DoorTarget target) : target_(std::move(target)) {}

  template <class A, class Message>
  Task<typename Message::Reply> ask(device::Words words, device::Overflow overflow, std::int64_t timeout_ns) {
    auto& kernel = *target_.kernel;
    auto* call = new KernelCallOf<A, Message>(kernel.name());
    const auto answer = Access::make<ObjectRef<typename Message::Reply>>(static_cast<ObjectState*>(call));
    call->retain();
    kernel.post_call(*call, std::move(words), overflow, base::Nanoseconds(timeout_ns));
    try {
      co_return co_await answer;
    } catch (const Error& e) {
      throw Relayed{e.code(), e.detail()};
    }
  }
  void tell(device::Words words, device::Overflow overflow, std::int64_t timeout_ns) {
    kernel().post(std::move(words), overflow, base::Nanoseconds(timeout_ns));
  }
  device::Address spawn(DoorSpawn setup, std::vector<std::uint8_t> state) {
    return relay([&] {
      return kernel().spawn({.type = setup.type,
                             .state = state.data(),
                             .state_bytes = state.size(),
                             .queue_capacity = setup.queue_capacity,
                             .overflow = setup.overflow});
    });
  }
  void step(device::Address actor, device::Step step) {
    relay([&] { kernel().step(actor, step); });
  }
  device::Life life(device::Address actor) { return kernel().hosted().life(actor); }
  std::uint32_t error(device::Address actor) { return kernel().hosted().error(actor); }
  void take_step(KernelStep step);
  device::Life kernel_life() { return kernel().hosted().life(); }
  device::Telemetry telemetry() { return kernel().hosted().telemetry(); }
  std::vector<device::DeadLetter> dead_letters() { return kernel().dead_letters(); }
  std::uint64_t lost_letters() { return kernel().hosted().lost_letters(); }

 private:
  LiveKernel& kernel() const { return *target_.kernel; }
  const DoorTarget target_;
};

/// Where a kernel is, seen from this rank: here, or behind a door. Value.
class KernelPlace {
 public:
  KernelPlace() = default;
  explicit KernelPlace(std::shared_ptr<LiveKernel> kernel) : here_(std::move(kernel)) {}
  explicit operator bool() const noexcept { return here_ || door_; }
  /// Throws ConfigError when its run has ended (the door of another rank's says so itself).
  const KernelPlace& checked(const char* handle) const {
    if (here_) here_->checked(handle);
    return *this;
  }
  bool operator==(const KernelPlace& other) const noexcept { return here_ == other.here_ && door_ == other.door_; }
  /// Null when it is on another rank.
  const std::shared_ptr<LiveKernel>& here() const noexcept { return here_; }
  const ActorHandle<KernelDoor>& door() const noexcept { return door_; }

  /// What a method of the door gives; waits for it when the kernel is elsewhere.
  template <auto Method, class... Arguments>
  auto ask(Arguments&&... arguments) const {
    if (here_) try {
        return (KernelDoor({here_, nullptr}).*Method)(std::forward<Arguments>(arguments)...);
      } catch (const Relayed& e) {
        throw_error(e.code, e.detail);
      }
    return take(door_.template call<Method>(std::forward<Arguments>(arguments)...));
  }

  template <class Archive>
  void write(Archive& archive, bool leases) const {
    archive(static_cast<bool>(*this));
    if (*this) archive(here_ ? door_of(*here_, leases) : door_, here_ ? here_->id() : id_);
  }
  /// Gives the door that it came by: while that is held, what it leases stays.
  template <class Archive>
  ActorHandle<KernelDoor> read(Archive& archive) {
    *this = {};
    bool any = false;
    archive(any);
    if (!any) return {};
    archive(door_, id_);
    const auto door = door_;
    if (door.rank() == this_rank()) here_ = live_kernel(id_);
    if (here_) door_ = {};
    return door;
  }

 private:
  template <class T>
  static T take(const ObjectRef<T>& answer) {
    if constexpr (std::is_void_v<T>)
      get(answer);
    else
      return get(answer);
  }
  static ActorHandle<KernelDoor> door_of(LiveKernel& kernel, bool leases);

  std::shared_ptr<LiveKernel> here_;
  ActorHandle<KernelDoor> door_;  // else
  std::uint64_t id_ = 0;          // behind the door
};

}  // namespace ringray::runtime
