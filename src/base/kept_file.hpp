#pragma once
// A file of which older ones are kept: NAME is the newest, NAME.1 the one before it, and so on.

#include <cstdint>
#include <string>
#include <vector>

#include "ringray/base/result.hpp"

namespace ringray::base {

using FileBytes = std::vector<std::uint8_t>;

/// The file appears under its name whole or not at all and survives a power cut; at each moment the newest one stays
/// under its name. `keep`, 1 or more: how many there are; the oldest one makes room. OutOfDiskError, ConfigError. Any
/// thread.
Result<void> write_kept_file(const std::string& path, const FileBytes& bytes, std::uint32_t keep);

/// ConfigError when it is not there or is no regular file. Any thread.
Result<FileBytes> read_file(const std::string& path);

}  // namespace ringray::base
