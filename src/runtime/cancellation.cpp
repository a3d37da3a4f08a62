#include "ringray/runtime/cancellation.hpp"

#include <vector>

namespace ringray::runtime {
namespace {
constexpr std::size_t remembered_max = 1 << 16;
}

Cancellations& cancellations() noexcept {
  static Cancellations all;
  return all;
}

std::stop_token Cancellations::token(Record& record) {
  const std::lock_guard lock(mutex_);
  auto& entry = stoppable_[record.serial];
  entry.parent = record.parent;
  if (all_ || stopped_.contains(record.serial) || recursive_.contains(record.parent)) entry.source.request_stop();
  return entry.source.get_token();
}

void Cancellations::forget(std::uint64_t serial) {
  const std::lock_guard lock(mutex_);
  stoppable_.erase(serial);
}

void Cancellations::mark(std::uint64_t serial, bool recursive) {
  if (serial == 0) return;  // the driver, and what is no task: many have it
  if (stopped_.insert(serial).second) order_.push_back(serial);
  if (recursive) recursive_.insert(serial);
  while (order_.size() > remembered_max) {
    stopped_.erase(order_.front());
    recursive_.erase(order_.front());
    order_.pop_front();
  }
}

void Cancellations::cancel(std::uint64_t serial, bool recursive) {
  std::vector<std::stop_source> sources;  // their callbacks run without the lock
  {
    const std::lock_guard lock(mutex_);
    any_.store(true, std::memory_order_release);
    mark(serial, recursive);
    if (const auto at = stoppable_.find(serial); at != stoppable_.end()) sources.push_back(at->second.source);
    // Serials grow from parent to child on one thread only, so descend until nothing is new.
    for (bool more = recursive; more;) {
      more = false;
      for (auto& [child, entry] : stoppable_) {
        if (!recursive_.contains(entry.parent) || recursive_.contains(child)) continue;
        mark(child, true);
        sources.push_back(entry.source);
        more = true;
      }
    }
  }
  for (auto& source : sources) source.request_stop();
}

void Cancellations::cancel_all() {
  std::vector<std::stop_source> sources;
  {
    const std::lock_guard lock(mutex_);
    all_ = true;
    any_.store(true, std::memory_order_release);
    for (auto& [serial, entry] : stoppable_) sources.push_back(entry.source);
  }
  for (auto& source : sources) source.request_stop();
}

void Cancellations::clear() {
  const std::lock_guard lock(mutex_);
  any_.store(false, std::memory_order_release);
  all_ = false;
  stoppable_.clear();
  stopped_.clear();
  recursive_.clear();
  order_.clear();
}

bool Cancellations::look_up(std::uint64_t serial, std::uint64_t parent) {
  const std::lock_guard lock(mutex_);
  if (all_ || stopped_.contains(serial)) return true;
  if (!recursive_.contains(parent)) return false;
  mark(serial, true);  // so that its own children find it
  return true;
}

}  // namespace ringray::runtime
