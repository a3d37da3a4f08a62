#pragma once
// What a kernel keeps of its actors, blocks and itself, all in device memory: a kernel that left goes on from there.

#include <cstddef>
#include <cstdint>

#include "ringray/device/life.hpp"
#include "ringray/device/mailbox.hpp"

namespace ringray::device {

inline constexpr std::uint32_t actors_per_block = 256;
inline constexpr std::uint32_t mask_words = actors_per_block / 64;
inline constexpr std::uint32_t messages_per_pick = 8;

/// Buckets of a histogram: bucket i counts values with i significant bits, the last one all that are larger.
inline constexpr int histogram_buckets = 32;

/// Written by the block of the actor, read by whoever wants to know.
struct alignas(128) ActorCounters {
  Word handled = 0;                   ///< messages that reached a handler
  Word failed = 0;                    ///< of these, those whose handler failed
  Word buried = 0;                    ///< messages to it that became dead letters in its block
  Word sent = 0;                      ///< messages that were accepted elsewhere
  Word refused = 0;                   ///< messages that were not
  Word busy_ticks = 0;                ///< time in handlers, in ticks of the platform
  Word restarts = 0;                  ///< times that it went on after it had failed
  Word checkpoints = 0;               ///< times that its block kept its state
  Word busy[histogram_buckets] = {};  ///< handlers by the ticks that they took
};

/// Counts in a word that only this thread writes and others read.
template <class Policy>
RINGRAY_DEVICE void count(Word& word, Word amount = 1) {
  Policy::template store<Order::relaxed>(word, word + amount);
}

/// One actor after the other lives in a slot.
struct ActorSlot {
  /// 0: nobody; else 1 + generation. Its block writes it last when an actor begins, and first when it ends; senders
  /// look.
  alignas(128) Word occupant = 0;
  // Of the slot, set once before its first occupant: a sender may still be at work when the next one begins.
  Cell* cells = nullptr;  ///< priorities × 2^capacity_log2
  std::uint32_t capacity_log2 = 0;
  Overflow overflow = Overflow::reject;

  // Its block:
  alignas(128) Life life = Life::terminated;
  std::uint32_t type = 0;        ///< index in the program
  std::uint32_t generation = 0;  ///< of the occupant, or of the next one
  std::uint32_t error = 0;       ///< what the handler that failed said
  void* state = nullptr;
  void* checkpoint = nullptr;          ///< what its state was at a message boundary; null: it is not kept
  Word clock = 0;                      ///< hybrid logical time
  std::uint32_t state_bytes = 0;       ///< both have room for a multiple of 8
  std::uint32_t checkpoint_every = 0;  ///< messages; 0: never
  std::uint32_t unsaved = 0;           ///< messages since then
  std::uint32_t failed_call = 0;       ///< number of the call of the host whose handler failed; 0: it was none
  std::uint32_t failures = 0;          ///< of the occupant
  std::uint32_t obeyed = 0;            ///< number of the last StepCommand to the slot; the host counts on

  MailboxWords mailbox;
  ActorCounters counters;
};

/// What the host asks a kernel for.
enum class Request : std::uint32_t {
  hold,   ///< obey the host, handle no messages
  run,    ///< handle messages
  leave,  ///< park: leave at the next message boundary
};

/// What a block handles now, in one word, which the host reads at any moment.
struct Handling {
  Address actor;
  std::uint16_t message = 0;  ///< its type
  std::uint32_t type = 0;     ///< of the actor: index in the program

