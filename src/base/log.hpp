#pragma once
// The log of a rank: one line per call, "[12:34:56.789 info rank 3] text", to standard error or a file. Any thread.
// A call below the level costs one load and one branch; its arguments are not formatted.
//
//   ringray::log::info("{} primes below {}", total, limit);      // the format is checked by the compiler

#include <fmt/core.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "ringray/base/clock.hpp"
#include "ringray/base/option_text.hpp"
#include "ringray/base/result.hpp"

namespace ringray::log {

struct Options {
  LogLevel level = LogLevel::info;
  std::string file;                   ///< ".rankN" is appended; empty: standard error
  std::optional<std::uint32_t> rank;  ///< shown in every line once it is known
  /// Its time is shown in every line when the level is debug or lower. Must outlive the last line, or the next start.
  const base::HybridClock* clock = nullptr;
};

/// Sets where and how lines go; may be called again. Before the first call lines go to standard error from level info.
/// One thread, while no other logs.
Result<void> start(const Options& options);

/// Writes out what is buffered. Any thread.
void flush();

namespace detail {
inline std::atomic<LogLevel> level{LogLevel::info};
void write(LogLevel level, fmt::string_view format, fmt::format_args arguments) noexcept;
}  // namespace detail

/// True when a line of `level` would be written.
inline bool enabled(LogLevel level) noexcept { return level >= detail::level.load(std::memory_order_relaxed); }

#define RINGRAY_LOG_FUNCTION(name)                                                                        \
  template <class... Values>                                                                              \
  void name(fmt::format_string<Values...> format, Values&&... values) {                                   \
    if (enabled(LogLevel::name)) detail::write(LogLevel::name, format, fmt::make_format_args(values...)); \
  }
RINGRAY_LOG_FUNCTION(trace)
RINGRAY_LOG_FUNCTION(debug)
RINGRAY_LOG_FUNCTION(info)
RINGRAY_LOG_FUNCTION(warning)
RINGRAY_LOG_FUNCTION(error)
#undef RINGRAY_LOG_FUNCTION

}  // namespace ringray::log
