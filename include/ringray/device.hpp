#pragma once
// Device actors: small actors inside of one resident kernel. See README.md, "Device actors". Opt-in, like mpi.hpp.
//
// An actor is a type with a State, a list of the messages that it handles, and a handler for each:
//
//   struct Total { static constexpr std::uint16_t id = 2; double value; };
//   struct Add   { static constexpr std::uint16_t id = 1; using Reply = Total; double value; };
//   struct Sum {
//     struct State { double total; };
//     using Handled = ringray::device::Messages<Add>;
//     template <class Context>
//     RINGRAY_DEVICE static void on(Context& context, State& state, const Add& add) {
//       context.reply(Total{state.total += add.value});
//     }
//   };
//
// A handler must not throw: it says context.fail(code). A message is trivially copyable, has at most 864 bytes and an
// id below 0xff00. For what a handler can do see Context in ringray/device/context.hpp; that header is all that such
// types need.

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "ringray/base/errors.hpp"
#include "ringray/device/context.hpp"
#include "ringray/device/dead_letters.hpp"
#include "ringray/device/telemetry.hpp"
#include "ringray/runtime/function.hpp"
#include "ringray/runtime/kernel.hpp"
#include "ringray/runtime/kernel_door.hpp"
#include "ringray/runtime/object_ref.hpp"

namespace ringray::device {

template <class Program>
class KernelHandle;
template <class A>
class Actor;

/// Makes a kernel of this rank and launches it; with `auto_activate` it is active, else launched. Driver, tasks and
/// actors. Throws ConfigError when an option is wrong, and when the backend is cuda.
template <class Program>
KernelHandle<Program> launch(const LaunchOptions& options = {});

/// The live device actor that was spawned under that name, on whatever rank. Its name is free when it was terminated,
/// or its kernel was. Driver, tasks and actors. Throws ActorDiedError when there is none, and ConfigError when it is no
/// A.
template <class A>
Actor<A> find_actor(const std::string& name);

namespace detail {
template <class Message, class List>
inline constexpr bool lists = false;
template <class Message, class... Handled>
inline constexpr bool lists<Message, Messages<Handled...>> = (std::is_same_v<Message, Handled> || ...);
template <class A>
std::string name_of() {
  return type_name(typeid(A).name());
}
template <class... A>
std::vector<std::string> names_in(Program<A...>) {
  return {name_of<A>()...};
}
template <class A, class... Handled>
ProgramNames::Actor reported_names(Messages<Handled...>) {
  return {runtime::unqualified_name(typeid(A).name()),
          {{Handled::id, runtime::unqualified_name(typeid(Handled).name())}...}};
}
/// Never destroyed: threads of kernels may run until the process ends.
template <class... A>
const ProgramNames& reported_names(Program<A...>) {
  static const auto& names = *new ProgramNames{{reported_names<A>(typename A::Handled{})...}};
  return names;
}
template <class List>
inline constexpr std::uint32_t cells_max = 1;
template <class... Handled>
inline constexpr std::uint32_t cells_max<Messages<Handled...>> = std::max({1u, cells_for(sizeof(Handled) + 8)...});
template <class List>
inline constexpr bool ids_are_free = true;
template <class... Handled>
inline constexpr bool ids_are_free<Messages<Handled...>> = ((Handled::id < first_reserved_type) && ...);
}  // namespace detail

/// A counted reference to a kernel; copies refer to the same one. It is terminated with the last handle on any rank, at
/// the latest when the job ends. Any thread; a single handle like an int. Can be an argument, a result and a member of
/// any value that travels: then it means the kernel on the rank that launched it.
///
/// Steps are done when they return and hold up their thread until the handlers that run have ended. All throw
/// ConfigError when it is empty, and ActorDiedError when the kernel's rank died. After the job one of the kernel's rank
/// can be asked for its state() and counts; steps but terminate(), and spawn(), throw ConfigError.
template <class Program>
class KernelHandle {
 public:
  KernelHandle() = default;
  explicit operator bool() const noexcept { return static_cast<bool>(place_); }
  bool operator==(const KernelHandle& other) const noexcept { return place_ == other.place_; }

