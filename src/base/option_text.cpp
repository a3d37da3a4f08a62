#include "ringray/base/option_text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <concepts>

namespace ringray::base {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};
constexpr Unit byte_units[] = {{"", 1},         {"B", 1},      {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30},
                               {"TiB", 0x1p40}, {"K", 0x1p10}, {"M", 0x1p20},   {"G", 0x1p30},   {"T", 0x1p40},
                               {"KB", 1e3},     {"MB", 1e6},   {"GB", 1e9},     {"TB", 1e12}};
constexpr Unit time_units[] = {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"min", 60}, {"h", 3600}};

auto wrong(std::string text) { return failure(Errc::config, std::move(text)); }

std::string quoted(std::string_view text) {
  constexpr std::size_t shown_max = 60;
  std::string out = "'";
  for (const char c : text.substr(0, shown_max)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return out + (text.size() > shown_max ? "…'" : "'");
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// A finite number at the start of `text`; `rest` is what follows it.
Result<double> leading_number(std::string_view text, std::string_view& rest) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || !std::isfinite(number)) return wrong(quoted(text) + " is not a number");
  rest = trimmed(text.substr(static_cast<std::size_t>(end - text.data())));
  return number;
}

Result<double> within(Limits limits, double number, std::string_view text) {
  if (number < limits.least || number > limits.most || number >= 0x1p64)
    return wrong(quoted(text) + " is out of range");
  return number;
}

Result<double> whole_number(Limits limits, std::string_view text) {
  std::string_view rest;
  return leading_number(text, rest).and_then([&](double number) -> Result<double> {
    if (!rest.empty() || number != std::floor(number)) return wrong(quoted(text) + " is not a whole number");
    return within(limits, number, text);
  });
}

template <std::size_t n>
std::string unit_names(const Unit (&units)[n]) {
  std::string names;
  for (const auto& unit : units)
    if (!unit.name.empty()) names += (names.empty() ? "" : ", ") + std::string(unit.name);
  return names;
}

/// A number with an optional unit, in terms of `base_factor`.
template <std::size_t n>
Result<double> scaled(Limits limits, std::string_view text, const Unit (&units)[n], double base_factor) {
  std::string_view rest;
  const auto number = leading_number(text, rest);
  if (!number) return number;
  if (rest.empty()) return within(limits, *number, text);
  for (const auto& unit : units)
    if (unit.name == rest) return within(limits, std::round(*number * unit.factor / base_factor), text);
  return wrong(fmt::format("{} has an unknown unit; units are {}", quoted(text), unit_names(units)));
}

template <class E>
Result<void> read_word(std::string_view text, E& value) {
  constexpr auto all = words(E{});
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i] == text) return value = static_cast<E>(i), Result<void>{};
  return wrong(quoted(text) + " is not one of its words");
}

/// Calls take(key, value) for each part of "k=v,k=v"; empty text has none.
template <class Take>
Result<void> read_pairs(std::string_view text, Take take) {
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    const auto pair = trimmed(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
    const auto equals = pair.find('=');
    if (equals == pair.npos || equals == 0) return wrong(quoted(pair) + " is not of the form name=value");
    if (auto taken = take(trimmed(pair.substr(0, equals)), trimmed(pair.substr(equals + 1))); !taken) return taken;
  }
  return {};
}

std::string range_text(Limits limits, std::string_view unit) {
  const auto space = unit.empty() ? "" : " ";
  if (limits.most >= Limits{}.most) return fmt::format("{}{}{} or more", limits.least, space, unit);
  return fmt::format("{} … {}{}{}", limits.least, limits.most, space, unit);
}

}  // namespace

