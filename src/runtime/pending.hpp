#pragma once
// Tasks and calls that wait for arguments on the rank of their parent.

#include <array>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "ringray/runtime/record.hpp"

namespace ringray::runtime {

/// So that the cancel of a task with its children reaches those, too. Any thread.
class Pending {
 public:
  /// Before anybody may go on with it.
  void add(Record& record) {
    if (record.parent == 0) return;
    auto& shard = shard_of(record);
    const std::lock_guard lock(shard.mutex);
    shard.records[record.serial] = &record;
  }
  /// By who goes on with it, while it has a count.
  void remove(Record& record) {
    if (record.parent == 0) return;
    auto& shard = shard_of(record);
    const std::lock_guard lock(shard.mutex);
    shard.records.erase(record.serial);
  }
  /// Those of which f is true, each with a count for the caller.
  template <class F>
  std::vector<Record*> find(F f) {
    std::vector<Record*> found;
    for (auto& shard : shards_) {
      const std::lock_guard lock(shard.mutex);
      for (const auto& [serial, record] : shard.records)
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
    std::unordered_map<std::uint64_t, Record*> records;  // by serial
  };
  // A thread takes its serials in blocks of 65536.
  Shard& shard_of(const Record& record) { return shards_[record.serial / 65536 % shards_.size()]; }
  std::array<Shard, 16> shards_;
};

Pending& pending() noexcept;

}  // namespace ringray::runtime
