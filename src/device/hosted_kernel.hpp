#pragma once
// A kernel as its host sees it, whatever runs its blocks.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ringray/base/result.hpp"
#include "ringray/base/time.hpp"
#include "ringray/device/delivery.hpp"
#include "ringray/device/lifecycle.hpp"
#include "ringray/device/telemetry.hpp"

namespace ringray::device {

class HostedKernel;
/// What a thread that a kernel begins calls first: it calls `run`, which returns when the thread ends. `block`: what
/// the thread runs; the number of blocks for the one that takes messages to the host.
using AroundThread =
    std::function<void(const HostedKernel& kernel, std::uint32_t block, const std::function<void()>& run)>;

struct KernelOptions {
  std::string name = "kernel";
  std::uint32_t blocks = 1;
  std::uint32_t egress_capacity = 1024;  ///< cells; a power of two
  base::Nanoseconds quantum{0};          ///< after which a block leaves and comes back; 0: never
  base::Nanoseconds clock_drift_max{0};  ///< of a message's clock before ours; 0: any
  AroundThread around_thread{};          ///< empty: nothing is around
};

struct ActorSetup {
  std::uint32_t type = 0;
  const void* state = nullptr;
  std::size_t state_bytes = 0;
  std::uint32_t queue_capacity = 64;  ///< cells of each priority; a power of two
  Overflow overflow = Overflow::reject;
  bool keeps_checkpoint = false;       ///< of its state, at first as it is spawned; for recover()
  std::uint32_t checkpoint_every = 0;  ///< messages that it handles; 0: only checkpoint() does
};

/// Of an actor that is active, suspended or failed.
struct ActorInfo {
  Address actor;
  std::uint32_t type = 0;
  std::size_t state_bytes = 0;
};
using StateBytes = std::vector<std::uint8_t>;

using Words = std::vector<Word>;  ///< of a Packed message, or of a Parcel

/// Given every message to the host, every one to a gate, and every dead letter (envelope().reason()), by one thread of
/// the kernel.
using Mail = std::function<void(const Parcel&)>;

/// What else that thread tells; empty ones are not called.
struct Notices {
  /// An actor has another life; called before anybody else can see it.
  std::function<void(const LifeNotice&)> lived;
  /// Answers or dead letters are lost, because the host was too far behind. All that came before them was given.
  std::function<void()> lost;
  /// For the moment, all that there was has been given to Mail.
  std::function<void()> drained;
};

/// What a block does now. While `turns` stays the same, so does the handler.
struct Heartbeat {
  Word turns = 0;  ///< of its loop
  std::optional<Handling> handling;
};

/// Any thread, but not from Mail and Notices. Its destructor terminates.
class HostedKernel {
 public:
  HostedKernel() = default;
  HostedKernel(const HostedKernel&) = delete;
  HostedKernel& operator=(const HostedKernel&) = delete;
  virtual ~HostedKernel() = default;

  // Steps of the kernel's life, done when they return. InvalidTransitionError names the states.
  virtual Result<void> launch() = 0;
  virtual Result<void> activate() = 0;
  virtual Result<void> suspend() = 0;
  virtual Result<void> resume() = 0;
  /// Actors end; what they have not handled become dead letters. Twice is fine.
  virtual Result<void> terminate() = 0;
  virtual Life life() const = 0;

  /// Runs `work` while no block runs: at message boundaries all leave, and come back afterwards.
  virtual void exclusive(const std::function<void()>& work) = 0;

  /// A new actor, active; its block has the fewest. InvalidTransitionError unless the kernel is launched, active or
  /// suspended; OutOfMemoryError when all slots are taken.
  virtual Result<Address> spawn(const ActorSetup& setup) = 0;
  /// Asks for a step of an actor's life and waits until it has the life that the step leads to, or another one: the
  /// result. An actor that is terminated ends while the kernel is active. ActorDiedError when it is gone;
  /// InvalidTransitionError.
  virtual Result<Life> step(Address actor, Step step) = 0;
  /// Asks that an actor that has failed goes on from its checkpoint with the messages that wait, and does not wait for
  /// it: Notices::lived tells. In another life, or without a checkpoint, it stays as it is. False: ask again later.
  virtual bool recover(Address actor) = 0;

  // Only in the work of exclusive().
  virtual std::vector<ActorInfo> actors() const = 0;
  /// Its state, which also becomes the checkpoint that it may keep. ActorDiedError.
  virtual Result<StateBytes> checkpoint(Address actor) = 0;
  /// The other way round. ActorDiedError; ConfigError when its state has another size.
  virtual Result<void> restore(Address actor, const StateBytes& state) = 0;

  /// terminated for one that is gone.
  virtual Life life(Address actor) const = 0;
  /// What its mailbox does when it is full; reject for one that is gone.
  virtual Overflow overflow(Address actor) const = 0;
  /// Error code of a handler that failed; 0: none.
  virtual std::uint32_t error(Address actor) const = 0;

  /// A message from the host (Packed<Message>). With Overflow::wait it waits for room until `deadline`.
  virtual Delivery send(Word* words, base::Nanoseconds deadline) = 0;

  /// Of all actors that it ever had.
  virtual Telemetry telemetry() const = 0;
  /// Answers and dead letters that had no room on their way to the host.
  virtual std::uint64_t lost_letters() const = 0;

  virtual std::uint32_t blocks() const = 0;
  /// Reads words that the block writes; signal handlers, too.
  virtual Heartbeat heartbeat(std::uint32_t block) const = 0;
};

}  // namespace ringray::device