  static constexpr std::uint32_t types_max = 1u << 15;
  RINGRAY_DEVICE constexpr Word word() const {
    return Word{1} << 63 | Word{type} << 48 | Word{message} << 32 | actor.value;
  }
  /// Of a word that is not 0.
  static constexpr Handling of(Word word) {
    return {Address{static_cast<std::uint32_t>(word)}, static_cast<std::uint16_t>(word >> 32),
            static_cast<std::uint32_t>(word >> 48) & (types_max - 1)};
  }
  constexpr bool operator==(const Handling&) const = default;
};

struct BlockWords {
  alignas(
      128) Word ready[priorities][mask_words] = {};  ///< lanes that may have messages; senders set, the block clears
  alignas(128) Word enabled[mask_words] = {};        ///< actors that may be picked; the block
  std::uint32_t choice = 0;                          ///< picks so far
  std::uint32_t rotor = 0;                           ///< where the next pick begins
  Word notices[mask_words] = {};                     ///< actors of whose life the host is still to be told; the block
  LinkReceiver commands;
  // Written by the block, read by the host:
  alignas(128) Word heartbeat = 0;  ///< turns of its loop
  Word handling = 0;                ///< Handling::word() while a handler runs, else 0
  Word acknowledged = 0;            ///< the request that it acts by, as KernelWords::request
  Word lost_letters = 0;            ///< dead letters for which the egress had no room
  alignas(128) Word command_credit = 0;
};

/// The host writes, blocks read.
struct KernelWords {
  alignas(128) Word request = 0;  ///< number of the request << 2 | Request
  Word quantum_ends_ns = 0;       ///< a block leaves at the first message boundary after it; 0: never
};

static_assert(sizeof(ActorCounters) == 384);
static_assert(sizeof(ActorSlot) == 256 + sizeof(MailboxWords) + sizeof(ActorCounters) && alignof(ActorSlot) == 128);
static_assert(sizeof(BlockWords) == 640 && sizeof(KernelWords) == 128);

/// What all blocks of a kernel know.
struct Kernel {
  ActorSlot* slots = nullptr;  ///< blocks × actors_per_block
  BlockWords* blocks = nullptr;
  const KernelWords* words = nullptr;
  LaneWords* egress = nullptr;  ///< to the host
  Cell* egress_cells = nullptr;
  Cell* command_cells = nullptr;  ///< 2^command_log2 for each block
  std::uint32_t blocks_count = 0;
  std::uint32_t egress_log2 = 0;
  std::uint32_t command_log2 = 0;
  std::uint64_t drift_ns_max = 0;  ///< of the clock of a message; 0: any
};

/// Commands from the host, as messages to a slot. They are handled before messages, also while the kernel holds.
struct SpawnCommand {
  static constexpr std::uint16_t id = 0xff00;
  std::uint32_t type;
  std::uint32_t capacity_log2;  ///< cells, capacity and overflow: as those of the slot when it had an occupant before
  Cell* cells;
  void* state;
  void* checkpoint;  ///< a copy of `state`, or null
  std::uint32_t state_bytes;
  std::uint32_t checkpoint_every;
  Overflow overflow;
};
struct StepCommand {
  static constexpr std::uint16_t id = 0xff01;
  Step step;  ///< suspend, resume, terminate, restart or fail
  std::uint32_t number;
};
/// A failed actor goes on from its checkpoint; in another life the command has come too late.
struct RecoverCommand {
  static constexpr std::uint16_t id = 0xff02;
  std::uint32_t unused;
};
inline constexpr std::uint16_t first_reserved_type = 0xff00;

/// What blocks tell the host of their own accord.
struct LifeNotice {
  static constexpr std::uint16_t id = 0xff10;
  std::uint32_t slot;
  std::uint32_t generation;
  Life life;                                    ///< that it has now
  std::uint32_t error;                          ///< of a handler
  std::uint32_t failed_call, failures, obeyed;  ///< as ActorSlot's. One failure may be told more than once

  Address actor() const { return Address::of(slot, generation); }
};

RINGRAY_DEVICE constexpr std::uint32_t block_of(std::uint32_t slot) { return slot / actors_per_block; }

template <class Policy>
RINGRAY_DEVICE Mailbox<Policy> mailbox_of(ActorSlot& slot) {
  return Mailbox<Policy>(slot.mailbox, slot.cells, slot.capacity_log2, slot.overflow);
}
template <class Policy>
RINGRAY_DEVICE Lane<Policy> egress_of(const Kernel& kernel) {
  return Lane<Policy>(*kernel.egress, kernel.egress_cells, kernel.egress_log2);
}
template <class Policy>
RINGRAY_DEVICE Link<Policy> commands_of(const Kernel& kernel, std::uint32_t block) {
  return {kernel.command_cells + (static_cast<Word>(block) << kernel.command_log2),
          &kernel.blocks[block].command_credit, kernel.command_log2};
}

/// A lane of a slot may have messages. Release: they are visible before the bit.
template <class Policy>
RINGRAY_DEVICE void set_ready(const Kernel& kernel, std::uint32_t slot, int lane) {
  const std::uint32_t local = slot % actors_per_block;
  Policy::template set_bits<Order::release>(kernel.blocks[block_of(slot)].ready[lane][local / 64],
                                            Word{1} << local % 64);
}

}  // namespace ringray::device
