#pragma once
// Every option of Ringray, once. Environment name, flag, --ringray.help, the README's table and the start-up log are
// made from this list. A later source wins: defaults < TOML file < RINGRAY_NAME < --ringray.name.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ringray/base/option_text.hpp"
#include "ringray/base/result.hpp"

namespace ringray {

// X(type, name, default, limits, sentence). A trailing '_' of a name only keeps it apart from a C++ keyword.
#define RINGRAY_OPTIONS(X)                                                                                            \
  X(std::string, config, "", any(), "TOML file with options, name = value")                                           \
  X(std::uint64_t, workers, 0, between(0, 4096),                                                                      \
    "Worker threads of a rank; 0: the cores that it may use, divided by the ranks that share them")                   \
  X(bool, pin, false, any(), "Keep each worker on one core of its rank's share")                                      \
  X(Switch, oversubscribed, Switch::automatic, any(),                                                                 \
    "Ranks outnumber cores: an idle worker gives its core away at once instead of spinning")                          \
  X(std::chrono::microseconds, spin_us, std::chrono::microseconds(100), between(0, 1e7),                              \
    "How long an idle worker looks for work before it sleeps")                                                        \
  X(Bytes, stack_bytes, Bytes{256 << 10}, between(16 << 10, 1 << 30), "Stack of a task; memory is used when touched") \
  X(Bytes, inline_bytes_max, Bytes{64 << 10}, between(0, 120 << 10),                                                  \
    "Largest value that travels inside a reply; larger ones stay where they were made until they are read")           \
  X(bool, arena, true, any(), "Share objects between the ranks of a host by memory; false: copy them")                \
  X(Bytes, arena_bytes, Bytes{0}, any(), "Object memory of a rank; 0: a third of the host's, divided by its ranks")   \
  X(std::string, spill_directory, "", any(),                                                                          \
    "Folder for what does not fit in memory, made when not there; empty: TMPDIR or /tmp")                             \
  X(double, spill_at, 0.8, between(0.1, 1), "Share of the object memory in use at which objects go to disk")          \
  X(Bytes, spill_bytes_max, Bytes{0}, any(), "Disk that a rank may fill with objects; 0: no limit but the disk's")    \
  X(std::uint64_t, seed, 0, any(), "Seed of every random choice; 0: a new one, which the log shows")                  \
  X(std::string, timeline, "", any(), "File for a timeline of tasks and messages, to open with Perfetto")             \
  X(LogLevel, log_level, LogLevel::info, any(), "Least important lines that are logged")                              \
  X(std::string, log_file, "", any(), "File for the log, '.rankN' is appended; empty: standard error")                \
  X(std::chrono::milliseconds, heartbeat_ms, std::chrono::milliseconds(500), between(10, 60'000),                     \
    "Time between two signs of life that a rank sends its neighbours")                                                \
  X(std::chrono::milliseconds, rank_dead_after_ms, std::chrono::milliseconds(10'000), between(50, 3'600'000),         \
    "Silence after which a rank counts as dead")                                                                      \
  X(bool, steal, true, any(), "Idle ranks take waiting tasks from busy ones")                                         \
  X(std::chrono::milliseconds, stop_timeout_ms, std::chrono::milliseconds(10'000), between(0, 3'600'000),             \
    "How long the end of the job waits for ranks that do not answer, and the end of an actor for its on_stop()")      \
  X(Unschedulable, unschedulable, Unschedulable::wait, any(),                                                         \
    "What a task meets that no rank could ever run: it waits and is reported once, or it fails")                      \
  X(MpiUse, mpi, MpiUse::keep, any(),                                                                                 \
    "MPI stays for gangs, or is used only to start up, so that any launcher survives the death of a rank")            \
  X(Labels, labels, {}, any(), "Labels of this rank, for placement")                                                  \
  X(AutomaticNumber, cpus, {}, between(0, 1e6), "CPUs that this rank offers to tasks; auto: its workers")             \
  X(AutomaticNumber, gpus, {}, between(0, 1e4), "GPUs that this rank offers to tasks; auto: those it can see")        \
  X(Amounts, resources, {}, between(0, 1e15), "Other resources that this rank offers to tasks")                       \
  X(std::string, namespace_, "", any(), "Namespace of named actors; empty: one for the job")                          \
  X(bool, help, false, any(), "Print this list and exit")

/// Options of a rank. A value; any thread may read it.
struct Config {
#define X(type, name, value, limits, sentence) type name = value;
  RINGRAY_OPTIONS(X)
#undef X
#define X(...) +1
  static constexpr std::size_t option_count = 0 RINGRAY_OPTIONS(X);
#undef X

  /// Where a value came from.
  enum class Origin : std::uint8_t { standard, file, environment, flag };
  std::array<Origin, option_count> origins{};

  /// Reads all sources and removes the --ringray.* arguments (--ringray.name=value, --ringray.name value, and for
  /// true/false options --ringray.name alone) from argv; arguments after "--" are the application's.
  /// `environment`: NAME=value strings, ended by a null pointer. Names under RINGRAY_BOOTSTRAP_ are left to the
  /// launcher. A failure is one line that names option, value, why, and what is accepted; argv is then unchanged.
  static Result<Config> parse(int& argc, char** argv, const char* const* environment);

  /// One line per option that is not at its default: "workers = 4 (RINGRAY_WORKERS)". For the start-up log.
  std::vector<std::string> changes() const;

  /// What --ringray.help prints.
  static std::string help_text();
  /// The README's table.
  static std::string markdown_table();
};

}  // namespace ringray
