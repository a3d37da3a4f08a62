#pragma once
// What a handler sees of the world, the same on all backends; and the list of types that a kernel runs.
//
// On a GPU all threads of the block run the handler, on the CPU one does. Functions marked "collective" are called by
// all threads of the block with the same arguments.

#include <cstdint>
#include <type_traits>

#include "ringray/base/clock.hpp"
#include "ringray/device/delivery.hpp"

namespace ringray::device {

enum class TurnKind : std::uint32_t { nothing, message, save, load, leave };

/// What the threads of a block share while they handle a message: shared memory on a GPU.
struct Turn {
  Parcel parcel;
  TurnKind kind = TurnKind::nothing;
  std::uint32_t slot = 0;
  std::uint32_t lane = 0;
  std::uint32_t left = 0;   ///< messages that the pick may still take; 0: no pick is under way
  std::uint32_t error = 0;  ///< what the handler said
  Delivery delivery = Delivery::accepted;
  bool saves = false;  ///< the state of `slot` is to be kept next
  Word position = 0;   ///< in the lane
  Word wall_ns = 0;    ///< at the pick
  Word ticks = 0;      ///< when the handler began
  Word request = 0;    ///< that the block acts by
  Word heartbeat = 0;
};

struct SendOptions {
  Priority priority = Priority::normal;
  std::uint32_t correlation = 0;
  std::uint64_t deadline = 0;     ///< hybrid logical time; 0: none
  bool refers_to_memory = false;  ///< what it points to was written by the thread of rank 0, or before a sync()
};

/// What actors of one kernel publish under, made by KernelHandle::topic(). For their states and messages.
template <Sendable Message>
struct Topic {
  Address address = host_address;
};

template <class Platform>
class Context {
 public:
  RINGRAY_DEVICE Context(const Kernel& kernel, Turn& turn, const Platform& platform)
      : kernel_(kernel),
        slot_(kernel.slots[turn.slot]),
        turn_(turn),
        platform_(platform),
        envelope_(turn.parcel.envelope()) {}

  /// This thread among those that run the handler: 0 … size() - 1.
  RINGRAY_DEVICE int rank() const { return platform_.rank(); }
  RINGRAY_DEVICE int size() const { return platform_.size(); }
  /// Collective. What any thread wrote before is visible to all.
  RINGRAY_DEVICE void sync() const { platform_.sync(); }
  /// Collective. work(i) for 0 <= i < count, in any order and by any thread; ends with a sync().
  template <class Index, class Work>
  RINGRAY_DEVICE void for_each(Index count, const Work& work) const {
    for (Index i = static_cast<Index>(rank()); i < count; i += static_cast<Index>(size())) work(i);
    sync();
  }

  RINGRAY_DEVICE Address self() const { return Address::of(turn_.slot, slot_.generation); }
  RINGRAY_DEVICE const Envelope& envelope() const { return envelope_; }
  /// Hybrid logical time of the message's handling: later than its sending.
  RINGRAY_DEVICE std::uint64_t clock() const { return slot_.clock; }

  /// Collective; never waits. Messages to one actor with one priority arrive in order.
  template <Sendable Message>
  RINGRAY_DEVICE Delivery send(Address target, const Message& message, const SendOptions& options = {}) const {
    if (rank() == 0) turn_.delivery = send_alone(target, message, options);
    sync();
    const Delivery delivery = turn_.delivery;
    sync();  // before the next one overwrites it
    return delivery;
  }
  /// Collective. Answers the message that is being handled; its sender must wait for an answer or handle `Message`.
  template <Sendable Message>
  RINGRAY_DEVICE Delivery reply(const Message& message) const {
    return send(envelope_.source, message, {.priority = envelope_.priority(), .correlation = envelope_.correlation});
  }

  /// Collective; never waits. Goes to whoever subscribes, by way of the host; values of one actor and topic in order.
  template <Sendable Message>
  RINGRAY_DEVICE Delivery publish(const Topic<Message>& topic, const Message& message) const {
    return send(topic.address, message);
  }

  /// Collective. The actor has failed when the handler returns; `code` != 0 says why.
  RINGRAY_DEVICE void fail(std::uint32_t code) const {
    if (rank() == 0) turn_.error = code;
  }

 private:
  template <class Message>
  RINGRAY_DEVICE Delivery send_alone(Address target, const Message& message, const SendOptions& options) const {
    Packed<Message> packed;
    slot_.clock = base::hybrid_tick(slot_.clock, turn_.wall_ns);
    Envelope envelope{.target = target, .source = self(), .correlation = options.correlation, .clock = slot_.clock};
    envelope.set_priority(options.priority);
    if (options.refers_to_memory) envelope.flags |= Envelope::refers_to_memory_flag;
    pack(packed.words, envelope, message, options.deadline);
    return send_packed(target, packed.words);
  }
  RINGRAY_CALLED RINGRAY_DEVICE Delivery send_packed(Address target, Word* words) const {
    using Policy = typename Platform::Policy;
    const auto buried = [&](bool kept) {
      if (!kept) count<Policy>(kernel_.blocks[block_of(turn_.slot)].lost_letters);
      platform_.wake_host();
    };
    const auto delivery = deliver<Policy>(
        kernel_, words, [&](std::uint32_t block) { platform_.wake(block); }, buried);
    if (target.is_outside()) {
      // Sent once: without it, its call would wait for ever.
      const bool is_answer = target.is_host() && words[1] >> 32 != 0;
      if (delivery == Delivery::full && is_answer) count<Policy>(kernel_.blocks[block_of(turn_.slot)].lost_letters);
      platform_.wake_host();
    }
    count<Policy>(delivery == Delivery::accepted ? slot_.counters.sent : slot_.counters.refused);
    return delivery;
  }

  const Kernel& kernel_;
  ActorSlot& slot_;
  Turn& turn_;
  const Platform& platform_;
  Envelope envelope_;
};

/// The message types that an actor handles.
template <Sendable... Message>
struct Messages {};

/// The actor types of a kernel. Each has a State (trivially copyable: it lies in device memory), a list
/// `using Handled = Messages<...>`, and for each of them `static void on(Context&, State&, const Message&)`.
template <class... Actor>
struct Program {
  static constexpr std::uint32_t types = sizeof...(Actor);
  static_assert(types <= Handling::types_max, "a program has fewer actor types");
  static_assert((std::is_trivially_copyable_v<typename Actor::State> && ...), "state is copied to and from devices");

  /// Index of an actor type.
  template <class Wanted>
  static constexpr std::uint32_t type_of() {
    static_assert((std::is_same_v<Wanted, Actor> || ...), "the program does not list this actor");
    std::uint32_t index = 0;
    static_cast<void>(((std::is_same_v<Wanted, Actor> ? true : (++index, false)) || ...));
    return index;
  }

  /// Runs the handler of the message in `parcel`; false: the actor has none for it.
  template <class Context>
  RINGRAY_DEVICE static bool dispatch(const Context& context, std::uint32_t type, void* state, const Parcel& parcel) {
    std::uint32_t index = 0;
    return ((type == index++ && handle<Actor>(context, state, parcel, typename Actor::Handled{})) || ...);
  }

 private:
  template <class A, class Context, class... Message>
  RINGRAY_DEVICE static bool handle(const Context& context, void* state, const Parcel& parcel, Messages<Message...>) {
    const std::uint16_t type = context.envelope().type;
    return ((type == Message::id &&
             (A::on(context, *static_cast<typename A::State*>(state), parcel.as<Message>()), true)) ||
            ...);
  }
};

}  // namespace ringray::device
