#include "ringray/base/topic.hpp"

#include <fmt/format.h>

namespace ringray::base {
namespace {

/// Takes the first level off; `more` tells whether a '/' followed it.
std::string_view take_level(std::string_view& rest, bool& more) {
  const auto end = rest.find('/');
  const auto level = rest.substr(0, end);
  more = end != std::string_view::npos;
  rest = more ? rest.substr(end + 1) : std::string_view{};
  return level;
}

Result<void> check_length(const char* what, std::string_view text) {
  if (text.size() <= topic_bytes_max) return {};
  return failure(Errc::config, fmt::format("{} of {} bytes is longer than {} ('{}...'); name it by something shorter",
                                           what, text.size(), topic_bytes_max, text.substr(0, 40)));
}

}  // namespace

Result<void> check_topic(std::string_view topic) {
  if (topic.empty()) return failure(Errc::config, "a topic is empty (nobody could tell it from others); name it");
  if (auto right = check_length("a topic", topic); !right) return right;
  if (topic.find_first_of("*#") != std::string_view::npos)
    return failure(Errc::config,
                   fmt::format("topic '{}' has a wildcard (only patterns of subscribers may); leave '*' and "
                               "'#' out",
                               topic));
  return {};
}

Result<void> check_pattern(std::string_view pattern) {
  if (pattern.empty())
    return failure(Errc::config, "a pattern is empty (it would match nothing); '#' matches all topics");
  if (auto right = check_length("a pattern", pattern); !right) return right;
  bool more = true;
  for (auto rest = pattern; more;) {
    const auto level = take_level(rest, more);
    if (level.size() > 1 && level.find_first_of("*#") != std::string_view::npos)
      return failure(
          Errc::config,
          fmt::format("pattern '{}' has a wildcard inside '{}' (a wildcard stands for whole levels)", pattern, level));
    if (level == "#" && more)
      return failure(Errc::config,
                     fmt::format("pattern '{}' goes on after '#' (it stands for all that follows); make it "
                                 "the last level",
                                 pattern));
  }
  return {};
}

bool matches(std::string_view pattern, std::string_view topic) {
  bool more_pattern = true, more_topic = true;
  while (more_pattern) {
    const auto wanted = take_level(pattern, more_pattern);
    if (wanted == "#") return true;
    if (!more_topic) return false;
    const auto level = take_level(topic, more_topic);
    if (wanted != "*" && wanted != level) return false;
  }
  return !more_topic;
}

}  // namespace ringray::base
