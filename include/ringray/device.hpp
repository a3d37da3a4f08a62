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
// A message is trivially copyable, has at most 864 bytes and an id below 0xff00. For what a handler can do see Context
// in ringray/device/context.hpp; that header is all that such types need.

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

namespace detail {
template <class Message, class List>
inline constexpr bool lists = false;
template <class Message, class... Handled>
inline constexpr bool lists<Message, Messages<Handled...>> = (std::is_same_v<Message, Handled> || ...);
template <class List>
inline constexpr bool ids_are_free = true;
template <class... Handled>
inline constexpr bool ids_are_free<Messages<Handled...>> = ((Handled::id < first_reserved_type) && ...);
}  // namespace detail

/// A counted reference to a kernel of this rank; copies refer to the same one. It is terminated with the last handle,
/// at the latest when the job ends. Any thread of the rank; a single handle like an int. Does not travel.
///
/// Steps are done when they return and hold up their thread until the handlers that run have ended. Throws ConfigError
/// when it is empty. After the job it can be asked for its state() and counts; steps and spawn() throw ConfigError.
template <class Program>
class KernelHandle {
 public:
  KernelHandle() = default;
  explicit operator bool() const noexcept { return lease_ != nullptr; }
  bool operator==(const KernelHandle&) const = default;

  /// From launched to active. Throws InvalidTransitionError, which changes nothing, as do all steps.
  void activate() const { running().activate(); }
  /// From active to suspended: messages wait. Throws InvalidTransitionError.
  void suspend() const { running().suspend(); }
  /// From suspended to active. Throws InvalidTransitionError.
  void resume() const { running().resume(); }
  /// From any state to terminated: its actors end, and calls that wait throw ActorDiedError. Twice is fine.
  void terminate() const { kernel().terminate(); }
  Life state() const { return kernel().hosted().life(); }
  /// What launch() was told.
  const std::string& name() const { return *kernel().name(); }

  /// work() while no block of the kernel runs: they leave at message boundaries, and come back afterwards. `work` must
  /// not wait for objects, nor take steps of this kernel; what it throws is thrown.
  template <class Work>
  void exclusive(Work&& work) const {
    running().hosted().exclusive([&] { static_cast<void>(work()); });
  }

  /// Counts of all actors that it ever had, and the depth of the fullest mailbox, in cells.
  Telemetry telemetry() const { return kernel().hosted().telemetry(); }
  /// Messages that were not handled, with the reason: the newest 256.
  std::vector<DeadLetter> dead_letters() const { return kernel().dead_letters(); }
  /// Answers and dead letters that had no room on their way from the kernel.
  std::uint64_t lost_letters() const { return kernel().hosted().lost_letters(); }

  /// A new actor with that state. It lives until it or the kernel is terminated, also without a handle. Throws
  /// InvalidTransitionError when the kernel is terminated, OutOfMemoryError when it has 256 actors in each block
  /// already (slots whose mailbox had another size or Overflow are not used again), ConfigError.
  template <class A>
  Actor<A> spawn(const SpawnOptions& options, const typename A::State& state) const {
    static_assert(detail::ids_are_free<typename A::Handled>, "ringray: ids of messages end below 0xff00");
    const auto address = running().spawn({.type = Program::template type_of<A>(),
                                          .state = &state,
                                          .state_bytes = sizeof state,
                                          .queue_capacity = options.queue_capacity,
                                          .overflow = options.overflow});
    return Actor<A>(lease_->kernel(), address, options);
  }
  template <class A>
  Actor<A> spawn(const typename A::State& state = {}) const {
    return spawn<A>(SpawnOptions{}, state);
  }

 private:
  friend KernelHandle launch<Program>(const LaunchOptions& options);
  explicit KernelHandle(std::shared_ptr<runtime::LiveKernel> kernel)
      : lease_(std::make_shared<runtime::KernelLease>(std::move(kernel))) {}
  runtime::LiveKernel& kernel() const {
    if (!lease_) throw ConfigError("an empty KernelHandle was used; ringray::device::launch gives one that is not");
    return *lease_->kernel();
  }
  runtime::LiveKernel& running() const { return kernel().checked("a KernelHandle"); }
  std::shared_ptr<runtime::KernelLease> lease_;
};

