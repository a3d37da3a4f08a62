#pragma once
// Keys and values per namespace.

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "ringray/control/messages.hpp"

namespace ringray::control {

struct ValueLimits {
  std::size_t value_bytes_max = 1 << 20;     ///< of one value; larger ones belong into the object store
  std::size_t total_bytes_max = 256u << 20;  ///< of all keys and values
};

/// One thread.
class Values {
 public:
  explicit Values(ValueLimits limits) : limits_(limits) {}
  Reply put(PutValue request);
  Reply get(const GetValue& request) const;
  Reply remove(const DeleteValue& request);
  Reply has(const HasValue& request) const;
  Reply list(const ListKeys& request) const;

 private:
  ValueLimits limits_;
  std::map<std::pair<std::string, std::string>, std::string> values_;  // by namespace and key
  std::size_t total_bytes_ = 0;
};

}  // namespace ringray::control
