#include "ringray/device/lifecycle.hpp"

#include <fmt/format.h>

#include <array>

namespace ringray::device {
namespace {

#define X(name, ...) #name,
constexpr std::array<std::string_view, static_cast<std::size_t>(Life::count) + 1> life_names = {
    RINGRAY_LIVES(X) "unknown"};
#undef X
#define X(name, participle) participle,
constexpr std::array<std::string_view, static_cast<std::size_t>(Step::count)> participles = {RINGRAY_STEPS(X)};
#undef X

/// The state that `step` is meant to reach.
constexpr Life goal(Step step) {
  switch (step) {
    case Step::launch:
      return Life::launched;
    case Step::suspend:
      return Life::suspended;
    case Step::terminate:
    case Step::finish:
      return Life::terminated;
    case Step::fail:
      return Life::failed;
    default:
      return Life::active;
  }
}

}  // namespace

std::string_view life_name(Life life) noexcept {
  return life_names[life < Life::count ? static_cast<std::size_t>(life) : life_names.size() - 1];
}

Result<Life> advance(Life life, Step step, std::string_view who) {
  const auto next = after(life, step);
  if (next != Life::count) return next;
  return failure(Errc::invalid_transition,
                 fmt::format("{} is {} and cannot be {}: no step leads from '{}' to '{}'", who, life_name(life),
                             participles[static_cast<std::size_t>(step)], life_name(life), life_name(goal(step))));
}

}  // namespace ringray::device