  /// From launched to active. Throws InvalidTransitionError, which changes nothing, as do all steps.
  void activate() const { take<runtime::KernelStep::activate>(); }
  /// From active to suspended: messages wait. Throws InvalidTransitionError.
  void suspend() const { take<runtime::KernelStep::suspend>(); }
  /// From suspended to active. Throws InvalidTransitionError.
  void resume() const { take<runtime::KernelStep::resume>(); }
  /// From any state to terminated: its actors end, and calls that wait throw ActorDiedError. Twice is fine.
  void terminate() const { take<runtime::KernelStep::terminate>(); }
  Life state() const { return ask<&runtime::KernelDoor::kernel_life>(); }
  /// What launch() was told.
  const std::string& name() const {
    static_cast<void>(place());
    return name_;
  }
  /// Where it runs.
  Rank rank() const { return place().rank(); }

  /// work() while no block of the kernel runs: they leave at message boundaries, and come back afterwards. `work` must
  /// not wait for objects, nor take steps of this kernel; what it throws is thrown. On the kernel's rank only, else
  /// throws ConfigError.
  template <class Work>
  void exclusive(Work&& work) const {
    if (!running().here())
      throw ConfigError("exclusive() of kernel '" + name_ +
                        "' was used on another rank than the kernel's; submit a "
                        "task there: {.placement = on_rank(kernel.rank())}");
    place_.here()->hosted().exclusive([&] { static_cast<void>(work()); });
  }

  /// Counts of all actors that it ever had, and the depth of the fullest mailbox, in cells. A message is counted when
  /// its handler has ended, which can be after its answer came: suspend() first where sums must be exact.
  Telemetry telemetry() const { return ask<&runtime::KernelDoor::telemetry>(); }
  /// Messages that were not handled, with the reason: the newest 256.
  std::vector<DeadLetter> dead_letters() const { return ask<&runtime::KernelDoor::dead_letters>(); }
  /// Answers and dead letters that had no room on their way from the kernel.
  std::uint64_t lost_letters() const { return ask<&runtime::KernelDoor::lost_letters>(); }

  /// A new actor with that state. It lives until it or the kernel is terminated, also without a handle. Throws
  /// InvalidTransitionError when the kernel is terminated, OutOfMemoryError when it has 256 actors in each block
  /// already (slots whose mailbox had another size or Overflow are not used again), ConfigError, NameTakenError.
  template <class A>
  Actor<A> spawn(const SpawnOptions& options, const typename A::State& state) const {
    static_assert(detail::ids_are_free<typename A::Handled>, "ringray: ids of messages end below 0xff00");
    const runtime::DoorSpawn setup{Program::template type_of<A>(), options.queue_capacity,
                                   detail::cells_max<typename A::Handled>, options.overflow, options.supervision};
    std::vector<std::uint8_t> bytes(sizeof state);
    std::memcpy(bytes.data(), &state, sizeof state);
    const auto& place = running();
    const auto address =
        options.name.empty()
            ? place.template ask<&runtime::KernelDoor::spawn>(setup, std::move(bytes))
            : place.template ask<&runtime::KernelDoor::spawn_named>(
                  setup, std::move(bytes), options.name,
                  runtime::NamedActor{
                      .priority = options.priority, .overflow = options.overflow, .type = detail::name_of<A>()});
    return Actor<A>(place_, address, options);
  }
  template <class A>
  Actor<A> spawn(const typename A::State& state = {}) const {
    return spawn<A>(SpawnOptions{}, state);
  }

