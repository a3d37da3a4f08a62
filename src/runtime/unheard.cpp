#include "ringray/runtime/unheard.hpp"

#include <algorithm>

#include "ringray/base/log.hpp"
#include "ringray/runtime/record.hpp"
#include "ringray/wire/callable.hpp"
#include "ringray/wire/envelope.hpp"

namespace ringray::runtime {
namespace {

constexpr std::size_t subjects_max = 1000;
constexpr auto window = std::chrono::seconds(1);

}  // namespace

Repeated& repeated() noexcept {
  static auto& all = *new Repeated;  // results may be dropped until the process ends
  return all;
}

void Repeated::warn(std::string subject, const std::string& why) {
  {
    const std::lock_guard lock(mutex_);
    if (rows_.size() >= subjects_max && !rows_.contains(subject)) subject = "other errors that reach nobody";
    const auto [at, fresh] = rows_.try_emplace(subject, Row{0, base::now()});
    if (!fresh) {
      ++at->second.more;
      return;
    }
  }
  log::warning("{}: {}", subject, why);
}

bool Repeated::is_due(base::Nanoseconds now) {
  const std::lock_guard lock(mutex_);
  return std::any_of(rows_.begin(), rows_.end(), [&](const auto& row) { return row.second.since <= now - window; });
}

void Repeated::tick(base::Nanoseconds now) {
  Rows due;
  {
    const std::lock_guard lock(mutex_);
    for (auto at = rows_.begin(); at != rows_.end();) {
      auto& [subject, row] = *at;
      if (row.since > now - window) {
        ++at;
      } else if (row.more == 0) {
        at = rows_.erase(at);
      } else {
        due.emplace(subject, std::exchange(row, {0, now}));
        ++at;
      }
    }
  }
  log(due);
}

void Repeated::end() {
  Rows all;
  {
    const std::lock_guard lock(mutex_);
    all.swap(rows_);
  }
  log(all);
}

void Repeated::log(const Rows& rows) {
  for (const auto& [subject, row] : rows)
    if (row.more > 0) log::warning("{}: {} more times", subject, row.more);
}

void warn_failed_send(const std::string& method, const std::string& actor, Errc code, const ErrorDetail& detail) {
  if (code == Errc::task_cancelled || detail.text == left_by_exit) return;
  const auto what = detail.exception_type.empty() ? std::string("was dropped") : "threw " + detail.exception_type;
  repeated().warn(fmt::format("one-way call '{}' to {} {}", method, actor, what), detail.text);
}

void warn_dropped_send(const wire::Envelope& envelope, const std::string& actor, const std::string& why) {
  const auto type = wire::from_wire(envelope.callable);
  repeated().warn(
      fmt::format("one-way call '{}' from rank {} to {} was dropped",
                  type ? static_cast<const RecordType*>(*type)->name(nullptr) : "?", envelope.source.value, actor),
      why);
}

void warn_mismatch(const wire::Envelope& envelope, wire::View payload) {
  warn_mismatch(envelope.callable, std::string(reinterpret_cast<const char*>(payload.data()), payload.size()));
}
void warn_mismatch(std::uint64_t callable, const std::string& why) {
  const auto type = wire::from_wire(callable);
  repeated().warn(
      fmt::format("subscriber '{}' missed a value", type ? static_cast<const RecordType*>(*type)->name(nullptr) : "?"),
      why);
}

void warn_unseen(const ErrorDetail& detail) {
  repeated().warn(fmt::format("'{}' threw {} on rank {}, and nobody looked at its result", detail.task,
                              detail.exception_type, detail.rank),
                  detail.text);
}

void warn_uncalled(const ErrorDetail& detail) {
  repeated().warn(fmt::format("the constructor of actor {} threw {} on rank {}, and nobody here called it", detail.task,
                              detail.exception_type, detail.rank),
                  detail.text);
}

bool is_due_when_unseen(const Extra& extra) noexcept {
  return extra.error == Errc::task_failed && !extra.detail.exception_type.empty();
}

SharedError::~SharedError() {
  if (!seen && !is_outside()) warn_unseen(detail_);
}

}  // namespace ringray::runtime
