#include "ringray/device/telemetry.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace ringray::device {

void Histogram::add(std::uint64_t value) noexcept {
  ++buckets[std::min<int>(std::bit_width(value), histogram_buckets - 1)];
}

void Histogram::merge(const Histogram& other) noexcept {
  for (int i = 0; i < histogram_buckets; ++i) buckets[i] += other.buckets[i];
}

std::uint64_t Histogram::count() const noexcept {
  std::uint64_t sum = 0;
  for (const auto bucket : buckets) sum += bucket;
  return sum;
}

std::uint64_t Histogram::lower(int bucket) noexcept { return bucket == 0 ? 0 : std::uint64_t{1} << (bucket - 1); }
std::uint64_t Histogram::upper(int bucket) noexcept {
  return bucket == histogram_buckets - 1 ? std::numeric_limits<std::uint64_t>::max() : (std::uint64_t{1} << bucket) - 1;
}

std::uint64_t Histogram::quantile(double share) const noexcept {
  const auto total = count();
  if (total == 0) return 0;
  const auto wanted =
      std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(total))));
  std::uint64_t below = 0;
  for (int i = 0; i < histogram_buckets; ++i)
    if ((below += buckets[i]) >= wanted) return upper(i);
  return upper(histogram_buckets - 1);
}

Telemetry Telemetry::of(const ActorCounters& counters, const MailboxStats& mailbox, std::uint64_t capacity) noexcept {
  Telemetry telemetry{.handled = counters.handled,
                      .failed = counters.failed,
                      .buried = counters.buried,
                      .sent = counters.sent,
                      .refused = counters.refused,
                      .busy_ticks = counters.busy_ticks,
                      .dropped = mailbox.dropped,
                      .restarts = counters.restarts,
                      .checkpoints = counters.checkpoints,
                      .depth = mailbox.depth,
                      .depth_max = mailbox.depth_max,
                      .capacity = capacity};
  std::copy(std::begin(counters.busy), std::end(counters.busy), telemetry.busy.buckets);
  return telemetry;
}

Telemetry& Telemetry::merge(const Telemetry& other) noexcept {
  handled += other.handled;
  failed += other.failed;
  buried += other.buried;
  sent += other.sent;
  refused += other.refused;
  busy_ticks += other.busy_ticks;
  dropped += other.dropped;
  restarts += other.restarts;
  checkpoints += other.checkpoints;
  if (capacity == 0 || (other.capacity != 0 && other.depth * capacity > depth * other.capacity)) {
    depth = other.depth;
    capacity = other.capacity;
  }
  depth_max = std::max(depth_max, other.depth_max);
  busy.merge(other.busy);
  return *this;
}

Telemetry Telemetry::since(const Telemetry& earlier) const noexcept {
  auto interval = *this;
  interval.handled -= earlier.handled;
  interval.failed -= earlier.failed;
  interval.buried -= earlier.buried;
  interval.sent -= earlier.sent;
  interval.refused -= earlier.refused;
  interval.busy_ticks -= earlier.busy_ticks;
  interval.dropped -= earlier.dropped;
  interval.restarts -= earlier.restarts;
  interval.checkpoints -= earlier.checkpoints;
  for (int i = 0; i < histogram_buckets; ++i) interval.busy.buckets[i] -= earlier.busy.buckets[i];
  return interval;
}

double Telemetry::drop_rate() const noexcept {
  const auto lost = buried + dropped;
  return lost == 0 ? 0 : static_cast<double>(lost) / static_cast<double>(handled + lost);
}

Severity Thresholds::of(double value) const noexcept {
  if (critical != 0 && value >= critical) return Severity::critical;
  return warning != 0 && value >= warning ? Severity::warning : Severity::none;
}

std::vector<Alert> alerts(const Telemetry& interval, const AlertRules& rules) {
  std::vector<Alert> found;
  const auto judge = [&](const char* rule, const Thresholds& thresholds, double value) {
    const auto severity = thresholds.of(value);
    if (severity != Severity::none) found.push_back({rule, severity, value});
  };
  judge("drop_rate", rules.drop_rate, interval.drop_rate());
  judge("fill", rules.fill,
        interval.capacity == 0 ? 0 : static_cast<double>(interval.depth) / static_cast<double>(interval.capacity));
  judge("failures", rules.failures, static_cast<double>(interval.failed));
  judge("busy_ticks_p99", rules.busy_ticks_p99, static_cast<double>(interval.busy.quantile(0.99)));
  std::stable_sort(found.begin(), found.end(), [](const Alert& a, const Alert& b) { return a.severity > b.severity; });
  return found;
}

}  // namespace ringray::device
