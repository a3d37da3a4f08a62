#include "ringray/store/arena.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <set>
#include <thread>

#include "ringray/store/neighbours.hpp"

namespace ringray::store {
namespace {

std::set<std::string> shared_memory_names() {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm")) names.insert(entry.path().filename());
  return names;
}

/// A forked rank with an arena of its own. It answers to "end of input" by leaving.
class ForkedRank {
 public:
  ForkedRank() {
    EXPECT_EQ(::pipe2(to_child_, O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(from_child_, O_CLOEXEC), 0);
    pid_ = ::fork();
    if (pid_ == 0) run();
    ::close(to_child_[0]);
    ::close(from_child_[1]);
    EXPECT_EQ(::read(from_child_[0], &name, sizeof name), static_cast<ssize_t>(sizeof name));
  }
  ~ForkedRank() {
    end();
    ::close(from_child_[0]);
  }
  void end() {
    if (pid_ == 0) return;
    ::close(to_child_[1]);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  void kill() {
    ::kill(pid_, SIGKILL);
    end();
  }
  static constexpr std::size_t bytes = 1 << 20;
  static constexpr std::uint64_t text_offset = 4096;
  Arena::Name name;

 private:
  [[noreturn]] void run() {
    ::close(to_child_[1]);
    auto arena = Arena::create(bytes);
    if (!arena) ::_exit(1);
    std::memcpy((*arena)->at(text_offset), "hello neighbour", 16);
    const auto own = (*arena)->name();
    if (::write(from_child_[1], &own, sizeof own) != sizeof own) ::_exit(2);
    char byte;
    while (::read(to_child_[0], &byte, 1) > 0) {
    }
    ::_exit(0);
  }
  int to_child_[2], from_child_[2];
  pid_t pid_ = 0;
};

TEST(Arena, BytesAreWritableAlignedAndCounted) {
  auto arena = std::move(*Arena::create(1 << 20));
  EXPECT_EQ(arena->capacity(), std::size_t{1} << 20);
  const auto first = *arena->allocate(1000), second = *arena->allocate(1000);
  std::memset(arena->at(first), 1, 1000);
  std::memset(arena->at(second), 2, 1000);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(arena->at(second)) % 64, 0u);
  EXPECT_EQ(arena->at(first)[999], std::byte{1});
  EXPECT_EQ(arena->used(), 2048u);
  arena->free(first);
  arena->free(second);
  EXPECT_EQ(arena->used(), 0u);
}

TEST(Arena, FullArenaIsAnErrorWithTheSize) {
  auto arena = std::move(*Arena::create(1 << 20));
  const auto refused = arena->allocate(2 << 20);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::out_of_memory);
  EXPECT_NE(refused.error().text.find("2.0 MiB"), std::string::npos);
}

TEST(Arena, ReservesMoreThanItTouches) {
  auto arena = Arena::create(std::size_t{1} << 36);  // far more than the machine has
  ASSERT_TRUE(arena);
  (*arena)->at(*(*arena)->allocate(64))[0] = std::byte{1};
}

TEST(Neighbours, ReadTheBytesOfAnotherProcess) {
  ForkedRank rank;
  Neighbours neighbours;
  neighbours.add(Rank(3), rank.name);
  const auto lease = neighbours.view(Rank(3), ForkedRank::text_offset, 16);
  ASSERT_TRUE(lease) << lease.error().text;
  EXPECT_STREQ(reinterpret_cast<const char*>(lease->view().data()), "hello neighbour");
}

TEST(Neighbours, MapOnceHoweverManyViews) {
  ForkedRank rank;
  Neighbours neighbours;
  neighbours.add(Rank(3), rank.name);
  const auto one = neighbours.view(Rank(3), 0, 64), two = neighbours.view(Rank(3), 64, 64);
  EXPECT_EQ(one->view().data() + 64, two->view().data());
}

TEST(Neighbours, ViewsOutliveTheDeathAndTheDropOfTheHolder) {
  ForkedRank rank;
  Neighbours neighbours;
  neighbours.add(Rank(3), rank.name);
  const auto lease = neighbours.view(Rank(3), ForkedRank::text_offset, 16);
  ASSERT_TRUE(lease);
  rank.kill();
  neighbours.drop(Rank(3));
  EXPECT_FALSE(neighbours.knows(Rank(3)));
  EXPECT_STREQ(reinterpret_cast<const char*>(lease->view().data()), "hello neighbour");
}

TEST(Neighbours, AKilledHolderIsRankDied) {
  ForkedRank rank;
  rank.kill();
  Neighbours neighbours;
  neighbours.add(Rank(3), rank.name);
  const auto lease = neighbours.view(Rank(3), 0, 16);
  ASSERT_FALSE(lease);
  EXPECT_EQ(lease.error().code, Errc::rank_died);
}

TEST(Neighbours, ARecycledPidIsNotMistakenForTheHolder) {
  ForkedRank old_rank, new_rank;
  auto name = old_rank.name;
  name.pid = new_rank.name.pid;  // as if the kernel had given the old pid to the new process
  Neighbours neighbours;
  neighbours.add(Rank(3), name);
  const auto lease = neighbours.view(Rank(3), 0, 16);
  ASSERT_FALSE(lease);
  EXPECT_EQ(lease.error().code, Errc::rank_died);
}

TEST(Neighbours, PositionsOutsideOfTheArenaAreRefused) {
  ForkedRank rank;
  Neighbours neighbours;
  neighbours.add(Rank(3), rank.name);
  EXPECT_EQ(neighbours.view(Rank(3), ForkedRank::bytes, 1).error().code, Errc::corrupt_data);
  EXPECT_EQ(neighbours.view(Rank(3), 64, ~std::size_t{0}).error().code, Errc::corrupt_data);
  EXPECT_EQ(neighbours.view(Rank(3), ~std::uint64_t{0}, 64).error().code, Errc::corrupt_data);
  EXPECT_EQ(neighbours.view(Rank(4), 0, 1).error().code, Errc::rank_died);
}

TEST(Neighbours, FirstViewsFromManyThreadsShareOneMapping) {
  ForkedRank rank;
  Neighbours neighbours;
  neighbours.add(Rank(3), rank.name);
  const std::byte* seen[4] = {};
  {
    std::vector<std::jthread> threads;
    for (auto& start : seen) threads.emplace_back([&] { start = neighbours.view(Rank(3), 0, 64)->view().data(); });
  }
  for (const auto* start : seen) EXPECT_EQ(start, seen[0]);
}

TEST(Arena, KilledCreatorLeavesNothingInSharedMemory) {
  const auto before = shared_memory_names();
  ForkedRank rank;
  rank.kill();
  for (const auto& name : shared_memory_names()) EXPECT_TRUE(before.contains(name) || !name.starts_with("ringray"));
}

}  // namespace
}  // namespace ringray::store
