#pragma once
// Metrics of a job: numbers that a program counts, sets or observes under a name. Each rank keeps its own, and logs
// them at its end with --ringray.log_level=debug, beside Ringray's own (README, "Metrics").
//
//   static ringray::Counter steps{"steps", {.unit = "steps", .sentence = "Time steps computed"}};
//   steps.add();
//
// Objects of one name share one number. Every function may be called by any thread; add, set and observe never wait.
// A constructor throws ConfigError when the name is empty, belongs to Ringray, or exists with another kind or unit.

#include <string_view>
#include <utility>
#include <vector>

#include "ringray/base/metrics.hpp"

namespace ringray {

struct MetricOptions {
  std::string_view unit = "";      ///< "steps", "s", "bytes"
  std::string_view sentence = "";  ///< what the number means
};

/// A sum that only grows.
class Counter {
 public:
  explicit Counter(std::string_view name, MetricOptions options = {})
      : metric_(&base::user_metric(name, options.unit, options.sentence, MetricKind::counter)) {}
  /// Adds `amount` >= 0.
  void add(double amount = 1) noexcept { metric_->add(amount); }
  /// The sum on this rank.
  double value() const { return metric_->read().value; }

 private:
  base::UserMetric* metric_;
};

/// A number that is set: the last value counts.
class Gauge {
 public:
  explicit Gauge(std::string_view name, MetricOptions options = {})
      : metric_(&base::user_metric(name, options.unit, options.sentence, MetricKind::gauge)) {}
  void set(double value) noexcept { metric_->set(value); }
  void add(double amount) noexcept { metric_->add(amount); }
  /// The value on this rank.
  double value() const { return metric_->read().value; }

 private:
  base::UserMetric* metric_;
};

/// How often values fell into which bucket. Bucket i holds bounds[i - 1] < value <= bounds[i]; one more holds what is
/// larger than all bounds.
class Histogram {
 public:
  /// `bounds` must grow.
  Histogram(std::string_view name, std::vector<double> bounds, MetricOptions options = {})
      : metric_(&base::user_metric(name, options.unit, options.sentence, MetricKind::histogram, std::move(bounds))) {}
  void observe(double value) noexcept { metric_->observe(value); }
  /// Observations per bucket on this rank, bounds.size() + 1 of them.
  std::vector<std::uint64_t> counts() const { return metric_->read().counts; }

 private:
  base::UserMetric* metric_;
};

}  // namespace ringray
