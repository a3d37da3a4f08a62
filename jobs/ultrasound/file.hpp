#pragma once
// Files appear under their name whole or not at all.

#include <filesystem>
#include <functional>

namespace ultrasound {

/// Lets `write` fill a file beside `path`, or where its links lead, syncs it to disk and renames it to `path`; nothing
/// is left when `write` throws. What is no regular file is not replaced: std::runtime_error.
void write_whole(const std::filesystem::path& path,
                 const std::function<void(const std::filesystem::path& partial)>& write);

/// What was written to a file, by whichever process of this host, or to a folder survives a power cut. Throws
/// std::runtime_error.
void sync_to_disk(const std::filesystem::path& path);
/// Takes the disk space of a file that may have holes now, so that filling them does not fail. Throws
/// std::runtime_error.
void take_space(const std::filesystem::path& path);

}  // namespace ultrasound
