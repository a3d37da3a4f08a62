#pragma once
// A file that is to appear whole or not at all is written beside its name and renamed: what that replaces.

#include <string>

#include "ringray/base/result.hpp"

namespace ringray::base {

/// The file that a rename must replace so that `path` has the new one: where its symbolic links lead, whether anything
/// is there yet or not. What is no regular file is refused, since the rename would put a file in its place. The error
/// is only the reason: "it is a device". Any thread.
Result<std::string> replaced_file(const std::string& path);

}  // namespace ringray::base