/// Refers to an actor of a kernel of this rank; a value. Does not keep the kernel running. Any thread of the rank. Does
/// not travel; inside of the kernel its address() does. Throws ConfigError when it is empty.
template <class A>
class Actor {
 public:
  Actor() = default;
  explicit operator bool() const noexcept { return kernel_ != nullptr; }
  bool operator==(const Actor&) const = default;
  /// For the states of other actors of the kernel, and for messages to them: context.send(address, message).
  Address address() const noexcept { return address_; }

  /// Messages of one sender are handled in the order of sending. A full mailbox, by SpawnOptions::overflow: waits (in a
  /// task only the task waits), throws QueueFullError, or a message becomes a dead letter: `dropped`, if it is this
  /// one. Throws ActorDiedError when the actor is gone. To a failed actor it waits for a restart.
  template <Sendable Message>
  Delivery send(const Message& message, const MessageOptions& options = {}) const {
    Packed<Message> packed;
    write(packed, message);
    return kernel().send(packed.words, options_.overflow, options.timeout);
  }

  /// Sends, and refers to what the handler answers by context.reply(). Waits only for room, as send(). All errors are
  /// the object's: ActorDiedError (it is gone, was terminated, failed), QueueFullError (also when an answer found no
  /// room), GetTimeoutError. Without a timeout, a handler that never answers leaves it waiting until the actor ends.
  template <Sendable Message>
  ObjectRef<typename Message::Reply> call(const Message& message, const MessageOptions& options = {}) const {
    static_assert(Travels<typename Message::Reply>, "ringray: a Reply is a value: it must have no pointers");
    Packed<Message> packed;
    write(packed, message);
    auto& kernel = this->kernel();
    auto* call = new runtime::KernelCallOf<A, Message>(kernel.name());
    auto ref = runtime::Access::make<ObjectRef<typename Message::Reply>>(static_cast<runtime::ObjectState*>(call));
    call->retain();
    kernel.call(*call, packed.words, options_.overflow, options.timeout);
    return ref;
  }

  /// Messages wait, from active on. This and what follows throws InvalidTransitionError, and ActorDiedError when the
  /// actor is gone.
  void suspend() const { kernel().step(address_, Step::suspend); }
  void resume() const { kernel().step(address_, Step::resume); }
  /// A failed actor goes on with its state as it is and the messages that wait.
  void restart() const { kernel().step(address_, Step::restart); }
  /// What it has not handled becomes dead letters, in a kernel that is not active later. Twice is fine.
  void terminate() const { kernel().step(address_, Step::terminate); }
  /// terminated, too, when it is gone or the kernel is terminated.
  Life state() const { return any_kernel().hosted().life(address_); }
  /// The code that the handler gave to context.fail(), while it has failed; else 0.
  std::uint32_t error() const { return any_kernel().hosted().error(address_); }

 private:
  template <class>
  friend class KernelHandle;
  Actor(std::shared_ptr<runtime::LiveKernel> kernel, Address address, const SpawnOptions& options)
      : kernel_(std::move(kernel)), address_(address), options_{options.priority, options.overflow} {}
  runtime::LiveKernel& any_kernel() const {
    if (!kernel_) throw ConfigError("an empty device::Actor was used; spawn of a kernel gives one that is not");
    return *kernel_;
  }
  runtime::LiveKernel& kernel() const { return any_kernel().checked("a device::Actor"); }
  template <class Message>
  void write(Packed<Message>& packed, const Message& message) const {
    static_assert(detail::lists<Message, typename A::Handled>, "ringray: the actor does not handle this message");
    Envelope envelope{.target = address_};
    envelope.set_priority(options_.priority);
    pack(packed.words, envelope, message);
  }

  struct Options {
    Priority priority = Priority::normal;
    Overflow overflow = Overflow::wait;
    bool operator==(const Options&) const = default;
  };
  std::shared_ptr<runtime::LiveKernel> kernel_;
  Address address_;
  Options options_;
};

template <class Program>
KernelHandle<Program> launch(const LaunchOptions& options) {
  return KernelHandle<Program>(runtime::LiveKernel::launch(options, &run_block<Program, CpuPlatform>));
}

}  // namespace ringray::device
