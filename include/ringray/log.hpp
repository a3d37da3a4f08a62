#pragma once
// ringray::log::info("{} primes on rank {}", total, this_rank()): the log of the rank. Here is also how {fmt} writes
// the values that Ringray gives: Rank as its number, Amount as its number, Resources in words.

#include <fmt/core.h>

#include "ringray/base/ids.hpp"
#include "ringray/base/log.hpp"
#include "ringray/scheduler/resources.hpp"

template <>
struct fmt::formatter<ringray::Rank> : fmt::formatter<std::uint32_t> {
  fmt::format_context::iterator format(ringray::Rank rank, fmt::format_context& context) const;
};
template <>
struct fmt::formatter<ringray::scheduler::Amount> : fmt::formatter<double> {
  fmt::format_context::iterator format(ringray::scheduler::Amount amount, fmt::format_context& context) const;
};
template <>
struct fmt::formatter<ringray::scheduler::Resources> : fmt::formatter<fmt::string_view> {
  fmt::format_context::iterator format(const ringray::scheduler::Resources& resources,
                                       fmt::format_context& context) const;
};
