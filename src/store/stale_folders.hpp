#pragma once
// Spill folders of ranks that were killed.

#include <string>

namespace ringray::store {

/// A new name among all stores that may share a spill directory, also over NFS and between containers:
/// ringray-HOST-NAMESPACE-PID-START-COUNT. START is the kernel's start time of the process, since pids are reused;
/// COUNT tells the stores of one process apart.
std::string own_folder_name();

/// Removes the folders in `directory` whose process was of this host and pid namespace and is no more.
void remove_stale_folders(const std::string& directory);

}  // namespace ringray::store
