#include "ringray/runtime/cancellation.hpp"

#include "ringray/runtime/core.hpp"

namespace ringray::runtime {
namespace {

constexpr auto remembered_after_end = std::chrono::seconds(10);
constexpr auto call_remembered = std::chrono::minutes(10);  // one that was answered before the cancel came

Cancellations::Kin kin_of(const Record& record) {
  Cancellations::Kin kin{record.serial, record.parent, {}};
  if (record.origin) kin.origin = {record.origin->caller, record.origin->correlation};
  return kin;
}

void append_family(const Running* now, Cancellations::Family& family) {
  for (; now; now = now->outer) {
    if (now->record) family.push_back(kin_of(*now->record));
    if (now->letter) family.push_back({now->serial, 0, {}});
  }
}

void request_stop(std::vector<std::stop_source>& sources) {
  for (auto& source : sources) source.request_stop();
}

}  // namespace

Cancellations& cancellations() noexcept {
  static Cancellations all;
  return all;
}

std::stop_token Cancellations::token(const Running& now) {
  const std::lock_guard lock(mutex_);
  auto& entry = stoppable_[now.serial];
  if (entry.family.empty()) append_family(&now, entry.family);
  if (all_ || stopped_.contains(now.serial)) entry.source.request_stop();
  return entry.source.get_token();
}

void Cancellations::mark(std::uint64_t serial, bool recursive, Sources& sources) {
  any_.store(true, std::memory_order_seq_cst);
  stopped_.insert(serial);
  if (recursive) recursive_.insert(serial);
  if (const auto at = stoppable_.find(serial); at != stoppable_.end()) sources.push_back(at->second.source);
}

std::optional<bool> Cancellations::news(const Kin& one) const {
  if (recursive_.contains(one.parent) && !recursive_.contains(one.serial)) return true;
  if (!one.origin.first.valid() || stopped_.contains(one.serial)) return std::nullopt;
  const auto asked = asked_calls_.find(one.origin);
  return asked == asked_calls_.end() ? std::nullopt : std::optional(asked->second.recursive);
}

void Cancellations::spread(Family known, Sources& sources) {
  for (const auto& [serial, entry] : stoppable_) known.insert(known.end(), entry.family.begin(), entry.family.end());
  observe::for_each_waiting_task([&](const void* task) { append_family(static_cast<const Running*>(task), known); });
  for (bool more = true; more;) {
    more = false;
    for (const auto& one : known) {
      const auto recursive = news(one);
      if (!recursive) continue;
      mark(one.serial, *recursive, sources);
      more = true;
    }
  }
}

void Cancellations::cancel(const Record& record, bool recursive) {
  Sources sources;
  {
    const std::lock_guard lock(mutex_);
    mark(record.serial, recursive, sources);
    if (recursive) spread({}, sources);
  }
  request_stop(sources);
  if (record.done()) ended(record.serial);
}

void Cancellations::cancel_call(Rank caller, std::uint64_t correlation, bool recursive) {
  Sources sources;
  {
    const std::lock_guard lock(mutex_);
    any_.store(true, std::memory_order_seq_cst);
    asked_calls_[{caller, correlation}] = {recursive, base::now()};
    spread({}, sources);
  }
  request_stop(sources);
}

bool Cancellations::learn(const Running& now) {
  Sources sources;
  Family family;
  append_family(&now, family);
  {
    const std::lock_guard lock(mutex_);
    if (std::none_of(family.begin(), family.end(), [&](const auto& one) { return news(one).has_value(); }))
      return false;
    spread(std::move(family), sources);
  }
  request_stop(sources);
  return true;
}

bool Cancellations::look_up(const Record& record) {
  const std::lock_guard lock(mutex_);
  if (all_ || stopped_.contains(record.serial)) return true;
  const auto recursive = news(kin_of(record));
  if (!recursive) return false;
  stopped_.insert(record.serial);
  if (*recursive) recursive_.insert(record.serial);
  return true;
}

bool Cancellations::is_recursive(std::uint64_t serial) {
  const std::lock_guard lock(mutex_);
  return recursive_.contains(serial);
}

void Cancellations::cancel_all() {
  Sources sources;
  {
    const std::lock_guard lock(mutex_);
    all_ = true;
    any_.store(true, std::memory_order_seq_cst);
    for (auto& [serial, entry] : stoppable_) sources.push_back(entry.source);
  }
  request_stop(sources);
}

void Cancellations::clear() {
  const std::lock_guard lock(mutex_);
  any_.store(false, std::memory_order_seq_cst);
  all_ = false;
  stoppable_.clear();
  stopped_.clear();
  recursive_.clear();
  asked_calls_.clear();
  ended_.clear();
}

void Cancellations::ended(std::uint64_t serial, Rank caller, std::uint64_t correlation) {
  const std::lock_guard lock(mutex_);
  stoppable_.erase(serial);
  stopped_.erase(serial);
  if (caller.valid()) asked_calls_.erase({caller, correlation});
  if (recursive_.contains(serial)) ended_.emplace_back(base::now(), serial);
  count();
}

void Cancellations::count() {
  any_.store(all_ || !stopped_.empty() || !recursive_.empty() || !asked_calls_.empty(), std::memory_order_seq_cst);
}

void Cancellations::forget_old(base::Nanoseconds now) {
  const std::lock_guard lock(mutex_);
  for (; !ended_.empty() && now - ended_.front().first > remembered_after_end; ended_.pop_front())
    recursive_.erase(ended_.front().second);
  std::erase_if(asked_calls_, [&](const auto& asked) { return now - asked.second.at > call_remembered; });
  count();
}

void heed_cancel() {
  if (!Cancellations::any()) return;
  const auto* now = running();
  if (now && !now->is_driver() && cancellations().learn(*now)) core().cancel_children();
}

TaskWait::TaskWait(std::string_view what, observe::Thing target)
    : wait_(what, target, running() ? who_waits(*running()) : observe::Thing{}) {
  heed_cancel();
}

}  // namespace ringray::runtime