  /// Writes the states of its actors, as they are at one message boundary of all, to an HDF5 file on the kernel's rank:
  /// whole, or none. Messages that wait, and what states point to, are not in it. An actor that is supervised goes on
  /// from there when it fails. Throws ConfigError, OutOfDiskError.
  void checkpoint(const std::string& file, const CheckpointOptions& options = {}) const {
    running().template ask<&runtime::KernelDoor::write_checkpoint>(file, options, detail::names_in(Program{}));
  }
  /// Gives its actors the states of that file, at one message boundary, or changes nothing. The kernel has the same
  /// actors at the same addresses: it has spawned them in the same order as the one that wrote it. Throws ConfigError
  /// when these are others, the file cannot be read or is too new, and CorruptDataError when it is damaged.
  void restore(const std::string& file) const {
    running().template ask<&runtime::KernelDoor::read_checkpoint>(file, detail::names_in(Program{}));
  }

  /// What actors of this kernel send to device::host_address, and is no answer to a call, goes on to an actor of the
  /// host: kernel.connect<Reading, &Monitor::note>(monitor) calls monitor.note(reading), in order for each sender. Each
  /// type of message has one such actor, the last one that was connected, which the kernel keeps alive; what has none
  /// becomes a dead letter.
  template <class Message, auto Method, class Host>
  void connect(const ActorHandle<Host>& actor) const {
    running().template ask<&runtime::KernelDoor::connect<Message, Method, Host>>(actor);
  }

  /// For context.publish(topic, message) in handlers of this kernel: the host publishes it as a Message, see
  /// ringray::publish. For states of its actors and messages to them. Throws ConfigError for what is no topic, and
  /// ActorDiedError when this kernel is terminated.
  template <Sendable Message>
  Topic<Message> topic(const std::string& name, const PublishOptions& options = {}) const {
    static_assert(Travels<Message>, "ringray: what is published is a value: it must have no pointers");
    return {running().template ask<&runtime::KernelDoor::topic<Message>>(name, options)};
  }

  /// By which actors of this kernel reach `actor`, of any kernel of any rank: context.send(address, message). For their
  /// states, and for messages to them; in other kernels it means nothing. `accepted` then says that the message is on
  /// its way: messages of one actor to another arrive in order, wait for room as Actor::send() of another rank says,
  /// and those that cannot be handled become dead letters: of the other kernel, or of this one when that has ended, is
  /// unreachable or behind by 4096 messages. What points into memory does not leave the rank. The other can reply, as
  /// long as not 65536 more have sent to it since. Throws ActorDiedError when this kernel is terminated.
  template <class A>
  Address address_of(const Actor<A>& actor) const {
    return running().template ask<&runtime::KernelDoor::address_of>(actor.running(), actor.address_);
  }

 private:
  friend KernelHandle launch<Program>(const LaunchOptions& options);
  explicit KernelHandle(std::shared_ptr<runtime::LiveKernel> kernel)
      : place_(kernel), name_(*kernel->name()), lease_(kernel->lease()) {}
  const runtime::KernelPlace& place() const {
    if (!place_) throw ConfigError("an empty KernelHandle was used; ringray::device::launch gives one that is not");
    return place_;
  }
  const runtime::KernelPlace& running() const { return place().checked("a KernelHandle"); }
  template <auto Method, class... Arguments>
  auto ask(Arguments&&... arguments) const {
    return place().template ask<Method>(std::forward<Arguments>(arguments)...);
  }
  template <runtime::KernelStep step>
  void take() const {
    if constexpr (step != runtime::KernelStep::terminate) running();
    ask<&runtime::KernelDoor::take_step>(step);
  }

 public:
  template <class Archive>
  void save(Archive& archive) const {
    static_assert(std::is_same_v<Archive, wire::OutputArchive>, "handles travel only between ranks of one job");
    place_.checked("a KernelHandle");
    archive(place_, name_, lease_ ? runtime::keeper_of(lease_) : keeper_);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(place_, name_, keeper_);
    lease_ = place_.here() ? place_.here()->lease() : nullptr;
    if (lease_) keeper_ = {};
  }

