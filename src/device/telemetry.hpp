#pragma once
// What counters of actors mean: sums over actors, rates, quantiles of histograms, alerts. Pure.

#include <cstdint>
#include <string>
#include <vector>

#include "ringray/device/actor.hpp"

namespace ringray::device {

/// Counts by the number of significant bits of what was counted; see ActorCounters::busy.
struct Histogram {
  std::uint64_t buckets[histogram_buckets] = {};

  void add(std::uint64_t value) noexcept;
  void merge(const Histogram& other) noexcept;
  std::uint64_t count() const noexcept;
  /// Smallest and largest value that the bucket may hold; the last bucket has no upper end: it holds what overflows.
  static std::uint64_t lower(int bucket) noexcept;
  static std::uint64_t upper(int bucket) noexcept;
  /// Upper end of the bucket that holds the `share` quantile, 0 … 1: at most twice the true value. 0: nothing was
  /// counted.
  std::uint64_t quantile(double share) const noexcept;
  std::uint64_t overflow() const noexcept { return buckets[histogram_buckets - 1]; }
};

/// Of one actor, of several, or of an interval: the difference of two.
struct Telemetry {
  std::uint64_t handled = 0, failed = 0, buried = 0, sent = 0, refused = 0, busy_ticks = 0, dropped = 0;
  std::uint64_t restarts = 0;                            ///< of actors that had failed
  std::uint64_t checkpoints = 0;                         ///< by Supervision::checkpoint_every
  std::uint64_t depth = 0, depth_max = 0, capacity = 0;  ///< cells; of the fullest actor
  Histogram busy;

  static Telemetry of(const ActorCounters& counters, const MailboxStats& mailbox, std::uint64_t capacity) noexcept;
  Telemetry& merge(const Telemetry& other) noexcept;
  /// What happened since `earlier`, a reading of the same actors; depths are those of now.
  Telemetry since(const Telemetry& earlier) const noexcept;
  double busy_ticks_mean() const noexcept {
    return handled == 0 ? 0 : static_cast<double>(busy_ticks) / static_cast<double>(handled);
  }
  /// Share of the messages to it that became dead letters or were dropped.
  double drop_rate() const noexcept;
};

enum class Severity : std::uint8_t { none, warning, critical };

/// From which value on; 0: never. `critical` counts before `warning`.
struct Thresholds {
  double warning = 0, critical = 0;
  Severity of(double value) const noexcept;
};
struct AlertRules {
  Thresholds drop_rate{0.01, 0.1};
  Thresholds fill{0.75, 0.9};   ///< depth over capacity
  Thresholds failures{1, 10};   ///< of handlers, in the interval
  Thresholds busy_ticks_p99{};  ///< of a handler
};
struct Alert {
  std::string rule;
  Severity severity = Severity::none;
  double value = 0;
};
/// The rules that an interval breaks, worst first.
std::vector<Alert> alerts(const Telemetry& interval, const AlertRules& rules);

}  // namespace ringray::device
