#include "ringray/base/recycled.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <thread>
#include <vector>

namespace ringray::base {
namespace {

TEST(Recycled, ObjectsDoNotOverlap) {
  std::vector<std::pair<unsigned char*, std::size_t>> taken;
  for (std::size_t i = 0; i < 2000; ++i) {
    const std::size_t bytes = 1 + i * 37 % 700;
    auto* memory = static_cast<unsigned char*>(take_memory(bytes));
    std::memset(memory, static_cast<int>(i % 251), bytes);
    taken.emplace_back(memory, bytes);
  }
  for (std::size_t i = 0; i < taken.size(); ++i) {
    const auto [memory, bytes] = taken[i];
    EXPECT_TRUE(std::all_of(memory, memory + bytes, [&](unsigned char byte) { return byte == i % 251; }));
    give_memory(memory, bytes);
  }
}

// What one thread makes and another destroys must come back, or the first would take new memory for ever.
TEST(Recycled, MemoryComesBackToTheThreadThatTakesIt) {
  constexpr std::size_t bytes = 192, count = 10'000;
  std::size_t idle_before = 0;
  for (int round = 0; round < 10; ++round) {
    std::vector<void*> taken(count);
    for (auto& memory : taken) memory = take_memory(bytes);
    std::thread([&] {
      for (auto* memory : taken) give_memory(memory, bytes);
    }).join();
    if (round == 0) idle_before = idle_memory();
  }
  EXPECT_EQ(idle_memory(), idle_before);
}

struct Aligned : Recycled {
  alignas(128) std::byte data[128];
};

TEST(Recycled, AlignmentOfATypeIsKept) {
  for (int i = 0; i < 10; ++i) {
    auto* one = new Aligned;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(one) % 128, 0u);
    delete one;
  }
}

}  // namespace
}  // namespace ringray::base