 private:
  runtime::KernelPlace place_;
  std::string name_;
  std::shared_ptr<runtime::KernelLease> lease_;  // of a kernel of this rank
  ActorHandle<runtime::KernelKeeper> keeper_;    // else
};

/// Refers to an actor of a kernel; a value. Does not keep the kernel running. Any thread. Travels as a KernelHandle
/// does; inside of the kernel its address() does. Throws ConfigError when it is empty, and ActorDiedError when the
/// kernel's rank died.
template <class A>
class Actor {
 public:
  Actor() = default;
  explicit operator bool() const noexcept { return static_cast<bool>(place_); }
  bool operator==(const Actor&) const = default;
  /// For the states of other actors of the same kernel, and for messages to them: context.send(address, message).
  Address address() const noexcept { return address_; }

  /// Messages of one sender are handled in the order of sending. A full mailbox, by SpawnOptions::overflow: waits (in a
  /// task only the task waits), throws QueueFullError, or a message becomes a dead letter: `dropped`, if it is this
  /// one. Throws ActorDiedError when the actor is gone. To a failed actor it waits for a restart.
  ///
  /// To a kernel of another rank it never waits and is always `accepted`: it is on its way. Where it comes to a full
  /// mailbox it waits there, in order and whatever its priority, up to 4096 of them; what cannot be handled becomes a
  /// dead letter.
  template <Sendable Message>
  Delivery send(const Message& message, const MessageOptions& options = {}) const {
    Packed<Message> packed;
    write(packed, message, options);
    if (const auto& kernel = running().here()) return kernel->send(packed.words, options_.overflow, options.timeout);
    place_.check_reachable();
    place_.door().template send<&runtime::KernelDoor::tell>(words_of(packed), options_.overflow,
                                                            options.timeout.count());
    return Delivery::accepted;
  }

  /// Sends, and refers to what the handler answers by context.reply(). Waits only for room, as send(). All errors are
  /// the object's: ActorDiedError (it is gone, was terminated, failed), QueueFullError (also when an answer found no
  /// room, and on another rank, when 4096 messages wait for room already), GetTimeoutError. Without a timeout, a
  /// handler that never answers leaves it waiting until the actor ends.
  template <Sendable Message>
  ObjectRef<typename Message::Reply> call(const Message& message, const MessageOptions& options = {}) const {
    static_assert(Travels<typename Message::Reply>, "ringray: a Reply is a value: it must have no pointers");
    Packed<Message> packed;
    write(packed, message, options);
    const auto& kernel = running().here();
    if (!kernel)
      return place_.door().template call<&runtime::KernelDoor::ask<A, Message>>(words_of(packed), options_.overflow,
                                                                                options.timeout.count());
    auto* call = new runtime::KernelCallOf<A, Message>(kernel->name());
    auto ref = runtime::Access::make<ObjectRef<typename Message::Reply>>(static_cast<runtime::ObjectState*>(call));
    call->retain();
    kernel->call(*call, packed.words, options_.overflow, options.timeout);
    return ref;
  }

  /// Messages that are published under topics that match `pattern` come to it as by a send() from another rank, with
  /// the priority and Overflow of this handle; see ringray::subscribe. Waits until every rank knows. The first message
  /// that finds the actor gone ends its subscriptions, also one that was made when it was gone already.
  template <Sendable Message>
  void subscribe(const std::string& pattern) const {
    const auto door = running().any_door();
    door.wait();
    runtime::subscribe(*runtime::Access::actor(door), pattern, subscriber<Message>());
  }
  /// Ends what a subscribe() through a handle with the same options began. False: there was none.
  template <Sendable Message>
  bool unsubscribe(const std::string& pattern) const {
    const auto door = running().any_door();
    return runtime::unsubscribe(*runtime::Access::actor(door), pattern, subscriber<Message>());
  }

