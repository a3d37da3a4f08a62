#pragma once
// Who may wait for the disk. The runtime's baton must not be held meanwhile: all other ranks would wait, too.

#include "ringray/base/thread_local.hpp"

namespace ringray::store {

/// False while this thread holds the baton. A file access then is a bug.
RINGRAY_NEAR_THREAD inline constinit thread_local bool may_wait_for_disk = true;

}  // namespace ringray::store
