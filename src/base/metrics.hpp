#pragma once
// What a rank counts. The built-in counters are one list with unit and sentence; a thread counts in a block of its
// own, so that counting is an addition without a bus lock. Metrics of users are in <ringray/metrics.hpp>.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ringray {

// X(name, unit, kind, sentence). A counter only grows; a level goes up and down. The README's table is made from it.
#define RINGRAY_METRICS(X)                                                                              \
  X(tasks_submitted, "tasks", counter, "Tasks submitted on this rank")                                  \
  X(tasks_executed, "tasks", counter, "Tasks that ended on this rank, with a value or an error")        \
  X(tasks_failed, "tasks", counter, "Tasks that ended on this rank with an error")                      \
  X(tasks_stolen_out, "tasks", counter, "Tasks that others took from this rank")                        \
  X(calls_executed, "calls", counter, "Actor calls that ended on this rank")                            \
  X(calls_local, "calls", counter, "Actor calls and sends to actors of the same rank")                  \
  X(calls_remote, "calls", counter, "Actor calls and sends to actors of other ranks")                   \
  X(actors_alive, "actors", level, "Actors that live on this rank")                                     \
  X(envelopes_sent, "envelopes", counter, "Envelopes sent to other ranks")                              \
  X(envelopes_received, "envelopes", counter, "Envelopes received from other ranks")                    \
  X(packets_sent, "packets", counter, "Network messages sent; coalesced envelopes count once")          \
  X(bytes_sent, "bytes", counter, "Bytes sent to other ranks")                                          \
  X(bytes_received, "bytes", counter, "Bytes received from other ranks")                                \
  X(strangers_refused, "connections", counter, "Connections refused because they lacked the job's key") \
  X(corrupt_packets, "packets", counter, "Packets refused because their bytes do not decode")           \
  X(ranks_lost, "ranks", counter, "Ranks that were declared dead")                                      \
  X(objects_owned, "objects", level, "Objects whose references this rank counts")                       \
  X(objects_borrowed, "objects", level, "Objects of other ranks that this rank holds references to")    \
  X(arena_bytes_used, "bytes", level, "Object memory in use on this rank")                              \
  X(spilled_bytes, "bytes", level, "Bytes of objects that lie on disk because memory was full")         \
  X(fibers, "fibers", level, "Fibers that run or wait on this rank")                                    \
  X(handlers_overdue, "handlers", counter, "Handlers of device actors that ran for longer than their watchdog")

enum class Metric : std::uint16_t {
#define X(name, unit, kind, sentence) name,
  RINGRAY_METRICS(X)
#undef X
      count
};

enum class MetricKind : std::uint8_t { counter, level, gauge, histogram };

namespace base {

inline constexpr std::size_t metric_count = static_cast<std::size_t>(Metric::count);

/// The counts of one thread. Written by that thread, read by any.
struct alignas(64) MetricBlock {
  std::array<std::atomic<std::uint64_t>, metric_count> counts{};
};

/// The calling thread's block. Not to be kept across a point where a fiber may change its thread.
MetricBlock& metric_block();

/// Adds to a counter or level of this process. Any thread.
inline void count(Metric metric, std::uint64_t amount = 1) {
  auto& cell = metric_block().counts[static_cast<std::size_t>(metric)];
  cell.store(cell.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}
/// Takes from a level of this process; another thread may have added. Any thread.
inline void uncount(Metric metric, std::uint64_t amount = 1) { count(metric, std::uint64_t{0} - amount); }

/// A metric at one moment.
struct MetricValue {
  std::string name, unit, sentence;
  MetricKind kind = MetricKind::counter;
  double value = 0;                   ///< of a histogram: the sum of what it observed
  std::vector<double> bounds;         ///< histogram: upper bounds of the buckets, the last bucket has none
  std::vector<std::uint64_t> counts;  ///< histogram: observations per bucket, bounds.size() + 1 of them
  template <class Archive>
  void serialize(Archive& archive) {
    archive(name, unit, sentence, kind, value, bounds, counts);
  }
};

/// All metrics of this process: the built-in ones in the order of the list, then those of users by name. Any thread;
/// what other threads count at the same time may or may not be in it.
std::vector<MetricValue> metrics_snapshot();
/// The total of one built-in metric. Any thread.
std::uint64_t metric_total(Metric metric);

/// Adds another rank's snapshot: counters, levels, gauges and histograms sum up; unknown ones are appended.
/// A histogram with other bounds keeps its own buckets and only sums the value.
void merge_metrics(std::vector<MetricValue>& into, const std::vector<MetricValue>& from);

std::string metrics_table(const std::vector<MetricValue>& metrics);  ///< for people; zero rows are left out
std::string metrics_json(const std::vector<MetricValue>& metrics);   ///< one JSON object: name → value or histogram
std::string metrics_markdown();                                      ///< the README's table

/// Storage of one metric of a user. Lives as long as the process. Any thread.
class UserMetric {
 public:
  UserMetric(std::string name, std::string unit, std::string sentence, MetricKind kind, std::vector<double> bounds);
  void add(double amount) noexcept { value_.fetch_add(amount, std::memory_order_relaxed); }
  void set(double value) noexcept { value_.store(value, std::memory_order_relaxed); }
  void observe(double value) noexcept;
  MetricValue read() const;

 private:
  const MetricValue description_;
  std::atomic<double> value_{0};
  std::vector<std::atomic<std::uint64_t>> counts_;
};

/// The metric of that name; made when it is new. Throws ConfigError when the name is empty, is a built-in one, or was
/// given before with another kind, unit or bounds.
UserMetric& user_metric(std::string_view name, std::string_view unit, std::string_view sentence, MetricKind kind,
                        std::vector<double> bounds = {});

}  // namespace base
}  // namespace ringray
