#pragma once
// A message between device actors as it lies in cells: an envelope of 24 bytes, then the message. The layout is that of
// host and device; the resident kernel reports its own at start-up (layout.hpp).

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "ringray/device/cell.hpp"

namespace ringray::device {

/// An actor of a kernel: its slot, and which of the actors that lived there one after the other. Or a gate: what stands
/// in a kernel for an actor of another one.
struct Address {
  static constexpr std::uint32_t slot_bits = 20;
  static constexpr std::uint32_t slots_max = (1u << slot_bits) - 1;    ///< the last one stands for the host
  static constexpr std::uint32_t gates_first = 1u << (slot_bits - 1);  ///< up to the host's
  static constexpr std::uint32_t generations_max = 1u << (32 - slot_bits);
  std::uint32_t value = 0;

  static RINGRAY_DEVICE constexpr Address of(std::uint32_t slot, std::uint32_t generation) {
    return {slot | generation << slot_bits};
  }
  RINGRAY_DEVICE constexpr std::uint32_t slot() const { return value & slots_max; }
  RINGRAY_DEVICE constexpr std::uint32_t generation() const { return value >> slot_bits; }
  /// The host's or a gate: not of an actor of the kernel.
  RINGRAY_DEVICE constexpr bool is_outside() const { return slot() >= gates_first; }
  RINGRAY_DEVICE constexpr bool is_host() const { return slot() == slots_max; }
  RINGRAY_DEVICE constexpr bool is_gate() const { return is_outside() && !is_host(); }
  RINGRAY_DEVICE constexpr bool operator==(const Address& other) const { return value == other.value; }
};
/// What lies outside the kernel: its host.
inline constexpr Address host_address = Address::of(Address::slots_max, 0);

enum class Priority : std::uint8_t { critical, high, normal, low };
inline constexpr int priorities = 4;

// X(name, sentence). Why a message was not handled.
#define RINGRAY_DEAD_REASONS(X)                                                  \
  X(no_such_actor, "The kernel has no actor at that address, or no longer.")     \
  X(no_handler, "The actor handles no messages of that type.")                   \
  X(actor_failed, "The actor failed before it handled the message.")             \
  X(actor_terminated, "The actor was terminated before it handled the message.") \
  X(dropped_oldest, "The mailbox was full and a newer message took its place.")  \
  X(dropped_newest, "The mailbox was full.")                                     \
  X(expired, "Its deadline had passed when its turn came.")                      \
  X(duplicate, "A message with the same number was handled before.")             \
  X(clock_skew, "Its clock is further ahead than clocks may be apart.")          \
  X(hops_exceeded, "It was forwarded too often.")                                \
  X(wrong_namespace, "Source and target are in different namespaces.")           \
  X(late_reply, "It answers a call that was answered, cancelled or timed out.")  \
  X(unreachable, "The rank or device of the target cannot be reached.")          \
  X(rejected, "The mailbox was full and the message came from outside.")

enum class Reason : std::uint8_t {
  none,
#define X(name, sentence) name,
  RINGRAY_DEAD_REASONS(X)
#undef X
      count
};
static_assert(static_cast<int>(Reason::count) <= 16, "four bits of the envelope");

struct Envelope {
  Address target;
  Address source = host_address;
  std::uint16_t type = 0;
  std::uint8_t cells = 1;         ///< 1 … parcel_cells_max
  std::uint8_t flags = 2;         ///< see below; Priority::normal
  std::uint32_t correlation = 0;  ///< of a call and of its reply; 0: neither
  std::uint64_t clock = 0;        ///< hybrid logical time of sending

  static constexpr std::uint8_t refers_to_memory_flag = 0x04;
  static constexpr std::uint8_t deadline_flag = 0x08;

  RINGRAY_DEVICE constexpr Priority priority() const { return static_cast<Priority>(flags & 0x03); }
  /// What it points to is visible to the receiver.
  RINGRAY_DEVICE constexpr bool refers_to_memory() const { return (flags & refers_to_memory_flag) != 0; }
  /// The message comes after the hybrid logical time from which on it is not to be handled.
  RINGRAY_DEVICE constexpr bool has_deadline() const { return (flags & deadline_flag) != 0; }
  /// Not none: a dead letter on its way to the host.
  RINGRAY_DEVICE constexpr Reason reason() const { return static_cast<Reason>(flags >> 4); }