  /// Messages wait, from active on. This and what follows throws InvalidTransitionError, and ActorDiedError when the
  /// actor is gone.
  void suspend() const { step(Step::suspend); }
  void resume() const { step(Step::resume); }
  /// A failed actor goes on with its state as it is and the messages that wait.
  void restart() const { step(Step::restart); }
  /// Its state between two messages, for restore() or to spawn another one. If it is supervised, it goes on from there
  /// when it fails.
  typename A::State checkpoint() const {
    std::array<std::uint8_t, sizeof(typename A::State)> bytes;
    const auto state = running().template ask<&runtime::KernelDoor::checkpoint>(address_);
    std::copy_n(state.begin(), bytes.size(), bytes.begin());
    return std::bit_cast<typename A::State>(bytes);
  }
  /// Goes on with that state after the message that it handles now; a failed one when it is restarted.
  void restore(const typename A::State& state) const {
    StateBytes bytes(sizeof state);
    std::memcpy(bytes.data(), &state, sizeof state);
    running().template ask<&runtime::KernelDoor::restore>(address_, std::move(bytes));
  }
  /// What it has not handled becomes dead letters, in a kernel that is not active later. Twice is fine.
  void terminate() const { step(Step::terminate); }
  /// terminated, too, when it is gone or the kernel is terminated.
  Life state() const { return ask<&runtime::KernelDoor::life>(address_); }
  /// The code that the handler gave to context.fail(), while it has failed; else 0.
  std::uint32_t error() const { return ask<&runtime::KernelDoor::error>(address_); }

  template <class Archive>
  void save(Archive& archive) const {
    static_assert(std::is_same_v<Archive, wire::OutputArchive>, "handles travel only between ranks of one job");
    place_.checked("a device::Actor");
    archive(place_, address_.value, options_.priority, options_.overflow);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(place_, address_.value, options_.priority, options_.overflow);
  }

 private:
  template <class>
  friend class KernelHandle;
  template <class B>
  friend Actor<B> find_actor(const std::string& name);
  Actor(runtime::KernelPlace place, Address address, const SpawnOptions& options)
      : place_(std::move(place)), address_(address), options_{options.priority, options.overflow} {}
  const runtime::KernelPlace& place() const {
    if (!place_) throw ConfigError("an empty device::Actor was used; spawn of a kernel gives one that is not");
    return place_;
  }
  const runtime::KernelPlace& running() const { return place().checked("a device::Actor"); }
  template <auto Method, class... Arguments>
  auto ask(Arguments&&... arguments) const {
    return place().template ask<Method>(std::forward<Arguments>(arguments)...);
  }
  template <class Message>
  control::Subscriber subscriber() const {
    static_assert(detail::lists<Message, typename A::Handled>, "ringray: the actor does not handle this message");
    return runtime::kernel_subscriber<Message>(address_, options_.priority, options_.overflow);
  }
  void step(Step step) const { running().template ask<&runtime::KernelDoor::step>(address_, step); }
  template <class Message>
  static Words words_of(const Packed<Message>& packed) {
    return {packed.words, packed.words + cells_of(packed.words) * cell_data_words};
  }
  template <class Message>
  void write(Packed<Message>& packed, const Message& message, const MessageOptions& options) const {
    static_assert(detail::lists<Message, typename A::Handled>, "ringray: the actor does not handle this message");
    Envelope envelope{.target = address_};
    envelope.set_priority(options_.priority);
    if (options.refers_to_memory) envelope.flags |= Envelope::refers_to_memory_flag;
    pack(packed.words, envelope, message);
  }

  struct Options {
    Priority priority = Priority::normal;
    Overflow overflow = Overflow::wait;
    bool operator==(const Options&) const = default;
  };
  runtime::KernelPlace place_;
  Address address_;
  Options options_;
};

template <class A>
Actor<A> find_actor(const std::string& name) {
  auto found = runtime::find_named(name, detail::name_of<A>());
  return Actor<A>(std::move(found.kernel), found.address, {.priority = found.priority, .overflow = found.overflow});
}

template <class Program>
KernelHandle<Program> launch(const LaunchOptions& options) {
  return KernelHandle<Program>(
      runtime::LiveKernel::launch(options, &run_block<Program, CpuPlatform>, detail::reported_names(Program{})));
}

}  // namespace ringray::device
