#include "ringray/base/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>

#include "ringray/base/errors.hpp"
#include "ringray/base/thread_local.hpp"

namespace ringray::base {
namespace {

struct Row {
  std::string_view name, unit;
  MetricKind kind;
  std::string_view sentence;
};
constexpr Row rows[] = {
#define X(name, unit, kind, sentence) Row{#name, unit, MetricKind::kind, sentence},
    RINGRAY_METRICS(X)
#undef X
};
constexpr std::string_view kind_names[] = {"counter", "level", "gauge", "histogram"};

/// Never destroyed: threads may count until the process ends.
struct Registry {
  std::mutex mutex;  // guards all but the counts
  std::vector<std::unique_ptr<MetricBlock>> blocks;
  std::vector<MetricBlock*> unused;  // of threads that ended; the next thread goes on counting there
  std::map<std::string, std::unique_ptr<UserMetric>, std::less<>> users;

  std::uint64_t total(std::size_t metric) const {
    std::uint64_t sum = 0;
    for (const auto& block : blocks) sum += block->counts[metric].load(std::memory_order_relaxed);
    return sum;
  }
};
Registry& registry() {
  static auto& instance = *new Registry;
  return instance;
}

/// The block of a thread while it lives.
class ThreadBlock {
 public:
  ThreadBlock() {
    std::lock_guard lock(registry().mutex);
    auto& unused = registry().unused;
    if (unused.empty()) {
      block_ = registry().blocks.emplace_back(std::make_unique<MetricBlock>()).get();
    } else {
      block_ = unused.back();
      unused.pop_back();
    }
  }
  ~ThreadBlock() {
    std::lock_guard lock(registry().mutex);
    registry().unused.push_back(block_);
  }
  MetricBlock& block() { return *block_; }

 private:
  MetricBlock* block_;
};

/// A count as a number: a level that another thread lowered first wraps below zero for a moment.
double as_number(std::uint64_t count) { return static_cast<double>(static_cast<std::int64_t>(count)); }

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20)
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      out += c;
  }
  return out + '"';
}

}  // namespace

namespace {

RINGRAY_NEAR_THREAD constinit thread_local MetricBlock* own = nullptr;

[[gnu::noinline, gnu::cold]] MetricBlock& first_count() {
  thread_local ThreadBlock mine;
  own = &mine.block();
  return *own;
}

}  // namespace

MetricBlock& metric_block() { return own ? *own : first_count(); }

std::uint64_t metric_total(Metric metric) {
  std::lock_guard lock(registry().mutex);
  return registry().total(static_cast<std::size_t>(metric));
}

std::vector<MetricValue> metrics_snapshot() {
  std::vector<MetricValue> values;
  std::lock_guard lock(registry().mutex);
  for (std::size_t i = 0; i < metric_count; ++i)
    values.push_back({std::string(rows[i].name),
                      std::string(rows[i].unit),
                      std::string(rows[i].sentence),
                      rows[i].kind,
                      as_number(registry().total(i)),
                      {},
                      {}});
  for (const auto& [name, metric] : registry().users) values.push_back(metric->read());
  return values;
}

void merge_metrics(std::vector<MetricValue>& into, const std::vector<MetricValue>& from) {
  for (const auto& other : from) {
    const auto mine = std::find_if(into.begin(), into.end(), [&](auto& m) { return m.name == other.name; });
    if (mine == into.end()) {
      into.push_back(other);
      continue;
    }
    mine->value += other.value;
    if (mine->bounds != other.bounds || mine->counts.size() != other.counts.size()) continue;
    for (std::size_t i = 0; i < mine->counts.size(); ++i) mine->counts[i] += other.counts[i];
  }
}

