#pragma once
// Topics: names of levels that '/' divides, as in "sim/3/energy". A pattern may have '*' for exactly one level and, as
// its last level, '#' for any number of levels, also none: "sim/#" matches "sim", "sim/3" and "sim/3/energy" (as in
// MQTT 5.0, 4.7.1, where '*' is written '+'). Pure.

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ringray/base/result.hpp"

namespace ringray {

/// What may become of a published value on its way to a subscriber that lives.
enum class Quality : std::uint8_t {
  at_most_once,  ///< a subscriber misses it that has max_pending_calls of them waiting, or is restarted while it waits
  exactly_once,  ///< it waits until its turn comes, if need be in the subscriber's next instance, until the job ends
};

}  // namespace ringray

namespace ringray::base {

inline constexpr std::size_t topic_bytes_max = 1024;  ///< of a pattern, too
/// ConfigError unless values can be published under it: not empty nor too long, no wildcards.
Result<void> check_topic(std::string_view topic);
/// ConfigError unless it is a pattern: not empty nor too long, wildcards are whole levels, '#' is the last one.
Result<void> check_pattern(std::string_view pattern);
/// Precondition: both are right.
bool matches(std::string_view pattern, std::string_view topic);

/// Who gets what, and the retained values. One thread.
template <class Subscriber, class Value>
class Topics {
 public:
  /// Returns the retained values that the pattern matches, by topic, but for those that another pattern of the
  /// subscriber matches, too: it has got them. A second time with one pattern they come again.
  Result<std::vector<std::pair<std::string, Value>>> subscribe(std::string_view pattern, const Subscriber& subscriber) {
    if (const auto right = check_pattern(pattern); !right) return tl::make_unexpected(right.error());
    auto& subscribers = patterns_[std::string(pattern)];
    if (std::find(subscribers.begin(), subscribers.end(), subscriber) == subscribers.end())
      subscribers.push_back(subscriber);
    std::vector<std::pair<std::string, Value>> found;
    for (const auto& [topic, value] : retained_)
      if (matches(pattern, topic) && !matches_another(pattern, topic, subscriber)) found.emplace_back(topic, value);
    return found;
  }
  /// False: it had not subscribed to that pattern.
  bool unsubscribe(std::string_view pattern, const Subscriber& subscriber) {
    const auto found = patterns_.find(pattern);
    if (found == patterns_.end() || std::erase(found->second, subscriber) == 0) return false;
    if (found->second.empty()) patterns_.erase(found);
    return true;
  }
  /// Of all patterns: the subscribers of which is_gone(subscriber) is true. False: there were none.
  template <class Predicate>
  bool forget_if(const Predicate& is_gone) {
    bool any = false;
    for (auto pattern = patterns_.begin(); pattern != patterns_.end();) {
      any |= std::erase_if(pattern->second, is_gone) > 0;
      pattern = pattern->second.empty() ? patterns_.erase(pattern) : std::next(pattern);
    }
    return any;
  }
  /// Who gets what is published under `topic` now: each once, whatever number of its patterns match.
  Result<std::vector<Subscriber>> subscribers(std::string_view topic) const {
    if (const auto right = check_topic(topic); !right) return tl::make_unexpected(right.error());
    std::vector<Subscriber> found;
    for (const auto& [pattern, subscribers] : patterns_)
      if (matches(pattern, topic))
        for (const auto& subscriber : subscribers)
          if (std::find(found.begin(), found.end(), subscriber) == found.end()) found.push_back(subscriber);
    return found;
  }
  /// Later subscribers get it at once. Precondition: check_topic(topic).
  void retain(std::string_view topic, Value value) { retained_.insert_or_assign(std::string(topic), std::move(value)); }
  /// False: there was none.
  bool clear_retained(std::string_view topic) {
    const auto found = retained_.find(topic);
    if (found == retained_.end()) return false;
    retained_.erase(found);
    return true;
  }
  std::size_t patterns() const { return patterns_.size(); }
  std::size_t retained() const { return retained_.size(); }

 private:
  bool matches_another(std::string_view pattern, std::string_view topic, const Subscriber& subscriber) const {
    return std::any_of(patterns_.begin(), patterns_.end(), [&](const auto& row) {
      const auto& [other, subscribers] = row;
      return other != pattern && std::find(subscribers.begin(), subscribers.end(), subscriber) != subscribers.end() &&
             matches(other, topic);
    });
  }

  std::map<std::string, std::vector<Subscriber>, std::less<>> patterns_;
  std::map<std::string, Value, std::less<>> retained_;
};

}  // namespace ringray::base
