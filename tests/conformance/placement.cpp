// Where tasks go that name no place. Each rank has 4 cpus and reads no other rank's arena, as on 3 hosts.

#include "harness.hpp"
#include "ringray/runtime/core.hpp"

namespace conformance {
namespace {

using Block = Array<std::uint32_t, 1>;
constexpr std::size_t large = 100'000, larger = 300'000;

Block block(std::size_t size) { return Block({size}); }
Rank where_first(const Block&) { return this_rank(); }
Rank where_both(const Block&, const Block&) { return this_rank(); }
TaskOptions on(Rank rank) { return {.placement = on_rank(rank)}; }

struct Started {
  void add() { ++count; }
  int read() { return count; }
  int count = 0;
};
Rank hold(ActorHandle<Started> started) {
  get(started.call<&Started::add>());
  until_opened();
  return this_rank();
}

TEST_F(Ray, C56_PacksHereToHalfThenTheNextThenTheLeastLoaded) {
  auto started = spawn<Started>();
  std::vector<ObjectRef<Rank>> held;
  for (std::uint32_t i = 0; i < 4 * ranks(); ++i) {
    held.push_back(submit({.resources = {.cpus = 1}}, hold, started));
    ASSERT_TRUE(soon([&] { return get(started.call<&Started::read>()) == static_cast<int>(held.size()); }));
  }
  for (const auto& one : held) cancel(one);
  const auto places = get(held);
  std::vector<Rank> expected;
  for (std::uint32_t r = 0; r < ranks(); ++r) expected.insert(expected.end(), 2, Rank{r});
  EXPECT_EQ(std::vector(places.begin(), places.begin() + 2 * ranks()), expected);
  for (std::uint32_t r = 0; r < ranks(); ++r) EXPECT_EQ(std::count(places.begin(), places.end(), Rank{r}), 4) << r;
}

TEST_F(Ray, C01_MakerReadsWhatItMadeForItsOwner) {
  const Gate gate(last_rank());
  const auto made = submit(
      on(last_rank()), [](int) { return block(large); }, gate.ref());
  const auto read = submit(on(last_rank()), where_first, made);  // asks the owner before the value exists
  EXPECT_THROW(get(read, 20ms), GetTimeoutError);
  cancel(gate.ref());
  EXPECT_EQ(get(read), last_rank());
  EXPECT_EQ(get(made).size(), large) << "still at its maker";
  EXPECT_EQ(get(submit(on(last_rank()), where_first, made)), last_rank());
}

TEST_F(Ray, C56_SpreadIgnoresWhereArgumentsAre) {
  const auto there = submit(on(last_rank()), block, large);
  std::vector<std::uint32_t> times(ranks());
  for (std::uint32_t i = 0; i < 3 * ranks(); ++i)
    ++times[get(submit({.placement = spread()}, where_first, there)).value];
  EXPECT_EQ(times, std::vector<std::uint32_t>(ranks(), 3));
}

TEST_F(Ray, C56_GoesWhereMostArgumentBytesAre) {
  const Rank middle{ranks() / 2};
  const auto first = submit(on(middle), block, large), second = submit(on(last_rank()), block, larger);
  EXPECT_EQ(get(submit(where_first, first)), middle);
  EXPECT_EQ(get(submit(where_both, first, second)), last_rank());
  EXPECT_EQ(get(submit(where_both, second, first)), last_rank());
  EXPECT_EQ(get(submit({.resources = {.cpus = 1}}, where_first, first)), middle);
  const auto small = submit(on(last_rank()), block, std::size_t{1000});
  EXPECT_EQ(get(submit(where_first, small)), this_rank()) << "cheaper to bring it here";
  const auto here = put(block(larger));
  EXPECT_EQ(get(submit(where_both, first, here)), this_rank());
}

TEST_F(Ray, C56_FollowsBorrowedArguments) {
  const Rank middle{ranks() / 2};
  const auto owned_here = submit(on(last_rank()), block, large);
  const auto follow = [](std::vector<ObjectRef<Block>> refs) { return get(submit(where_first, refs[0])); };
  EXPECT_EQ(get(submit(on(middle), follow, std::vector{owned_here})), last_rank());
  const auto put_here = put(block(large));
  EXPECT_EQ(get(submit(on(middle), follow, std::vector{put_here})), Rank{0});
  const auto unfinished = submit(on(last_rank()), [] {
    for (int i = 0; i < 1000; ++i) this_task::yield();
    return block(large);
  });
  EXPECT_EQ(get(submit(on(middle), follow, std::vector{unfinished})), last_rank());
}

TEST_F(Ray, C56_FollowsSpilledArguments) {
  const auto fill = [] {
    std::vector<ObjectRef<Block>> refs;
    for (int i = 0; i < 40; ++i) refs.push_back(put(block(larger)));
    if (runtime::core().store().usage().spills == 0) throw std::runtime_error("nothing was spilled");
    return refs;
  };
  const auto refs = get(submit(on(last_rank()), fill));
  for (const auto& ref : {refs.front(), refs.back()}) EXPECT_EQ(get(submit(where_first, ref)), last_rank());
}

/// Sums both, after letting others run while it holds them.
std::uint64_t sum(const Block& a, const Block& b) {
  for (int i = 0; i < 20; ++i) this_task::yield();
  return a.data()[0] + b.data()[b.size() - 1];
}

// 8 MB of arguments each for 10 tasks on a rank with memory for 32 MiB, pulled from two others.
TEST_F(Ray, ArgumentsArePulledAllTogetherAndNoMoreThanThereIsRoomFor) {
  const auto make = [](std::uint32_t value) {
    Block made({1'000'000});
    std::fill(made.data(), made.data() + made.size(), value);
    return made;
  };
  std::vector<ObjectRef<std::uint64_t>> sums;
  for (std::uint32_t i = 0; i < 10; ++i) {
    const auto a = submit(on(Rank{ranks() / 2}), make, i), b = submit(on(last_rank()), make, 100u);
    sums.push_back(submit(on(Rank{0}), sum, a, b));
  }
  for (std::uint32_t i = 0; i < 10; ++i) EXPECT_EQ(get(sums[i]), i + 100) << i;
  EXPECT_EQ(runtime::core().store().usage().fallbacks, 0u) << "more was pulled than there is memory for";
}

std::uint64_t first_of(const Block& block) { return block.data()[0]; }
/// Holds one argument while it waits for a task that needs as much again.
std::uint64_t nested(const Block& mine, std::vector<ObjectRef<Block>> other) {
  return mine.data()[0] + get(submit(on(this_rank()), first_of, other[0]));
}

TEST_F(Ray, TaskThatHoldsItsArgumentsMayWaitForOneThatNeedsAsMuch) {
  const auto make = [] {
    Block made({5'000'000});  // 20 MB of 32 MiB
    made.data()[0] = 1;
    return made;
  };
  const auto a = submit(on(last_rank()), make), b = submit(on(last_rank()), make);
  EXPECT_EQ(get(submit(on(Rank{0}), nested, a, std::vector{b})), 2u);
}

TEST_F(Ray, C20_CancelledTaskGivesUpThePullsThatItWaitsFor) {
  const auto make = [] { return Block({5'000'000}); };
  std::vector<ObjectRef<std::uint64_t>> readers;
  for (int i = 0; i < 6; ++i) readers.push_back(submit(on(Rank{0}), first_of, submit(on(last_rank()), make)));
  for (const auto& one : readers) cancel(one);
  for (const auto& one : readers) {
    try {
      get(one);
    } catch (const TaskCancelledError&) {
    }
  }
}

}  // namespace
}  // namespace conformance
