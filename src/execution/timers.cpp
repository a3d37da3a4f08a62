#include "ringray/execution/timers.hpp"

namespace ringray::execution {

void Timers::publish_next() {
  next_.store((pending_.empty() ? never : pending_.begin()->first.deadline).count(), std::memory_order_seq_cst);
}

Timers::Id Timers::at(base::Nanoseconds deadline, std::function<void()> callback) {
  Id id;
  bool first;
  {
    std::lock_guard lock(mutex_);
    id = {deadline, ++sequence_};
    const auto place = pending_.emplace(id, std::move(callback)).first;
    first = place == pending_.begin();
    if (first) publish_next();
  }
  if (first) earlier_(deadline);
  return id;
}

bool Timers::cancel(Id id) {
  std::function<void()> callback;  // destroyed without the lock: it may own anything
  std::lock_guard lock(mutex_);
  const auto found = pending_.find(id);
  if (found == pending_.end()) return false;
  callback = std::move(found->second);
  const bool first = found == pending_.begin();
  pending_.erase(found);
  if (first) publish_next();
  return true;
}

bool Timers::run_due() {
  if (next() == never) return false;
  const auto now = base::now();
  bool any = false;
  while (next() <= now) {
    std::function<void()> callback;
    {
      std::lock_guard lock(mutex_);
      if (pending_.empty() || pending_.begin()->first.deadline > now) break;
      callback = std::move(pending_.begin()->second);
      pending_.erase(pending_.begin());
      publish_next();
    }
    callback();
    any = true;
  }
  return any;
}

std::size_t Timers::pending() const {
  std::lock_guard lock(mutex_);
  return pending_.size();
}

}  // namespace ringray::execution
