#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "fixture.hpp"
#include "ringray/store/disk_waits.hpp"
#include "ringray/store/stale_folders.hpp"

namespace ringray::store {
namespace {

class SpillTest : public StoreTest {
 protected:
  /// The regular files of this test's store.
  std::vector<std::filesystem::path> files() {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(scratch))
      if (entry.is_regular_file()) found.push_back(entry.path());
    return found;
  }
};

TEST_F(SpillTest, OverfilledStoreKeepsEveryValueReadable) {
  open_with_disk(512 * kib);
  for (std::uint64_t i = 1; i <= 40; ++i) put(i, 50 * kib);
  EXPECT_GT(store->usage().spilled_bytes, 1000 * kib);
  for (int round = 0; round < 2; ++round)
    for (std::uint64_t i = 1; i <= 40; ++i) expect_readable(i, 50 * kib);
  EXPECT_GT(store->usage().restores, 40u);
}

TEST_F(SpillTest, FilesVanishWhenTheirObjectsAreErased) {
  open_with_disk(512 * kib);
  for (std::uint64_t i = 1; i <= 40; ++i) put(i, 50 * kib);
  EXPECT_GT(files_below(scratch), 0u);
  EXPECT_EQ(files_below(scratch), store->usage().files);
  for (std::uint64_t i = 1; i <= 40; ++i) store->erase(id_of(i));
  EXPECT_EQ(files_below(scratch), 0u);
  EXPECT_EQ(store->usage().disk_bytes, 0u);
  EXPECT_EQ(store->usage().used_bytes, 0u);
}

TEST_F(SpillTest, FilesOfObjectsThatAreErasedUnderTheBatonAreRemovedWithoutIt) {
  open_with_disk(512 * kib);
  for (std::uint64_t i = 1; i <= 40; ++i) put(i, 50 * kib);
  const auto count = files_below(scratch);
  ASSERT_GT(count, 1u);
  EXPECT_FALSE(store->untidy());
  may_wait_for_disk = false;
  for (std::uint64_t i = 1; i <= 40; ++i) store->erase(id_of(i));
  EXPECT_EQ(files_below(scratch), count);
  EXPECT_GT(store->usage().disk_bytes, 0u);
  may_wait_for_disk = true;
  EXPECT_TRUE(store->untidy());
  store->tidy();
  EXPECT_EQ(files_below(scratch), 0u);
  EXPECT_EQ(store->usage().disk_bytes, 0u);
  EXPECT_FALSE(store->untidy());
}

TEST_F(SpillTest, PinnedObjectsStayInMemory) {
  open_with_disk(512 * kib);
  const auto lease = put_and_lease(1, 50 * kib);
  put(2, 50 * kib);
  const auto position = store->lend(id_of(2), Rank(1));
  for (std::uint64_t i = 3; i <= 40; ++i) put(i, 50 * kib);
  EXPECT_TRUE(store->resident(id_of(1)));
  EXPECT_TRUE(store->resident(id_of(2)));
  EXPECT_FALSE(store->resident(id_of(3)));
  EXPECT_TRUE(filled(lease.view(), 1));
  EXPECT_TRUE(filled({store->arena().at(position->offset), position->bytes}, 2));
  store->unlend(id_of(2), Rank(1));
}

TEST_F(SpillTest, LendingASpilledObjectBringsItBackIntoTheArena) {
  open_with_disk(512 * kib);
  for (std::uint64_t i = 1; i <= 40; ++i) put(i, 50 * kib);
  ASSERT_FALSE(store->resident(id_of(1)));
  const auto position = store->lend(id_of(1), Rank(1));
  ASSERT_TRUE(position);
  ASSERT_NE(position->offset, ObjectStore::Position::outside);
  EXPECT_TRUE(filled({store->arena().at(position->offset), position->bytes}, 1));
  store->unlend(id_of(1), Rank(1));
}

TEST_F(SpillTest, ObjectThatWasReadBackLeavesAgainWithoutWriting) {
  open_with_disk(512 * kib);
  for (std::uint64_t i = 1; i <= 20; ++i) put(i, 50 * kib);
  for (int round = 0; round < 3; ++round)
    for (std::uint64_t i = 1; i <= 20; ++i) expect_readable(i, 50 * kib);
  EXPECT_LE(store->usage().spills, 20u);
}

TEST_F(SpillTest, BlockOfTheDiskIsUsedWhenEverythingInTheArenaIsPinned) {
  open_with_disk(512 * kib);
  const auto pinned = put_and_lease(1, 500 * kib);
  put(2, 100 * kib);  // has no place in the arena
  EXPECT_EQ(store->usage().fallbacks, 1u);
  expect_readable(2, 100 * kib);
  EXPECT_EQ(store->lend(id_of(2), Rank(1))->offset, ObjectStore::Position::outside);
  EXPECT_EQ(files_below(scratch), 0u) << "the block has no name, so that kill -9 leaves nothing";
  EXPECT_EQ(store->usage().disk_bytes, 100 * kib);
  store->erase(id_of(2));
  EXPECT_EQ(store->usage().disk_bytes, 0u);
}

TEST_F(SpillTest, ObjectLargerThanTheArenaIsAnObject) {
  open_with_disk(512 * kib);
  put(1, 2000 * kib);
  expect_readable(1, 2000 * kib);
}

TEST_F(SpillTest, SpilledObjectIsReadInPlaceWhenTheArenaIsPinned) {
  open_with_disk(512 * kib);
  for (std::uint64_t i = 1; i <= 20; ++i) put(i, 50 * kib);
  std::vector<wire::Lease> leases;
  for (std::uint64_t i = 1; i <= 20; ++i) {
    leases.push_back(*store->lease(id_of(i)));
    EXPECT_TRUE(filled(leases.back().view(), i));
  }
  EXPECT_EQ(store->usage().pinned_bytes, 1000 * kib);
  const auto lent = store->lend(id_of(20), Rank(1));
  EXPECT_EQ(lent->offset, ObjectStore::Position::outside);
  store->erase(id_of(20));
  EXPECT_TRUE(filled(leases.back().view(), 20));
}

TEST_F(SpillTest, AllowanceUsedUpIsOutOfDiskAndNothingIsLost) {
  open({.bytes = 512 * kib, .spill_directory = scratch, .spill_bytes_max = 256 * kib});
  std::uint64_t last = 0;
  Failure refusal;
  for (std::uint64_t i = 1; i <= 40 && last == 0; ++i) {
    auto buffer = store->create(50 * kib);
    if (!buffer) {
      last = i - 1;
      refusal = buffer.error();
      break;
    }
    fill(buffer->bytes(), i);
    store->seal(id_of(i), std::move(*buffer), Copy::primary);
  }
  ASSERT_GE(last, 10u);
  EXPECT_EQ(refusal.code, Errc::out_of_disk);
  EXPECT_NE(refusal.text.find(scratch), std::string::npos) << refusal.text;
  EXPECT_NE(refusal.text.find("another --ringray.spill_directory"), std::string::npos) << refusal.text;
  EXPECT_LE(store->usage().disk_bytes, 256 * kib);
  for (std::uint64_t i = 1; i <= last; ++i) expect_readable(i, 50 * kib);
  for (std::uint64_t i = 1; i <= 3; ++i) store->erase(id_of(i));
  put(100, 50 * kib);
}

TEST_F(SpillTest, FullDiskIsOutOfDiskLeavesNoPartAndLosesNothing) {
  const auto disk = scratch + "/disk";
  std::filesystem::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=1m") != 0) {
    std::filesystem::remove(disk);
    GTEST_SKIP() << "cannot mount a small tmpfs: " << std::strerror(errno);
  }
  open({.bytes = 512 * kib, .spill_directory = disk});
  std::uint64_t last = 0;
  Failure refusal;
  for (std::uint64_t i = 1; i <= 100 && last == 0; ++i) {
    auto buffer = store->create(50 * kib);
    if (buffer) {
      fill(buffer->bytes(), i);
      store->seal(id_of(i), std::move(*buffer), Copy::primary);
    } else {
      last = i - 1;
      refusal = buffer.error();
    }
  }
  EXPECT_GE(last, 20u);
  EXPECT_EQ(refusal.code, Errc::out_of_disk);
  EXPECT_NE(refusal.text.find("No space left on device"), std::string::npos) << refusal.text;
  for (const auto& file : files()) EXPECT_NE(file.extension(), ".part");
  for (std::uint64_t i = 1; i <= last; ++i) expect_readable(i, 50 * kib);
  store->close();
  store.reset();
  EXPECT_TRUE(std::filesystem::is_empty(disk));
  EXPECT_EQ(::umount(disk.c_str()), 0);
  std::filesystem::remove(disk);
}

