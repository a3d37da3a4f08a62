#include "ringray/device/supervision.hpp"

#include <algorithm>

namespace ringray::device {

using std::chrono::nanoseconds;

Result<void> check(const Supervision& supervision) {
  if (supervision.window <= nanoseconds::zero())
    return failure(Errc::config,
                   "the window of a supervision must be longer than 0 (restarts are counted in it); take seconds");
  if (supervision.backoff < nanoseconds::zero() || supervision.backoff_max < supervision.backoff)
    return failure(Errc::config,
                   "the backoff of a supervision must be 0 or more and at most backoff_max (it doubles up to that)");
  return {};
}

std::optional<nanoseconds> Restarts::after_failure(nanoseconds now) {
  while (!failures_.empty() && now - failures_.front() >= supervision_.window) failures_.pop_front();
  if (failures_.size() >= supervision_.restarts) return {};
  auto delay = supervision_.backoff;
  for (std::size_t i = 0; i < failures_.size() && delay < supervision_.backoff_max && delay > nanoseconds::zero(); ++i)
    delay = delay > supervision_.backoff_max / 2 ? supervision_.backoff_max : 2 * delay;
  failures_.push_back(now);
  return delay;
}

}  // namespace ringray::device
