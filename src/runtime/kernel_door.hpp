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
#include "ringray/topic.hpp"

namespace ringray::runtime {

/// Null for one that is gone. Any thread of a running rank.
std::shared_ptr<LiveKernel> live_kernel(std::uint64_t id);

/// What an actor beside a kernel holds. An argument of its constructor, on the kernel's rank; it never leaves that.
template <class T>
struct Held {
  std::shared_ptr<T> it;
  template <class Archive>
  void serialize(Archive&) {
    throw ConfigError("what an actor beside a kernel holds does not travel");
  }
};
struct DoorSpawn {
  std::uint32_t type = 0, queue_capacity = 0, cells_min = 0;
  device::Overflow overflow = device::Overflow::wait;
  device::Supervision supervision;
};
/// Who a named actor is, for handles.
struct NamedActor;
class KernelPlace;
enum class KernelStep : std::uint8_t { activate, suspend, resume, terminate };

/// An actor on a kernel's rank, which does there what handles and kernels elsewhere ask for. Its calls run in the order
/// in which they come; none waits for room in a mailbox, nor for answers of actors (names wait for rank 0).
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
  explicit KernelDoor(Held<LiveKernel> kernel) : kernel_(std::move(kernel.it)) {}

  template <class A, class Message>
  Task<typename Message::Reply> ask(device::Words words, device::Overflow overflow, std::int64_t timeout_ns) {
    auto* call = new KernelCallOf<A, Message>(kernel_->name());
    const auto answer = Access::make<ObjectRef<typename Message::Reply>>(static_cast<ObjectState*>(call));
    call->retain();
    kernel_->post_call(*call, std::move(words), overflow, base::Nanoseconds(timeout_ns));
    try {
      co_return co_await answer;
    } catch (const Error& e) {
      throw Relayed{e.code(), e.detail()};
    }
  }
  void tell(device::Words words, device::Overflow overflow, std::int64_t timeout_ns) {
    kernel_->post(std::move(words), overflow, base::Nanoseconds(timeout_ns));
  }
  device::Address spawn(DoorSpawn setup, std::vector<std::uint8_t> state) {
    return relay([&] {
      return kernel_->spawn({.type = setup.type,
                             .state = state.data(),
                             .state_bytes = state.size(),
                             .queue_capacity = setup.queue_capacity,
                             .overflow = setup.overflow},
                            setup.cells_min, setup.supervision);
    });
  }
  device::StateBytes checkpoint(device::Address actor) {
    return relay([&] { return kernel_->checkpoint(actor); });
  }
  void restore(device::Address actor, device::StateBytes state) {
    relay([&] { kernel_->restore(actor, state); });
  }
  void write_checkpoint(std::string path, device::CheckpointOptions options, std::vector<std::string> types) {
    relay([&] { kernel_->write_checkpoint(path, options, types); });
  }
  void read_checkpoint(std::string path, std::vector<std::string> types) {
    relay([&] { kernel_->read_checkpoint(path, types); });
  }
  /// The same, under a name. Throws NameTakenError.
  device::Address spawn_named(DoorSpawn setup, std::vector<std::uint8_t> state, std::string name, NamedActor actor);
  template <class Message, auto Method, class Host>
  void connect(ActorHandle<Host> actor) {
    kernel_->calls().listen(Message::id, [actor = std::move(actor)](const device::Parcel& parcel) {
      actor.template send<Method>(parcel.as<Message>());
    });
  }
  /// What actors send there is published. Throws ConfigError for what is no topic.
  template <class Message>
  device::Address topic(const std::string& name, PublishOptions options) {
    return topic_of(name, options, type_on_wire<Message>(), [name, options](const device::Parcel& parcel) {
      publish_value(name, parcel.as<Message>(), options, false);  // on the kernel's pump; refused, it is a dead letter
    });
  }
  /// A value that was published, for an actor that subscribed.
  template <class Message>
  void hear(device::Address actor, device::Priority priority, device::Overflow overflow, const Message& message);
  // See KernelGates.
  device::Address address_of(KernelPlace kernel, device::Address actor);
  void introduce(KernelPlace kernel);
  void arrive(std::uint32_t rank, std::uint64_t id, device::Words batch);
  void forget(std::uint32_t rank, std::uint64_t id);
  void step(device::Address actor, device::Step step);
  device::Life life(device::Address actor) { return kernel_->hosted().life(actor); }
  std::uint32_t error(device::Address actor) { return kernel_->hosted().error(actor); }
  void take_step(KernelStep step);
  device::Life kernel_life() { return kernel_->hosted().life(); }
  device::Telemetry telemetry() { return kernel_->telemetry(); }
  std::vector<device::DeadLetter> dead_letters() { return kernel_->dead_letters(); }
  std::uint64_t lost_letters() { return kernel_->hosted().lost_letters(); }

 private:
  device::Address topic_of(const std::string& name, PublishOptions options, const std::string& type,
                           KernelCalls::Listener listener);
  const std::shared_ptr<LiveKernel> kernel_;
};

