// More objects than the memory for them: each rank has 8 MiB, and a folder for what does not fit.

#include "harness.hpp"
#include "ringray/runtime/core.hpp"

namespace conformance {
namespace {

using Block = Array<std::uint32_t, 1>;
constexpr std::size_t block_size = 256 * 1024;  // 1 MiB

Block block(std::uint32_t seed, std::size_t size) {
  Block made({size});
  for (std::size_t i = 0; i < size; ++i) made.data()[i] = seed + static_cast<std::uint32_t>(i);
  return made;
}
bool is_block(const Block& read, std::uint32_t seed) {
  for (std::size_t i = 0; i < read.size(); ++i)
    if (read.data()[i] != seed + static_cast<std::uint32_t>(i)) return false;
  return read.size() > 0;
}
store::Usage usage() { return runtime::core().store().usage(); }
TEST_F(Ray, C52_OverFillingSpillsEveryValueIsReadableAndFilesVanish) {
  constexpr std::uint32_t many = 32;
  {
    const auto used = put(block(1000, block_size));
    const Block& view = get(used);  // in use from here on
    std::vector<ObjectRef<Block>> refs;
    for (std::uint32_t i = 0; i < many; ++i)
      refs.push_back(i % 2 ? put(block(i, block_size))
                           : submit({.placement = on_rank(last_rank())}, block, i, block_size));
    for (std::uint32_t i = 0; i < many; ++i) EXPECT_TRUE(is_block(get(refs[i]), i)) << i;
    for (std::uint32_t i = 0; i < many; ++i)
      EXPECT_TRUE(get(submit({.placement = on_rank(last_rank())}, is_block, refs[i], i))) << i;
    EXPECT_GT(usage().spills, 0u);
    EXPECT_GT(usage().files, 0u);
    EXPECT_TRUE(is_block(view, 1000));
  }
  EXPECT_TRUE(soon([] { return usage().files == 0; }));
}

TEST_F(Ray, C53_ObjectLargerThanTheMemoryLivesOutsideIt) {
  for (const auto rank : {Rank{0}, last_rank()}) {
    const auto large = submit({.placement = on_rank(rank)}, block, 5u, 12 * block_size);
    EXPECT_TRUE(is_block(get(large), 5));
    EXPECT_TRUE(get(submit({.placement = on_rank(last_rank())}, is_block, large, 5u)));
  }
}

// Run with 4 MiB of disk as well.
TEST_F(Ray, C53_FullDiskIsAClearError) {
  std::vector<ObjectRef<Block>> refs;
  const auto fill = [&] {
    while (refs.size() < 64) refs.push_back(put(block(static_cast<std::uint32_t>(refs.size()), block_size)));
  };
  EXPECT_THROW(fill(), OutOfDiskError);
  EXPECT_GE(refs.size(), 8u);
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_TRUE(is_block(get(refs[i]), i));
  refs.clear();
  EXPECT_TRUE(soon([] { return usage().used_bytes == 0; }));
  EXPECT_TRUE(is_block(get(put(block(7, block_size))), 7));
}

}  // namespace
}  // namespace conformance