TEST_F(SpillTest, VanishedFileIsObjectLostForItsObjectsOnly) {
  open_with_disk(512 * kib);
  for (std::uint64_t i = 1; i <= 20; ++i) put(i, 50 * kib);
  for (const auto& file : files()) std::filesystem::remove(file);
  std::vector<bool> was_in_memory{false};
  for (std::uint64_t i = 1; i <= 20; ++i) was_in_memory.push_back(store->resident(id_of(i)));
  int lost = 0;
  for (std::uint64_t i = 1; i <= 20; ++i) {
    const auto lease = store->lease(id_of(i));
    EXPECT_EQ(lease.has_value(), was_in_memory[i]);
    if (lease) continue;
    ++lost;
    EXPECT_EQ(lease.error().code, Errc::object_lost);
    EXPECT_FALSE(store->contains(id_of(i)));
  }
  EXPECT_GT(lost, 5);
}

TEST_F(SpillTest, ShortenedFileIsObjectLost) {
  open_with_disk(512 * kib);
  for (std::uint64_t i = 1; i <= 20; ++i) put(i, 50 * kib);
  for (const auto& file : files()) std::filesystem::resize_file(file, 100);
  EXPECT_EQ(store->lease(id_of(1)).error().code, Errc::object_lost);
}

TEST_F(SpillTest, UnwritableDirectoryIsAConfigErrorAtTheStart) {
  std::ofstream(scratch + "/file").put('x');
  const auto opened = ObjectStore::open({.bytes = 512 * kib, .spill_directory = scratch + "/file"});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::config);
  std::filesystem::remove(scratch + "/file");
}