/// The door's method that hears messages for an actor of its kernel.
template <class Message>
control::Subscriber kernel_subscriber(device::Address actor, device::Priority priority, device::Overflow overflow) {
  static_assert(Travels<Message>, "ringray: what is published is a value: it must have no pointers");
  using Heard = Parameters<device::Address, device::Priority, device::Overflow, const Message&>;
  control::Subscriber subscriber;
  subscriber.callable = wire::to_wire(calls_of<KernelDoor, &KernelDoor::hear<Message>>(Heard{}));
  subscriber.type = type_on_wire<Message>();
  wire::ByteBuffer bound;
  wire::Encoder encoder(bound);
  wire::encode(encoder, actor);
  wire::encode(encoder, priority);
  wire::encode(encoder, overflow);
  subscriber.bound.assign(bound.view().begin(), bound.view().end());
  return subscriber;
}

template <class Message>
void KernelDoor::hear(device::Address actor, device::Priority priority, device::Overflow overflow,
                      const Message& message) {
  if (life(actor) == device::Life::terminated)
    return forget_subscriber(kernel_subscriber<Message>(actor, priority, overflow));
  device::Packed<Message> packed;
  device::Envelope envelope{.target = actor};
  envelope.set_priority(priority);
  device::pack(packed.words, envelope, message);
  tell({packed.words, packed.words + device::cells_of(packed.words) * device::cell_data_words}, overflow,
       std::chrono::nanoseconds::max().count());
}

/// An actor on a kernel's rank that keeps the kernel running for a KernelHandle of another rank.
class KernelKeeper {
 public:
  using Lease = std::shared_ptr<KernelLease>;
  explicit KernelKeeper(Held<Lease> lease) : lease_(std::move(lease.it)) {}
  ~KernelKeeper() { lease_->reset(); }  // the constructor's argument may stay for longer

 private:
  const std::shared_ptr<Lease> lease_;
};

// Actors of users may need them until their own end.
template <>
inline constexpr bool is_service<KernelDoor> = true;
template <>
inline constexpr bool is_service<KernelKeeper> = true;

ActorHandle<KernelKeeper> keeper_of(const std::shared_ptr<KernelLease>& lease);

/// Where a kernel is, seen from this rank: here, or behind a door. Value.
class KernelPlace {
 public:
  KernelPlace() = default;
  explicit KernelPlace(std::shared_ptr<LiveKernel> kernel)
      : here_(std::move(kernel)), rank_(this_rank()), id_(here_->id()) {}
  explicit operator bool() const noexcept { return id_ != 0; }
  bool operator==(const KernelPlace& other) const noexcept { return id_ == other.id_ && rank_ == other.rank_; }
  Rank rank() const noexcept { return rank_; }
  std::uint64_t id() const noexcept { return id_; }
  /// Null when it is on another rank.
  const std::shared_ptr<LiveKernel>& here() const noexcept { return here_; }
  const ActorHandle<KernelDoor>& door() const noexcept { return door_; }
  /// Also of one that is here.
  ActorHandle<KernelDoor> any_door() const { return here_ ? door_of(*here_) : door_; }
  /// Throws ConfigError when its run has ended.
  const KernelPlace& checked(const char* handle) const {
    if (here_)
      here_->checked(handle);
    else if (*this)
      Access::actor(door_)->begun().check(handle);
    return *this;
  }
  /// Throws ActorDiedError when the kernel's rank died.
  void check_reachable() const;
  /// Of one that is here, so that it can travel from any thread.
  ActorHandle<KernelDoor> make_door() const { return door_of(*here_); }

  /// What a method of the door gives; waits for it when the kernel is elsewhere.
  template <auto Method, class... Arguments>
  auto ask(Arguments&&... arguments) const {
    if (here_) try {
        return (KernelDoor({here_}).*Method)(std::forward<Arguments>(arguments)...);
      } catch (const Relayed& e) {
        throw_error(e.code, e.detail);
      }
    return take(door_.template call<Method>(std::forward<Arguments>(arguments)...));
  }

  template <class Archive>
  void save(Archive& archive) const {
    archive(id_, rank_.value);
    if (*this) archive(here_ ? door_of(*here_) : door_);
  }
  template <class Archive>
  void load(Archive& archive) {
    *this = {};
    archive(id_, rank_.value);
    if (!*this) return;
    archive(door_);
    if (rank_ == this_rank()) here_ = live_kernel(id_);
    if (here_) door_ = {};
  }

 private:
  template <class T>
  static T take(const ObjectRef<T>& answer) {
    if constexpr (std::is_void_v<T>)
      get(answer);
    else
      return get(answer);
  }
  static ActorHandle<KernelDoor> door_of(LiveKernel& kernel);

  std::shared_ptr<LiveKernel> here_;
  ActorHandle<KernelDoor> door_;  // else
  Rank rank_;
  std::uint64_t id_ = 0;
};

struct NamedActor {
  KernelPlace kernel;
  device::Address address;
  device::Priority priority = device::Priority::normal;
  device::Overflow overflow = device::Overflow::wait;
  std::string type;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(kernel, address.value, priority, overflow, type);
  }
};

/// An actor on a kernel's rank that has the name of one of its actors.
class KernelName {
 public:
  /// Whose name it is; nobody's yet before set().
  NamedActor actor() { return actor_; }
  void set(NamedActor actor) { actor_ = std::move(actor); }

 private:
  NamedActor actor_;
};
/// Throws ActorDiedError, and ConfigError when the actor of that name is no `type`.
NamedActor find_named(const std::string& name, const std::string& type);

template <>
inline constexpr bool is_service<KernelName> = true;

}  // namespace ringray::runtime
