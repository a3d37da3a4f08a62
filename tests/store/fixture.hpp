#pragma once
// A store on a scratch folder that must be empty, unpinned and freed at the end of every test.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <string>

#include "ringray/store/object_store.hpp"

namespace ringray::store {

inline ObjectId id_of(std::uint64_t sequence) { return ObjectId{Rank(7), 1, sequence}; }

/// Fills with bytes that differ between objects and positions.
inline void fill(std::span<std::byte> bytes, std::uint64_t sequence) {
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(sequence * 131 + i * 7 + (i >> 8));
}
inline bool filled(wire::View bytes, std::uint64_t sequence) {
  for (std::size_t i = 0; i < bytes.size(); ++i)
    if (bytes[i] != static_cast<std::byte>(sequence * 131 + i * 7 + (i >> 8))) return false;
  return true;
}

inline std::size_t files_below(const std::string& folder) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) files += entry.is_regular_file();
  return files;
}

class StoreTest : public testing::Test {
 protected:
  static constexpr std::size_t kib = 1024;

  StoreTest() {
    char path[] = "/tmp/ringray-test-XXXXXX";
    scratch = ::mkdtemp(path);
  }
  ~StoreTest() override {
    if (store) {
      EXPECT_EQ(store->usage().pinned_bytes, 0u);
      const auto arena = std::weak_ptr(store);
      store->close();
      EXPECT_EQ(store->usage().used_bytes, 0u);
      EXPECT_EQ(store->usage().spilled_bytes, 0u);
      EXPECT_EQ(store->usage().objects, 0u);
      store.reset();
      EXPECT_TRUE(arena.expired());
    }
    EXPECT_TRUE(std::filesystem::is_empty(scratch)) << "something stayed in the spill directory";
    std::filesystem::remove_all(scratch);
  }

  void open(ObjectStore::Options options) {
    auto opened = ObjectStore::open(std::move(options));
    ASSERT_TRUE(opened) << opened.error().text;
    store = std::move(*opened);
  }
  void open_with_disk(std::size_t bytes) { open({.bytes = bytes, .spill_directory = scratch}); }

  [[nodiscard]] wire::Lease put_and_lease(std::uint64_t sequence, std::size_t bytes, Copy copy = Copy::primary) {
    auto buffer = store->create(bytes);
    if (!buffer) {
      ADD_FAILURE() << buffer.error().text;
      return {};
    }
    fill(buffer->bytes(), sequence);
    return store->seal(id_of(sequence), std::move(*buffer), copy);
  }
  void put(std::uint64_t sequence, std::size_t bytes, Copy copy = Copy::primary) {
    const auto dropped = put_and_lease(sequence, bytes, copy);
  }
  void expect_readable(std::uint64_t sequence, std::size_t bytes) {
    const auto lease = store->lease(id_of(sequence));
    ASSERT_TRUE(lease) << sequence << ": " << lease.error().text;
    EXPECT_EQ(lease->size(), bytes);
    EXPECT_TRUE(filled(lease->view(), sequence)) << sequence;
  }

  std::string scratch;
  std::shared_ptr<ObjectStore> store;
};

}  // namespace ringray::store
