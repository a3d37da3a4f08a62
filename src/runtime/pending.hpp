#pragma once
// Tasks and calls of this rank that wait for arguments.

#include <array>
#include <mutex>
#include <unordered_set>
#include <vector>

#include "ringray/runtime/record.hpp"

namespace ringray::runtime {

/// So that the cancel of a task with its children reaches those, too, and that reports can name them. Any thread.
class Pending {
 public:
  /// Before anybody may go on with it.
  void add(Record& record) {
    auto& shard = shard_of(record);
    const std::lock_guard lock(shard.mutex);
    shard.records.insert(&record);
  }
  /// By who goes on with it, while it has a count.
  void remove(Record& record) {
    auto& shard = shard_of(record);
    const std::lock_guard lock(shard.mutex);
    shard.records.erase(&record);
  }
  /// Those of which f is true, each with a count for the caller. While f looks, their arguments are there.
  template <class F>
  std::vector<Record*> find(F f) {
    std::vector<Record*> found;
    for (auto& shard : shards_) {
      const std::lock_guard lock(shard.mutex);
      for (auto* record : shard.records)
        if (f(*record)) {
          record->retain();
          found.push_back(record);
        }
    }
    return found;
  }

 private:
  struct alignas(64) Shard {
    std::mutex mutex;
    std::unordered_set<Record*> records;
  };
  // A thread takes its serials in blocks of 65536.
  Shard& shard_of(const Record& record) { return shards_[record.serial / 65536 % shards_.size()]; }
  std::array<Shard, 16> shards_;
};

Pending& pending() noexcept;

}  // namespace ringray::runtime