TEST_F(SpillTest, TheDirectoryIsMadeButNotItsParents) {
  const auto refused = ObjectStore::open({.bytes = 512 * kib, .spill_directory = scratch + "/none/spill"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::config);
  EXPECT_EQ(refused.error().text, "--ringray.spill_directory: '" + scratch +
                                      "/none/spill' cannot be written in: No such file or directory (a full object "
                                      "store could not make room); accepted: a writable folder, or a new one in an "
                                      "existing folder");
  EXPECT_FALSE(std::filesystem::exists(scratch + "/none"));
  const auto opened = ObjectStore::open({.bytes = 512 * kib, .spill_directory = scratch + "/spill"});
  EXPECT_TRUE(opened);
  EXPECT_TRUE(std::filesystem::remove(scratch + "/spill"));
}

TEST_F(SpillTest, FilesOfAKilledRankVanishAtTheNextStart) {
  const auto child = ::fork();
  if (child == 0) {
    open_with_disk(512 * kib);
    for (std::uint64_t i = 1; i <= 20; ++i) put(i, 50 * kib);
    ::_exit(::kill(::getpid(), SIGKILL));
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_GT(files_below(scratch), 0u);
  open_with_disk(512 * kib);
  EXPECT_TRUE(std::filesystem::is_empty(scratch));
}

TEST_F(SpillTest, FoldersOfTheLivingAndOfStrangersAreLeftAlone) {
  open_with_disk(512 * kib);
  for (std::uint64_t i = 1; i <= 20; ++i) put(i, 50 * kib);
  const std::string strangers[] = {"/ringray-otherhost-1-999999-1-1", "/ringray-notes", "/precious"};
  for (const auto& name : strangers) std::filesystem::create_directory(scratch + name);
  remove_stale_folders(scratch);
  for (std::uint64_t i = 1; i <= 20; ++i) expect_readable(i, 50 * kib);
  for (const auto& name : strangers) EXPECT_TRUE(std::filesystem::remove(scratch + name)) << name;
}

TEST_F(SpillTest, StoresOfOneProcessDoNotDisturbEachOther) {
  open_with_disk(512 * kib);
  for (std::uint64_t i = 1; i <= 20; ++i) put(i, 50 * kib);
  {
    const auto other = *ObjectStore::open({.bytes = 512 * kib, .spill_directory = scratch});
    for (std::uint64_t i = 1; i <= 20; ++i) {
      auto buffer = *other->create(50 * kib);
      fill(buffer.bytes(), i + 100);
      other->seal(id_of(i), std::move(buffer), Copy::primary);
    }
    for (std::uint64_t i = 1; i <= 20; ++i) EXPECT_TRUE(filled(other->lease(id_of(i))->view(), i + 100));
  }
  for (std::uint64_t i = 1; i <= 20; ++i) expect_readable(i, 50 * kib);
}

}  // namespace
}  // namespace ringray::store
