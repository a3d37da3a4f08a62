#pragma once
// Which requests of other ranks this rank has not answered yet.

#include <algorithm>
#include <vector>

#include "ringray/runtime/record.hpp"

namespace ringray::runtime {

/// By the slot that each has at its caller. A caller that takes a task for lost fails it and uses its slot again, while
/// the task may run here still: such older ones are few, and kept beside. Baton holder only.
class Executing {
 public:
  void add(Record& record) {
    ++size_;
    auto*& row = this->row(*record.origin);
    const bool older = row && row->origin->correlation > record.origin->correlation;
    if (auto* other = older ? &record : row) older_.push_back(other);
    if (!older) row = &record;
  }
  void remove(const Record& record) {
    const auto& origin = *record.origin;
    if (find_row(origin.caller, origin.correlation) == &record)
      row(origin) = nullptr;
    else if (std::erase(older_, &record) == 0)
      return;
    --size_;
  }
  std::size_t size() const noexcept { return size_; }
  Record* find(Rank caller, std::uint64_t correlation) const {
    if (auto* record = find_row(caller, correlation)) return record;
    const auto found = std::find_if(older_.begin(), older_.end(), [&](const Record* record) {
      return record->origin->caller == caller && record->origin->correlation == correlation;
    });
    return found == older_.end() ? nullptr : *found;
  }
  /// Calls f with all of one caller.
  template <class F>
  void for_each_of(Rank caller, F f) const {
    if (caller.value < of_caller_.size())
      for (auto* record : of_caller_[caller.value])
        if (record) f(*record);
    for (auto* record : older_)
      if (record->origin->caller == caller) f(*record);
  }

 private:
  Record*& row(const Origin& origin) {
    const std::size_t caller = origin.caller.value, slot = owner::slot_of(origin.correlation);
    if (of_caller_.size() <= caller) of_caller_.resize(caller + 1);
    auto& rows = of_caller_[caller];
    if (rows.size() <= slot) rows.resize(slot + 1);
    return rows[slot];
  }
  Record* find_row(Rank caller, std::uint64_t correlation) const {
    const auto slot = owner::slot_of(correlation);
    if (caller.value >= of_caller_.size() || slot >= of_caller_[caller.value].size()) return nullptr;
    auto* record = of_caller_[caller.value][slot];
    return record && record->origin->correlation == correlation ? record : nullptr;
  }

  std::vector<std::vector<Record*>> of_caller_;
  std::vector<Record*> older_;
  std::size_t size_ = 0;
};

}  // namespace ringray::runtime
