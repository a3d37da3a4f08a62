#pragma once
// The timeline's file: Chrome trace events (JSON), one process per rank.

#include <span>
#include <string>

#include "ringray/base/result.hpp"

namespace ringray::observe {

/// One JSON document from what Timeline::serialize() gave on each rank, times since the first rank's start. The
/// clocks of the hosts are taken as they are. Fails with corrupt_data when a part does not decode. Any thread.
Result<std::string> timeline_json(std::span<const std::string> parts);

/// Writes `text` beside `path` and renames it, so that no half-written file has the final name; what is no regular file
/// is not replaced. Any thread.
Result<void> write_file(const std::string& path, std::string_view text);

}  // namespace ringray::observe
