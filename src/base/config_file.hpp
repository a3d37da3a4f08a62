#pragma once
// Options in a TOML file, as text: the one place that knows the TOML library.

#include <string>
#include <vector>

#include "ringray/base/result.hpp"

namespace ringray::base {

struct TomlValue {
  std::string name;
  std::string text;  ///< as on the command line; a table becomes "name=value,…"
  bool is_string = false;
  unsigned line = 0;  ///< counts from 1
};

/// Top-level values of a file, or one line "FILE:LINE: what is wrong". Any thread.
Result<std::vector<TomlValue>> read_toml_file(const std::string& path);
/// The same for text that is in memory; `path` only appears in errors.
Result<std::vector<TomlValue>> read_toml(std::string_view text, const std::string& path);

}  // namespace ringray::base
