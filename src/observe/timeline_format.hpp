#pragma once
// Bytes of a recorded timeline, as they travel from a rank to the one that writes the file:
// Header | names: u32 length and text, `names` times | threads: u32 name, `threads` times | Event, `events` times.

#include <cstdint>
#include <type_traits>

#include "ringray/base/ids.hpp"

namespace ringray::observe {

inline constexpr std::uint64_t timeline_magic = 0x31656e696c656d74;  // "tmeline1"

enum class TimelineKind : std::uint8_t { span, instant, flow_out, flow_in, count };

struct TimelineHeader {
  std::uint64_t magic = timeline_magic;
  std::uint64_t start_ns = 0;  ///< wall clock at time 0 of the events
  std::uint64_t dropped = 0;   ///< events that did not fit
  std::uint32_t rank = 0;
  std::uint32_t names = 0;
  std::uint32_t threads = 0;
  std::uint32_t events = 0;
};
static_assert(sizeof(TimelineHeader) == 40 && std::has_unique_object_representations_v<TimelineHeader>);

struct TimelineEvent {
  std::uint64_t begin_ns = 0;  ///< since the header's start_ns
  std::uint64_t duration_ns = 0;
  ObjectId subject;
  std::uint32_t name = 0;
  std::uint16_t thread = 0;
  TimelineKind kind = TimelineKind::span;
  std::uint8_t unused = 0;
};
static_assert(sizeof(TimelineEvent) == 40 && std::has_unique_object_representations_v<TimelineEvent>);

}  // namespace ringray::observe
