#include "ringray/store/admission.hpp"

#include <algorithm>

#include "ringray/base/check.hpp"

namespace ringray::store {

Admission::Change Admission::activate(RequestId request, Class priority, std::vector<Object> objects) {
  RINGRAY_ASSERT(!places_.contains(request) && !granted_.contains(request), "a request was made twice");
  std::sort(objects.begin(), objects.end(), [](const Object& a, const Object& b) { return a.id < b.id; });
  objects.erase(
      std::unique(objects.begin(), objects.end(), [](const Object& a, const Object& b) { return a.id == b.id; }),
      objects.end());
  const Place place{priority, ++arrivals_};
  places_.emplace(request, place);
  queue_.emplace(place, Request{request, std::move(objects)});
  Change change;
  grant_what_fits(change);
  return change;
}

void Admission::arrived(ObjectId object) {
  if (const auto pull = pulls_.find(object); pull != pulls_.end()) pull->second.here = true;
}

Admission::Change Admission::resize(std::uint64_t budget_bytes) {
  budget_ = budget_bytes;
  Change change;
  grant_what_fits(change);
  return change;
}

Admission::Change Admission::end(RequestId request) {
  Change change;
  if (const auto place = places_.find(request); place != places_.end()) {
    queue_.erase(place->second);
    places_.erase(place);
  } else if (const auto ending = granted_.find(request); ending != granted_.end()) {
    for (const auto& object : ending->second.objects) {
      const auto pull = pulls_.find(object.id);
      if (--pull->second.wanted_by > 0) continue;
      held_ -= pull->second.bytes;
      if (!pull->second.here) change.stop.push_back(object.id);
      pulls_.erase(pull);
    }
    count(ending->second.priority, -1);
    granted_.erase(ending);
  }
  grant_what_fits(change);
  return change;
}

std::uint64_t Admission::more_bytes(const Request& request) const {
  std::uint64_t bytes = 0;
  for (const auto& object : request.objects)
    if (!pulls_.contains(object.id)) bytes += object.bytes;
  return bytes;
}

void Admission::count(Class priority, int by) noexcept {
  if (priority == Class::get) gets_granted_ += by;
  if (priority == Class::wait) waits_granted_ += by;
}

bool Admission::must_grant(Class priority) const noexcept {
  if (granted_.empty()) return true;
  if (priority == Class::get) return gets_granted_ == 0;
  return priority == Class::wait && gets_granted_ + waits_granted_ == 0;
}

void Admission::grant_what_fits(Change& change) {
  while (!queue_.empty()) {
    const auto first = queue_.begin();
    const auto& [place, request] = *first;
    const auto bytes = more_bytes(request);
    const bool fits = bytes == 0 || (held_ <= budget_ && bytes <= budget_ - held_);
    if (!fits && !must_grant(place.priority)) return;
    for (const auto& object : request.objects) {
      auto [pull, fresh] = pulls_.try_emplace(object.id, Pull{object.bytes});
      ++pull->second.wanted_by;
      if (!fresh) continue;
      held_ += object.bytes;
      // A pull that the same event left without a reader goes on instead of starting over.
      if (const auto stopped = std::find(change.stop.begin(), change.stop.end(), object.id);
          stopped != change.stop.end())
        change.stop.erase(stopped);
      else
        change.start.push_back(object);
    }
    count(place.priority, 1);
    change.granted.push_back(request.id);
    granted_.emplace(request.id, Granted{place.priority, std::move(first->second.objects)});
    places_.erase(request.id);
    queue_.erase(first);
  }
}

}  // namespace ringray::store
