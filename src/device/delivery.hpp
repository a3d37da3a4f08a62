#pragma once
// Giving a message to an actor of the same kernel, or to the host, who passes on what is for a gate. For handlers,
// routers and host threads alike.

#include <cstdint>

#include "ringray/device/actor.hpp"

namespace ringray::device {

/// What became of a message when it was sent. Accepted ones are handled, or become dead letters with a reason.
enum class Delivery : std::uint8_t {
  accepted,       ///< or on its way to another kernel
  full,           ///< the mailbox has no room; nothing happened
  dropped,        ///< it is a dead letter, by the mailbox' policy
  no_such_actor,  ///< or no longer; nothing happened
};

/// Makes a dead letter of `words`; the host keeps it. False: there was no room for it on the way.
template <class Policy>
RINGRAY_DEVICE bool bury(const Kernel& kernel, Word* words, Reason reason) {
  set_reason(words, reason);
  return egress_of<Policy>(kernel).send(words) == Sent::accepted;
}

/// Any thread of the device. `woken(block)` is called when a block got work; `buried(kept)` for each dead letter: false
/// when there was no room for it.
template <class Policy, class Woken, class Buried>
RINGRAY_DEVICE Delivery deliver(const Kernel& kernel, Word* words, const Woken& woken, const Buried& buried) {
  const Address target{static_cast<std::uint32_t>(words[0])};
  const auto priority = static_cast<Priority>(words[1] >> 24 & 3);
  if (target.is_outside())
    return egress_of<Policy>(kernel).send(words) == Sent::accepted ? Delivery::accepted : Delivery::full;
  if (target.slot() >= kernel.blocks_count * actors_per_block) return Delivery::no_such_actor;
  ActorSlot& slot = kernel.slots[target.slot()];
  // Acquire: what the block wrote of the occupant before. An older occupant than the newest is seen only by a sender to
  // whom nothing told of the newest.
  if (Policy::template load<Order::acquire>(slot.occupant) != Word{target.generation()} + 1)
    return Delivery::no_such_actor;
  const auto offer = mailbox_of<Policy>(slot).offer(
      priority, words, [&](Word* dead, Reason reason) { buried(bury<Policy>(kernel, dead, reason)); });
  switch (offer) {
    case Offer::accepted:
      set_ready<Policy>(kernel, target.slot(), static_cast<int>(priority));
      woken(block_of(target.slot()));
      return Delivery::accepted;
    case Offer::full:
      return Delivery::full;
    case Offer::dropped:
      return Delivery::dropped;
    default:
      return Delivery::no_such_actor;
  }
}

}  // namespace ringray::device
