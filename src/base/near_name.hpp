#pragma once
// What somebody meant who wrote a name that does not exist.

#include <span>
#include <string_view>

namespace ringray::base {

/// The one of `known` that `name` misspells, or nothing: names of which more than a third differs are different words.
/// Any thread.
std::string_view near_name(std::string_view name, std::span<const std::string_view> known);

}  // namespace ringray::base
