#pragma once
// How many cells a mailbox gets, and what its fill means.

#include <cstdint>

#include "ringray/base/result.hpp"

namespace ringray::device {

inline constexpr std::uint32_t capacity_min = 1;
inline constexpr std::uint32_t capacity_max = 1u << 24;

/// The exponent of `capacity`; ConfigError that names the nearest powers of two when it is none. Pure.
Result<std::uint32_t> capacity_log2(std::uint64_t capacity);

struct Traffic {
  double messages_per_second = 0;
  double headroom_seconds = 0;  ///< how long the receiver may be busy with something else
  std::uint32_t cells_per_message = 1;
};
/// The smallest capacity that holds what comes meanwhile, within capacity_min and capacity_max. Pure.
std::uint32_t suggest_capacity(const Traffic& traffic);

enum class Fill : std::uint8_t { normal, warning, critical };
/// Warning from exactly 75 %, critical from exactly 90 %. Pure.
Fill fill_of(std::uint64_t depth, std::uint64_t capacity);

/// The ring that messages of `source` take among `rings` into one receiver: always the same. Precondition: rings > 0.
std::uint32_t ring_of(std::uint32_t source, std::uint32_t rings);
/// Busiest ring over the mean: 1 is even; 0 when there was no traffic. Pure.
double imbalance(const std::uint64_t* messages, std::uint32_t rings);

}  // namespace ringray::device
