#pragma once
// Which processors this rank may use.

namespace ringray::execution {

/// Number of processors in the cpuset that the launcher gave this rank (of the calling thread). At least 1.
unsigned cpuset_size();

/// Binds the calling thread to one processor of the cpuset that the process had when this was first called: one per
/// core first, then the hardware threads that remain; index counts around. False: the system refused; not bound.
bool pin_this_thread(unsigned index);

/// Undoes pin_this_thread for the calling thread.
void unpin_this_thread();

}  // namespace ringray::execution