  RINGRAY_DEVICE constexpr void set_priority(Priority priority) {
    flags = static_cast<std::uint8_t>((flags & ~0x03) | static_cast<int>(priority));
  }
  RINGRAY_DEVICE constexpr void set_reason(Reason reason) {
    flags = static_cast<std::uint8_t>((flags & 0x0f) | static_cast<int>(reason) << 4);
  }
};
static_assert(sizeof(Envelope) == 24 && alignof(Envelope) == 8);
static_assert(std::is_trivially_copyable_v<Envelope> && std::has_unique_object_representations_v<Envelope>);
static_assert(offsetof(Envelope, target) == 0 && offsetof(Envelope, source) == 4 && offsetof(Envelope, type) == 8 &&
              offsetof(Envelope, cells) == 10 && offsetof(Envelope, flags) == 11 &&
              offsetof(Envelope, correlation) == 12 && offsetof(Envelope, clock) == 16);

inline constexpr int parcel_cells_max = 16;
inline constexpr int content_bytes_max = parcel_cells_max * cell_data_bytes - static_cast<int>(sizeof(Envelope));
static_assert(content_bytes_max == 872);
inline constexpr int message_bytes_max = content_bytes_max - 8;  ///< there is room for a deadline

/// What rings need to know of an envelope, read from its second word alone.
RINGRAY_DEVICE constexpr std::uint32_t cells_of(const Word* words) {
  return ((static_cast<std::uint32_t>(words[1] >> 16) - 1) & (parcel_cells_max - 1)) + 1;  // in range whatever is there
}
RINGRAY_DEVICE constexpr void set_reason(Word* words, Reason reason) {
  words[1] = (words[1] & ~(Word{0xf} << 28)) | static_cast<Word>(reason) << 28;
}
RINGRAY_DEVICE constexpr bool refers_to_memory(const Word* words) {
  return (words[1] >> 24 & Envelope::refers_to_memory_flag) != 0;
}

/// A message may be sent when its bytes mean the same wherever they are copied.
template <class Message>
concept Sendable = std::is_trivially_copyable_v<Message> && sizeof(Message) <= message_bytes_max&& requires {
  static_cast<std::uint16_t>(Message::id);
};

/// Cells that a message of `bytes` takes, its deadline included.
RINGRAY_DEVICE constexpr std::uint32_t cells_for(std::size_t bytes) {
  return static_cast<std::uint32_t>((sizeof(Envelope) + bytes + cell_data_bytes - 1) / cell_data_bytes);
}

inline constexpr int envelope_words = sizeof(Envelope) / 8;

/// One message, unpacked. Only the words of its cells mean something.
struct alignas(16) Parcel {
  Word words[parcel_cells_max * cell_data_words];

  RINGRAY_DEVICE Envelope envelope() const {
    Envelope envelope;
    std::memcpy(&envelope, words, sizeof envelope);
    return envelope;
  }
  RINGRAY_DEVICE void set(const Envelope& envelope) { std::memcpy(words, &envelope, sizeof envelope); }
  RINGRAY_DEVICE std::uint32_t cells() const { return cells_of(words); }
  /// Hybrid logical time; 0: none.
  RINGRAY_DEVICE std::uint64_t deadline() const { return envelope().has_deadline() ? words[envelope_words] : 0; }
  /// 8-byte aligned.
  RINGRAY_DEVICE const void* message() const { return words + envelope_words + (envelope().has_deadline() ? 1 : 0); }

  /// The message; its type must be that of the envelope.
  template <Sendable Message>
  RINGRAY_DEVICE Message as() const {
    Message value;
    std::memcpy(&value, message(), sizeof value);
    return value;
  }
};
static_assert(sizeof(Parcel) == 896);

/// Room for a message of one type.
template <Sendable Message>
struct alignas(16) Packed {
  Word words[cells_for(sizeof(Message) + 8) * cell_data_words];
};

/// Fills in type, cells and the deadline flag. Bytes between the message and the end of its last cell are zero.
/// `words`: of a Packed<Message> or a Parcel. `deadline`: hybrid logical time; 0: none.
template <Sendable Message>
RINGRAY_DEVICE void pack(Word* words, Envelope envelope, const Message& message, std::uint64_t deadline = 0) {
  const int before = deadline == 0 ? 0 : 1;
  const std::uint32_t cells = cells_for(sizeof(Message) + 8 * before);
  envelope.type = Message::id;
  envelope.cells = static_cast<std::uint8_t>(cells);
  if (deadline != 0) envelope.flags |= Envelope::deadline_flag;
  for (std::uint32_t i = envelope_words; i < cells * cell_data_words; ++i) words[i] = 0;
  std::memcpy(words, &envelope, sizeof envelope);
  if (deadline != 0) words[envelope_words] = deadline;
  std::memcpy(words + envelope_words + before, &message, sizeof message);
}

}  // namespace ringray::device
