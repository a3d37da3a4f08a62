#pragma once
// The names of lives, and the error of a step that is not allowed. Host.

#include <string_view>

#include "ringray/base/result.hpp"
#include "ringray/device/life.hpp"

namespace ringray::device {

std::string_view life_name(Life life) noexcept;

/// after(), or an InvalidTransitionError that names the state it is in and the one that it cannot reach. `who`: "kernel
/// 'wave'".
Result<Life> advance(Life life, Step step, std::string_view who);

}  // namespace ringray::device
