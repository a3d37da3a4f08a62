#pragma once
// Values of options as text: what each type accepts, and how it is shown. One overload set per type of option.

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "ringray/base/result.hpp"

namespace ringray {

/// A number of bytes. Written "64KiB", "1.5GiB", "2MB" or a plain number.
struct Bytes {
  std::uint64_t value = 0;
  constexpr auto operator<=>(const Bytes&) const = default;
};

enum class Switch : std::uint8_t { automatic, yes, no };
enum class LogLevel : std::uint8_t { trace, debug, info, warning, error, off };
/// What happens to a task that no rank could ever run.
enum class Unschedulable : std::uint8_t { wait, error };
/// How long MPI stays initialised.
enum class MpiUse : std::uint8_t { keep, bootstrap };

using Labels = std::map<std::string, std::string>;
using Amounts = std::map<std::string, double>;
/// A number, or empty: found out at start-up. Written "auto" or a number.
using AutomaticNumber = std::optional<double>;

namespace base {

/// Closed range of a numeric option; for durations in the option's own unit, for bytes in bytes.
struct Limits {
  double least = 0;
  double most = 0x1p64;
};

/// Words of an enumeration, in the order of its values.
constexpr auto words(Switch) { return std::array<std::string_view, 3>{"auto", "yes", "no"}; }
constexpr auto words(LogLevel) {
  return std::array<std::string_view, 6>{"trace", "debug", "info", "warning", "error", "off"};
}
constexpr auto words(Unschedulable) { return std::array<std::string_view, 2>{"wait", "error"}; }
constexpr auto words(MpiUse) { return std::array<std::string_view, 2>{"keep", "bootstrap"}; }

// X(type). Every type that an option may have.
// clang-format off
#define RINGRAY_OPTION_TYPES(X)                                                                              \
  X(bool) X(std::uint64_t) X(double) X(std::string) X(Bytes) X(std::chrono::microseconds)                    \
  X(std::chrono::milliseconds) X(AutomaticNumber) X(Labels) X(Amounts) X(Switch) X(LogLevel) X(Unschedulable) \
  X(MpiUse)
// clang-format on

/// read_option sets `value` from `text`; on failure `value` is unchanged and the text says what is wrong, without
/// naming the option. show_option gives the text that read_option turns into the same value again. accepted_text
/// says for people what is accepted: "0 … 4096", "keep, bootstrap". Any thread.
#define X(type)                                                                \
  Result<void> read_option(std::string_view text, Limits limits, type& value); \
  std::string show_option(const type& value);                                  \
  std::string accepted_text(Limits limits, const type& value);
RINGRAY_OPTION_TYPES(X)
#undef X

}  // namespace base
}  // namespace ringray
