#pragma once
// Words that this room's error texts share.

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <system_error>

namespace ringray::store {

/// "12.5 MiB".
inline std::string readable_bytes(std::uint64_t bytes) {
  if (bytes < 10'000) return fmt::format("{} bytes", bytes);
  const double mebibytes = static_cast<double>(bytes) / (1 << 20);
  return mebibytes < 10'000 ? fmt::format("{:.1f} MiB", mebibytes) : fmt::format("{:.1f} GiB", mebibytes / 1024);
}

/// The text of an errno value.
inline std::string error_text(int number) { return std::generic_category().message(number); }

}  // namespace ringray::store
