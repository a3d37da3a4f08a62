#include "ringray/scheduler/task_queue.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace ringray::scheduler {

std::optional<GrantId> TaskQueue::take(const Item& item) {
  return item.bundle.valid() ? ledger_.take_from(item.bundle, item.need, item.user)
                             : ledger_.take(item.need, item.user);
}

void TaskQueue::push(Item item) {
  items_.push_back(std::move(item));
  pump();
}

bool TaskQueue::remove(Token token) {
  const auto at = std::find_if(items_.begin(), items_.end(), [&](const auto& item) { return item.token == token; });
  if (at == items_.end()) return false;
  items_.erase(at);
  return true;
}

void TaskQueue::finished(GrantId grant) {
  ledger_.give_back(grant);
  pump();
}

void TaskQueue::waits(GrantId grant) {
  // One that found its cpus taken after an earlier wait went on without them and has none to lend now.
  if (ledger_.grant(grant).suspended) return;
  ledger_.suspend(grant);
  pump();
}

void TaskQueue::goes_on(GrantId grant) { ledger_.resume(grant); }

void TaskQueue::pump() {
  if (std::exchange(pumping_, true)) {  // start() may call back
    again_ = true;
    return;
  }
  do {
    again_ = false;
    std::vector<std::pair<Token, GrantId>> started;
    for (auto at = items_.begin(); at != items_.end();) {
      if (const auto grant = take(*at)) {
        started.emplace_back(at->token, *grant);
        at = items_.erase(at);
      } else {
        ++at;
      }
    }
    for (const auto& [token, grant] : started) starter_.start(token, grant);
  } while (again_);
  pumping_ = false;
}

std::optional<TaskQueue::Token> TaskQueue::take_stealable(const Resources& free) {
  const auto at = std::find_if(items_.begin(), items_.end(),
                               [&](const auto& item) { return item.stealable && item.need.fits_in(free); });
  if (at == items_.end()) return std::nullopt;
  const auto token = at->token;
  items_.erase(at);
  return token;
}

}  // namespace ringray::scheduler
