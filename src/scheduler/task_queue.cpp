#include "ringray/scheduler/task_queue.hpp"

#include <algorithm>
#include <utility>

namespace ringray::scheduler {

std::optional<GrantId> TaskQueue::take(const Line& line, ObjectId user) {
  return line.bundle.valid() ? ledger_.take_from(line.bundle, line.need, user) : ledger_.take(line.need, user);
}

void TaskQueue::push(Item item) {
  auto line = std::find_if(lines_.begin(), lines_.end(),
                           [&](const auto& l) { return l.bundle == item.bundle && l.need == item.need; });
  if (line == lines_.end()) line = lines_.insert(line, {std::move(item.need), item.bundle, {}});
  line->waiting.push_back({item.token, item.user, ++order_, item.stealable});
  ++size_;
  if (!line->bundle.valid()) queued_ += line->need;
  if (line->waiting.size() == 1) pump();
}

void TaskQueue::left(const Line& line) {
  --size_;
  if (!line.bundle.valid()) queued_ -= line.need;
}

TaskQueue::Token TaskQueue::take_out(std::vector<Line>::iterator line, std::deque<Waiting>::iterator at) {
  const auto token = at->token;
  line->waiting.erase(at);
  left(*line);
  if (line->waiting.empty()) lines_.erase(line);
  return token;
}

bool TaskQueue::remove(Token token) {
  for (auto line = lines_.begin(); line != lines_.end(); ++line) {
    auto& waiting = line->waiting;
    const auto at = std::find_if(waiting.begin(), waiting.end(), [&](const auto& one) { return one.token == token; });
    if (at == waiting.end()) continue;
    take_out(line, at);
    return true;
  }
  return false;
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
    std::sort(lines_.begin(), lines_.end(),
              [](const auto& a, const auto& b) { return a.waiting.front().order < b.waiting.front().order; });
    for (auto& line : lines_) {
      while (!line.waiting.empty()) {
        const auto grant = take(line, line.waiting.front().user);
        if (!grant) break;
        started.emplace_back(line.waiting.front().token, *grant);
        line.waiting.pop_front();
        left(line);
      }
    }
    std::erase_if(lines_, [](const auto& line) { return line.waiting.empty(); });
    for (const auto& [token, grant] : started) starter_.start(token, grant);
  } while (again_);
  pumping_ = false;
}

std::optional<TaskQueue::Token> TaskQueue::take_stealable(const Resources& free) {
  auto oldest = lines_.end();
  std::deque<Waiting>::iterator found;
  for (auto line = lines_.begin(); line != lines_.end(); ++line) {
    if (!line->need.fits_in(free)) continue;
    const auto at =
        std::find_if(line->waiting.begin(), line->waiting.end(), [](const auto& one) { return one.stealable; });
    if (at == line->waiting.end() || (oldest != lines_.end() && found->order < at->order)) continue;
    oldest = line;
    found = at;
  }
  if (oldest == lines_.end()) return std::nullopt;
  return take_out(oldest, found);
}

}  // namespace ringray::scheduler
