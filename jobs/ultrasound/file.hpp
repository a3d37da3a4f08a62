#pragma once
// Files appear under their name whole or not at all.

#include <filesystem>
#include <functional>

namespace ultrasound {

/// Lets `write` fill a file beside `path`, syncs it to disk and renames it to `path`; nothing is left when `write`
/// throws.
void write_whole(const std::filesystem::path& path,
                 const std::function<void(const std::filesystem::path& partial)>& write);

}  // namespace ultrasound
