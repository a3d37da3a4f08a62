#pragma once
// The start-up handshake: the resident kernel writes the sizes and offsets of all shared structs as its compiler sees
// them, and the host compares them with its own before it sends anything.

#include <cstdint>
#include <string>

#include "ringray/device/mailbox.hpp"

namespace ringray::device {

inline constexpr std::uint32_t layout_magic = 0x52524159;  // "RRAY"
inline constexpr std::uint32_t layout_version = 1;         ///< changes whenever a shared struct changes its meaning

// X(value): everything that host and device must agree on.
#define RINGRAY_DEVICE_LAYOUT(X)      \
  X(sizeof(Cell))                     \
  X(alignof(Cell))                    \
  X(sizeof(Envelope))                 \
  X(alignof(Envelope))                \
  X(offsetof(Envelope, target))       \
  X(offsetof(Envelope, source))       \
  X(offsetof(Envelope, type))         \
  X(offsetof(Envelope, cells))        \
  X(offsetof(Envelope, flags))        \
  X(offsetof(Envelope, correlation))  \
  X(offsetof(Envelope, clock))        \
  X(sizeof(Parcel))                   \
  X(alignof(Parcel))                  \
  X(sizeof(LinkSender))               \
  X(offsetof(LinkSender, tail))       \
  X(offsetof(LinkSender, credit))     \
  X(sizeof(LinkReceiver))             \
  X(offsetof(LinkReceiver, head))     \
  X(offsetof(LinkReceiver, returned)) \
  X(sizeof(LaneWords))                \
  X(alignof(LaneWords))               \
  X(offsetof(LaneWords, tail))        \
  X(offsetof(LaneWords, head))        \
  X(sizeof(MailboxWords))             \
  X(offsetof(MailboxWords, lanes))    \
  X(offsetof(MailboxWords, dropped))  \
  X(offsetof(MailboxWords, depth_max))

#define X(value) +1
inline constexpr int layout_values = 0 RINGRAY_DEVICE_LAYOUT(X);
#undef X

struct LayoutReport {
  std::uint32_t magic = 0;
  std::uint32_t version = 0;
  std::uint32_t values[layout_values] = {};
};

/// The layout as the compiler of the caller sees it.
RINGRAY_DEVICE constexpr LayoutReport layout_report() {
#define X(value) static_cast<std::uint32_t>(value),
  return {layout_magic, layout_version, {RINGRAY_DEVICE_LAYOUT(X)}};
#undef X
}

/// Empty when `report` is that of this program, else what differs. Pure.
std::string layout_difference(const LayoutReport& report);

}  // namespace ringray::device
