#include "ringray/control/values.hpp"

#include <fmt/format.h>

namespace ringray::control {

Reply Values::put(PutValue request) {
  if (request.value.size() > limits_.value_bytes_max)
    return Refusal{Errc::config,
                   fmt::format("value of key '{}' has {} bytes (the control store takes {}); put it into the object "
                               "store and keep its reference",
                               request.key, request.value.size(), limits_.value_bytes_max)};
  std::pair key(std::move(request.space), std::move(request.key));
  const auto found = values_.find(key);
  if (found != values_.end() && !request.overwrite) return Flag{false};
  const auto gone = found == values_.end() ? 0 : found->second.size();
  const auto added = request.value.size() + (found == values_.end() ? key.first.size() + key.second.size() : 0);
  if (total_bytes_ - gone + added > limits_.total_bytes_max)
    return Refusal{Errc::out_of_memory,
                   fmt::format("the key-value store is full ({} bytes); delete keys first", limits_.total_bytes_max)};
  total_bytes_ = total_bytes_ - gone + added;
  values_.insert_or_assign(std::move(key), std::move(request.value));
  return Flag{true};
}

Reply Values::get(const GetValue& request) const {
  const auto found = values_.find({request.space, request.key});
  if (found == values_.end()) return Value{};
  return Value{found->second};
}

Reply Values::remove(const DeleteValue& request) {
  const auto found = values_.find({request.space, request.key});
  if (found == values_.end()) return Flag{false};
  total_bytes_ -= found->first.first.size() + found->first.second.size() + found->second.size();
  values_.erase(found);
  return Flag{true};
}

Reply Values::has(const HasValue& request) const { return Flag{values_.contains({request.space, request.key})}; }

Reply Values::list(const ListKeys& request) const {
  Keys keys;
  for (auto at = values_.lower_bound({request.space, request.prefix});
       at != values_.end() && at->first.first == request.space && at->first.second.starts_with(request.prefix); ++at)
    keys.keys.push_back(at->first.second);
  return keys;
}

}  // namespace ringray::control
