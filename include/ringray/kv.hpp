#pragma once
// Small named values on rank 0, for names and settings rather than data. Each call waits for rank 0.

#include <optional>
#include <string>
#include <vector>

namespace ringray::kv {

struct PutOptions {
  bool overwrite = true;
};
/// False when the key exists and overwrite is not set. Throws ConfigError when key or value is too long.
bool put(const std::string& key, std::string value, PutOptions options = {});
std::optional<std::string> get(const std::string& key);
/// False when it did not exist.
bool erase(const std::string& key);
bool exists(const std::string& key);
/// Sorted.
std::vector<std::string> keys(const std::string& prefix = "");

}  // namespace ringray::kv