Result<void> read_option(std::string_view text, Limits, bool& value) {
  for (const auto word : {"true", "yes", "on", "1"})
    if (text == word) return value = true, Result<void>{};
  for (const auto word : {"false", "no", "off", "0"})
    if (text == word) return value = false, Result<void>{};
  return wrong(quoted(text) + " is neither true nor false");
}
Result<void> read_option(std::string_view text, Limits limits, std::uint64_t& value) {
  std::uint64_t exact = 0;  // a double would lose digits of large seeds
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), exact);
  const bool is_exact = error == std::errc{} && end == text.data() + text.size();
  if (is_exact && static_cast<double>(exact) >= limits.least && static_cast<double>(exact) <= limits.most)
    return value = exact, Result<void>{};
  return whole_number(limits, text).map([&](double number) { value = static_cast<std::uint64_t>(number); });
}
Result<void> read_option(std::string_view text, Limits limits, double& value) {
  std::string_view rest;
  return leading_number(text, rest)
      .and_then([&](double number) -> Result<double> {
        if (!rest.empty()) return wrong(quoted(text) + " is not a number");
        return within(limits, number, text);
      })
      .map([&](double number) { value = number; });
}
Result<void> read_option(std::string_view text, Limits, std::string& value) {
  if (text.find('\0') != text.npos) return wrong("the text contains a zero byte");
  value = text;
  return {};
}
Result<void> read_option(std::string_view text, Limits limits, Bytes& value) {
  return scaled(limits, text, byte_units, 1).map([&](double n) { value.value = static_cast<std::uint64_t>(n); });
}
Result<void> read_option(std::string_view text, Limits limits, std::chrono::microseconds& value) {
  return scaled(limits, text, time_units, 1e-6).map([&](double n) {
    value = std::chrono::microseconds(static_cast<std::int64_t>(n));
  });
}
Result<void> read_option(std::string_view text, Limits limits, std::chrono::milliseconds& value) {
  return scaled(limits, text, time_units, 1e-3).map([&](double n) {
    value = std::chrono::milliseconds(static_cast<std::int64_t>(n));
  });
}
Result<void> read_option(std::string_view text, Limits limits, AutomaticNumber& value) {
  if (text == "auto") return value = std::nullopt, Result<void>{};
  double number = 0;
  return read_option(text, limits, number).map([&] { value = number; });
}
Result<void> read_option(std::string_view text, Limits, Labels& value) {
  Labels labels;
  return read_pairs(text,
                    [&](std::string_view key, std::string_view label) -> Result<void> {
                      labels.insert_or_assign(std::string(key), std::string(label));
                      return {};
                    })
      .map([&] { value = std::move(labels); });
}
Result<void> read_option(std::string_view text, Limits limits, Amounts& value) {
  Amounts amounts;
  return read_pairs(text,
                    [&](std::string_view key, std::string_view amount) {
                      return read_option(amount, limits, amounts[std::string(key)]);
                    })
      .map([&] { value = std::move(amounts); });
}
Result<void> read_option(std::string_view text, Limits, Switch& value) { return read_word(text, value); }
Result<void> read_option(std::string_view text, Limits, LogLevel& value) { return read_word(text, value); }
Result<void> read_option(std::string_view text, Limits, Unschedulable& value) { return read_word(text, value); }
Result<void> read_option(std::string_view text, Limits, MpiUse& value) { return read_word(text, value); }

namespace {
template <class E>
std::string show_word(E value) {
  return std::string(words(value)[static_cast<std::size_t>(value)]);
}
template <class Map>
std::string show_pairs(const Map& map) {
  std::string text;
  for (const auto& [key, value] : map) text += fmt::format("{}{}={}", text.empty() ? "" : ",", key, value);
  return text;
}
template <class E>
std::string accepted_words(E value) {
  std::string text;
  for (const auto word : words(value)) (text += text.empty() ? "" : ", ") += word;
  return text;
}
}  // namespace

std::string show_option(const bool& value) { return value ? "true" : "false"; }
std::string show_option(const std::uint64_t& value) { return fmt::to_string(value); }
std::string show_option(const double& value) { return fmt::to_string(value); }
std::string show_option(const std::string& value) { return value; }
std::string show_option(const Bytes& value) {
  static constexpr const Unit* binary[] = {&byte_units[5], &byte_units[4], &byte_units[3], &byte_units[2]};
  for (const auto* unit : binary) {
    const auto factor = static_cast<std::uint64_t>(unit->factor);
    if (value.value >= factor && value.value % factor == 0)
      return fmt::format("{}{}", value.value / factor, unit->name);
  }
  return fmt::to_string(value.value);
}
std::string show_option(const std::chrono::microseconds& value) { return fmt::format("{}us", value.count()); }
std::string show_option(const std::chrono::milliseconds& value) { return fmt::format("{}ms", value.count()); }
std::string show_option(const AutomaticNumber& value) { return value ? fmt::to_string(*value) : "auto"; }
std::string show_option(const Labels& value) { return show_pairs(value); }
std::string show_option(const Amounts& value) { return show_pairs(value); }
std::string show_option(const Switch& value) { return show_word(value); }
std::string show_option(const LogLevel& value) { return show_word(value); }
std::string show_option(const Unschedulable& value) { return show_word(value); }
std::string show_option(const MpiUse& value) { return show_word(value); }

std::string accepted_text(Limits, const bool&) { return "true, false"; }
std::string accepted_text(Limits limits, const std::uint64_t&) { return range_text(limits, ""); }
std::string accepted_text(Limits limits, const double&) { return range_text(limits, ""); }
std::string accepted_text(Limits, const std::string&) { return "text"; }
std::string accepted_text(Limits limits, const Bytes&) {
  const auto show = [](double bytes) { return show_option(Bytes{static_cast<std::uint64_t>(bytes)}); };
  if (limits.most >= Limits{}.most) return show(limits.least) + " or more, like 64KiB";
  return fmt::format("{} … {}", show(limits.least), show(limits.most));
}
std::string accepted_text(Limits limits, const std::chrono::microseconds&) { return range_text(limits, "us"); }
std::string accepted_text(Limits limits, const std::chrono::milliseconds&) { return range_text(limits, "ms"); }
std::string accepted_text(Limits limits, const AutomaticNumber&) { return "auto, " + range_text(limits, ""); }
std::string accepted_text(Limits, const Labels&) { return "name=text,…"; }
std::string accepted_text(Limits, const Amounts&) { return "name=amount,…"; }
std::string accepted_text(Limits, const Switch& value) { return accepted_words(value); }
std::string accepted_text(Limits, const LogLevel& value) { return accepted_words(value); }
std::string accepted_text(Limits, const Unschedulable& value) { return accepted_words(value); }
std::string accepted_text(Limits, const MpiUse& value) { return accepted_words(value); }

}  // namespace ringray::base
