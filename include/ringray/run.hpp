#pragma once
// Starting: the driver runs on rank 0, all other ranks serve.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "ringray/base/ids.hpp"
#include "ringray/runtime/options.hpp"

namespace ringray {

/// Runs `driver` on rank 0 of the job that mpirun or srun started (alone: of a job of one rank), and serves on all
/// others. Reads --ringray.* options (`--ringray.help` lists them) and removes them from argc and argv, so that the
/// driver finds those of the program only; argv[argc] is null as ever. A driver that captures argc does so by
/// reference. Returns the exit status: 0, or 1 after one line when the driver threw, or 2 when an option or the launch
/// is wrong. Once per process: again is refused with one line and 2.
int run(int& argc, char** argv, std::function<void()> driver);
/// The same for an argc that cannot change: argv stays as it is.
int run(const int& argc, char** argv, std::function<void()> driver);

/// The rank that this code runs on, and how many there are. Any thread. Like all that needs a job, these throw
/// ConfigError before run() begins and after it returned; then handles and references of it can only be let go of.
Rank this_rank();
std::uint32_t ranks();
/// What the running ranks have together.
Resources resources();
/// True when the job was asked to end (SIGTERM, or the driver is done), and outside of run(). Any thread.
bool stop_requested();

}  // namespace ringray
