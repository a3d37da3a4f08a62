// Requests of other ranks, by their callers' slots.

#include "ringray/runtime/executing.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "ringray/runtime/bound_record.hpp"

namespace ringray::runtime {
namespace {

void nothing() {}

class ExecutingTest : public testing::Test {
 protected:
  ~ExecutingTest() override {
    for (auto* record : records_) record->release();
  }
  /// Of a slot's n-th user.
  Record& request(Rank caller, std::uint64_t slot, std::uint64_t generation) {
    auto* record = new TaskRecord<void (*)(), std::tuple<>>(std::in_place, &nothing);
    record->origin = std::make_unique<Origin>();
    record->origin->caller = caller;
    record->origin->correlation = correlation(slot, generation);
    records_.push_back(record);
    return *record;
  }
  static std::uint64_t correlation(std::uint64_t slot, std::uint64_t generation) {
    return generation << owner::slot_bits | slot;
  }
  std::size_t count_of(Rank caller) const {
    std::size_t count = 0;
    executing.for_each_of(caller, [&](const Record&) { ++count; });
    return count;
  }
  Executing executing;

 private:
  std::vector<Record*> records_;
};

TEST_F(ExecutingTest, RequestsAreFoundByCallerAndCorrelationUntilTheyAreRemoved) {
  auto &a = request(1, 5, 1), &b = request(2, 5, 1);
  executing.add(a);
  executing.add(b);
  EXPECT_EQ(executing.find(1, correlation(5, 1)), &a);
  EXPECT_EQ(executing.find(2, correlation(5, 1)), &b);
  EXPECT_EQ(executing.find(1, correlation(5, 2)), nullptr);
  EXPECT_EQ(executing.find(7, correlation(5, 1)), nullptr);
  executing.remove(a);
  executing.remove(a);  // once is enough
  EXPECT_EQ(executing.find(1, correlation(5, 1)), nullptr);
  EXPECT_EQ(executing.size(), 1u);
}

TEST_F(ExecutingTest, BothUsersOfASlotAreListedWhicheverCameFirst) {
  for (const bool older_first : {true, false}) {
    auto &older = request(1, 5, 1), &newer = request(1, 5, 2);
    executing.add(older_first ? older : newer);
    executing.add(older_first ? newer : older);
    EXPECT_EQ(executing.size(), 2u);
    EXPECT_EQ(count_of(1), 2u);
    EXPECT_EQ(count_of(2), 0u);
    EXPECT_EQ(executing.find(1, correlation(5, 1)), &older);
    EXPECT_EQ(executing.find(1, correlation(5, 2)), &newer);
    executing.remove(older_first ? older : newer);
    EXPECT_EQ(count_of(1), 1u);
    executing.remove(older_first ? newer : older);
    EXPECT_EQ(executing.size(), 0u);
    EXPECT_EQ(count_of(1), 0u);
  }
}

}  // namespace
}  // namespace ringray::runtime
