#include "ringray/store/object_store.hpp"

#include <gtest/gtest.h>

#include "fixture.hpp"

namespace ringray::store {
namespace {

using ObjectStoreTest = StoreTest;

TEST_F(ObjectStoreTest, SealedBytesAreReadWithoutACopy) {
  open({.bytes = 256 * kib});
  auto buffer = *store->create(1000);
  const auto* written_at = buffer.data();
  fill(buffer.bytes(), 1);
  store->seal(id_of(1), std::move(buffer), Copy::primary);
  const auto lease = store->lease(id_of(1));
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->view().data(), written_at);
  EXPECT_TRUE(filled(lease->view(), 1));
}

TEST_F(ObjectStoreTest, AbsentObjectIsLostNotFound) {
  open({.bytes = 256 * kib});
  const auto lease = store->lease(id_of(1));
  ASSERT_FALSE(lease);
  EXPECT_EQ(lease.error().code, Errc::object_lost);
  EXPECT_FALSE(store->lend(id_of(1), Rank(1)));
  EXPECT_FALSE(store->contains(id_of(1)));
  EXPECT_FALSE(store->promote(id_of(1)));
}

TEST_F(ObjectStoreTest, EmptyObjectIsAnObject) {
  open({.bytes = 256 * kib});
  put(1, 0);
  expect_readable(1, 0);
}

TEST_F(ObjectStoreTest, BufferThatIsNotSealedGivesItsBytesBack) {
  open({.bytes = 256 * kib});
  { const auto buffer = *store->create(100 * kib); }
  EXPECT_EQ(store->usage().used_bytes, 0u);
}

TEST_F(ObjectStoreTest, LeaseOutlivesEraseAndThenFreesTheBytes) {
  open({.bytes = 256 * kib});
  auto lease = put_and_lease(1, 100 * kib);
  store->erase(id_of(1));
  EXPECT_FALSE(store->contains(id_of(1)));
  EXPECT_TRUE(filled(lease.view(), 1));
  EXPECT_EQ(store->usage().used_bytes, 100 * kib);
  lease = {};
  EXPECT_EQ(store->usage().used_bytes, 0u);
}

TEST_F(ObjectStoreTest, LeaseOutlivesTheStore) {
  open({.bytes = 256 * kib});
  const auto lease = put_and_lease(1, 100 * kib);
  store->close();
  EXPECT_FALSE(store->contains(id_of(1)));
  store.reset();
  EXPECT_TRUE(filled(lease.view(), 1));
}

TEST_F(ObjectStoreTest, CloseLeavesNoFileAlthoughLeasesOfAllKindsLive) {
  open_with_disk(256 * kib);
  std::vector<wire::Lease> leases;
  for (std::uint64_t i = 1; i <= 10; ++i) put(i, 50 * kib);
  for (std::uint64_t i = 1; i <= 10; ++i) leases.push_back(*store->lease(id_of(i)));  // in the arena, and in place
  leases.push_back(put_and_lease(11, 50 * kib));                                      // backed by the disk
  EXPECT_EQ(store->usage().fallbacks, 1u);
  store->close();
  EXPECT_TRUE(std::filesystem::is_empty(scratch));
  for (std::uint64_t i = 1; i <= 11; ++i) EXPECT_TRUE(filled(leases[i - 1].view(), i));
}

TEST_F(ObjectStoreTest, SealingTwiceKeepsTheFirstCopyAndTheStrongerKind) {
  open({.bytes = 256 * kib});
  const auto first = put_and_lease(1, 40 * kib, Copy::secondary);
  const auto second = put_and_lease(1, 40 * kib, Copy::primary);
  EXPECT_EQ(first.view().data(), second.view().data());
  EXPECT_EQ(store->usage().used_bytes, 40 * kib);
  EXPECT_EQ(store->usage().objects, 1u);
}

TEST_F(ObjectStoreTest, LentBytesStayUntilAsManyUnlends) {
  open({.bytes = 256 * kib});
  put(1, 40 * kib);
  const auto position = store->lend(id_of(1), Rank(2));
  ASSERT_TRUE(position);
  EXPECT_EQ(position->bytes, 40 * kib);
  EXPECT_TRUE(filled({store->arena().at(position->offset), position->bytes}, 1));
  EXPECT_EQ(store->lend(id_of(1), Rank(2))->offset, position->offset);
  store->erase(id_of(1));
  store->unlend(id_of(1), Rank(2));
  EXPECT_EQ(store->usage().used_bytes, 40 * kib);
  store->unlend(id_of(1), Rank(2));
  EXPECT_EQ(store->usage().used_bytes, 0u);
  store->unlend(id_of(1), Rank(2));  // a late word changes nothing
}

TEST_F(ObjectStoreTest, DeadReaderUnpinsWhatItWasLentAndNothingElse) {
  open({.bytes = 256 * kib});
  put(1, 10 * kib);
  put(2, 10 * kib);
  ASSERT_TRUE(store->lend(id_of(1), Rank(2)));
  ASSERT_TRUE(store->lend(id_of(2), Rank(2)));
  ASSERT_TRUE(store->lend(id_of(2), Rank(3)));
  EXPECT_EQ(store->usage().pinned_bytes, 20 * kib);
  store->unlend_all(Rank(2));
  EXPECT_EQ(store->usage().pinned_bytes, 10 * kib);
  store->unlend_all(Rank(3));
  EXPECT_EQ(store->usage().pinned_bytes, 0u);
}

TEST_F(ObjectStoreTest, ObjectRebuiltWhileLentKeepsBothUntilTheReaderIsDone) {
  open({.bytes = 256 * kib});
  put(1, 10 * kib);
  const auto old_position = store->lend(id_of(1), Rank(2));
  store->erase(id_of(1));
  put(1, 10 * kib);
  const auto new_position = store->lend(id_of(1), Rank(2));
  EXPECT_NE(old_position->offset, new_position->offset);
  store->unlend(id_of(1), Rank(2));
  EXPECT_EQ(store->usage().used_bytes, 20 * kib);
  store->unlend(id_of(1), Rank(2));
  EXPECT_EQ(store->usage().used_bytes, 10 * kib);
}

TEST_F(ObjectStoreTest, SecondaryCopiesAreEvictedOldestFirstBeforeAnythingIsSpilled) {
  open_with_disk(1024 * kib);
  for (std::uint64_t i = 1; i <= 4; ++i) put(i, 100 * kib, Copy::secondary);
  for (std::uint64_t i = 5; i <= 8; ++i) put(i, 100 * kib, Copy::primary);
  expect_readable(1, 100 * kib);  // used again: now 2 is the oldest
  put(9, 100 * kib);
  EXPECT_TRUE(store->contains(id_of(1)));
  EXPECT_FALSE(store->contains(id_of(2)));
  EXPECT_TRUE(store->contains(id_of(3)));
  EXPECT_EQ(store->usage().spills, 0u);
  EXPECT_EQ(store->usage().evictions, 1u);
}

TEST_F(ObjectStoreTest, PromotedCopyIsNotEvicted) {
  open_with_disk(1024 * kib);
  put(1, 100 * kib, Copy::secondary);
  EXPECT_TRUE(store->promote(id_of(1)));
  for (std::uint64_t i = 2; i <= 20; ++i) put(i, 100 * kib);
  EXPECT_EQ(store->usage().evictions, 0u);
  expect_readable(1, 100 * kib);
}

TEST_F(ObjectStoreTest, FullStoreWithoutDiskIsOutOfMemoryWithAdvice) {
  open({.bytes = 256 * kib});
  put(1, 200 * kib);
  const auto refused = store->create(100 * kib);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::out_of_memory);
  EXPECT_NE(refused.error().text.find("name a --ringray.spill_directory"), std::string::npos);
  expect_readable(1, 200 * kib);
  EXPECT_EQ(store->create(~std::size_t{0}).error().code, Errc::out_of_memory);
}

TEST_F(ObjectStoreTest, NothingIsCreatedAfterClose) {
  open_with_disk(256 * kib);
  auto late = *store->create(10 * kib);
  store->close();
  fill(late.bytes(), 1);
  const auto lease = store->seal(id_of(1), std::move(late), Copy::primary);
  EXPECT_TRUE(filled(lease.view(), 1));
  EXPECT_FALSE(store->contains(id_of(1)));
}

TEST_F(ObjectStoreTest, ThousandsOfSmallObjectsAreReadableAndGone) {
  open_with_disk(256 * kib);
  for (std::uint64_t i = 1; i <= 5000; ++i) put(i, i % 300);
  for (std::uint64_t i = 1; i <= 5000; ++i) expect_readable(i, i % 300);
  EXPECT_LT(files_below(scratch), 500u) << "small objects share files";
  for (std::uint64_t i = 1; i <= 5000; ++i) store->erase(id_of(i));
  EXPECT_EQ(files_below(scratch), 0u);
}

}  // namespace
}  // namespace ringray::store