std::string metrics_table(const std::vector<MetricValue>& metrics) {
  std::size_t width = 0;
  for (const auto& metric : metrics) width = std::max(width, metric.name.size());
  std::string text;
  for (const auto& metric : metrics) {
    std::uint64_t observations = 0;
    for (const auto count : metric.counts) observations += count;
    if (metric.value == 0 && observations == 0) continue;
    if (metric.kind == MetricKind::histogram)
      text += fmt::format("{:<{}}  {} observations, mean {:.6g} {}\n", metric.name, width, observations,
                          observations ? metric.value / static_cast<double>(observations) : 0, metric.unit);
    else
      text += fmt::format("{:<{}}  {:.15g} {}\n", metric.name, width, metric.value, metric.unit);
  }
  return text;
}

std::string metrics_json(const std::vector<MetricValue>& metrics) {
  std::string text = "{";
  for (const auto& metric : metrics) {
    if (text.size() > 1) text += ", ";
    text += json_text(metric.name) + ": ";
    // JSON has no infinities: null says that there is no number.
    const auto number = [](double v) { return v - v == 0 ? fmt::format("{:.17g}", v) : std::string("null"); };
    if (metric.kind == MetricKind::histogram) {
      text += fmt::format("{{\"sum\": {}, \"bounds\": [", number(metric.value));
      for (std::size_t i = 0; i < metric.bounds.size(); ++i) text += (i ? ", " : "") + number(metric.bounds[i]);
      text += "], \"counts\": [";
      for (std::size_t i = 0; i < metric.counts.size(); ++i) text += (i ? ", " : "") + std::to_string(metric.counts[i]);
      text += "]}";
    } else {
      text += number(metric.value);
    }
  }
  return text + "}";
}

std::string metrics_markdown() {
  std::string text = "| metric | kind | unit | meaning |\n|---|---|---|---|\n";
  for (const auto& row : rows)
    text += fmt::format("| `{}` | {} | {} | {} |\n", row.name, kind_names[static_cast<std::size_t>(row.kind)], row.unit,
                        row.sentence);
  return text;
}

UserMetric::UserMetric(std::string name, std::string unit, std::string sentence, MetricKind kind,
                       std::vector<double> bounds)
    : description_{std::move(name), std::move(unit), std::move(sentence), kind, 0, std::move(bounds), {}},
      counts_(kind == MetricKind::histogram ? description_.bounds.size() + 1 : 0) {}

void UserMetric::observe(double value) noexcept {
  const auto& bounds = description_.bounds;
  const auto bucket = std::lower_bound(bounds.begin(), bounds.end(), value) - bounds.begin();
  counts_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  add(value);
}

MetricValue UserMetric::read() const {
  auto metric = description_;
  metric.value = value_.load(std::memory_order_relaxed);
  for (const auto& count : counts_) metric.counts.push_back(count.load(std::memory_order_relaxed));
  return metric;
}

UserMetric& user_metric(std::string_view name, std::string_view unit, std::string_view sentence, MetricKind kind,
                        std::vector<double> bounds) {
  if (name.empty()) throw ConfigError("a metric has no name (it could not be found); give it one");
  if (std::any_of(std::begin(rows), std::end(rows), [&](auto& row) { return row.name == name; }))
    throw ConfigError(
        fmt::format("metric '{}' is one of Ringray's own (the counts would mix); choose another name", name));
  if (!std::is_sorted(bounds.begin(), bounds.end(), std::less_equal<>()))
    throw ConfigError(
        fmt::format("bounds of histogram '{}' do not grow (a bucket would be empty for ever); sort them", name));
  std::lock_guard lock(registry().mutex);
  auto& users = registry().users;
  auto found = users.find(name);
  if (found == users.end()) {
    auto made = std::make_unique<UserMetric>(std::string(name), std::string(unit), std::string(sentence), kind,
                                             std::move(bounds));
    return *users.emplace(std::string(name), std::move(made)).first->second;
  }
  const auto known = found->second->read();
  if (known.kind != kind || known.unit != unit || known.bounds != bounds)
    throw ConfigError(fmt::format("metric '{}' exists as a {} in '{}' (values would not compare); choose another name",
                                  name, kind_names[static_cast<std::size_t>(known.kind)], known.unit));
  return *found->second;
}

}  // namespace ringray::base
