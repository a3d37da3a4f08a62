// Ownership: who keeps an object alive, and that nobody does for ever.

#include <optional>

#include "harness.hpp"
#include "ringray/runtime/core.hpp"

namespace conformance {
namespace {

using Numbers = std::vector<int>;
Numbers numbers(int count) { return Numbers(static_cast<std::size_t>(count), 7); }

template <class T>
owner::Owner::Counts count_of(const ObjectRef<T>& ref) {
  const auto id = near(ref).object;
  auto& core = runtime::core();
  return core.with([&] { return core.owner().counts(id).value_or(owner::Owner::Counts{}); });
}

struct Keeper {
  void keep(const std::vector<ObjectRef<Numbers>>& refs) { kept = refs; }
  std::size_t read() {
    std::size_t total = 0;
    for (const auto& ref : kept) total += get(ref).size();
    return total;
  }
  void drop() { kept.clear(); }
  std::vector<ObjectRef<Numbers>> kept;
};

TEST_F(Ray, C41_CountsEqualLiveReferencesAndPendingUses) {
  Gate gate(last_rank());
  const auto ref = put(Numbers{1, 2, 3});
  EXPECT_EQ(count_of(ref).handles, 1);
  const auto copy = ref;  // shares the handle of this rank
  EXPECT_EQ(count_of(ref).handles, 1);

  const auto size = [](int, const Numbers& values) { return values.size(); };
  std::vector<ObjectRef<std::size_t>> uses;
  const bool alone = ranks() == 1;
  for (int i = 0; i < 3; ++i) uses.push_back(submit({.placement = on_rank(last_rank())}, size, gate.ref(), ref));
  EXPECT_EQ(count_of(ref).handles, alone ? 1 : 4);  // each request to another rank pins what it needs
  gate.open();
  for (const auto n : get(uses)) EXPECT_EQ(n, 3u);
  EXPECT_TRUE(soon([&] { return count_of(ref).handles == 1 && count_of(ref).borrowers == 0; }));

  auto keeper = spawn<Keeper>({.placement = on_rank(last_rank())});
  get(keeper.call<&Keeper::keep>(std::vector{ref}));
  EXPECT_EQ(count_of(ref).borrowers, alone ? 0 : 1);
  get(keeper.call<&Keeper::drop>());
  EXPECT_TRUE(soon([&] { return count_of(ref).borrowers == 0; }));
}

TEST_F(Ray, C42_ObjectOfAPendingTaskOutlivesTheCallersReference) {
  for (const auto rank : {Rank{0}, last_rank()}) {
    Gate gate(last_rank());
    auto small = put(Numbers{1, 2, 3});
    auto large = put(numbers(100'000));
    auto made = submit({.placement = on_rank(last_rank())}, numbers, 100'000);
    const auto total = submit(
        {.placement = on_rank(rank)},
        [](int, const Numbers& a, const Numbers& b, ObjectRef<Numbers> c) {
          return a.size() + b.size() + get(c).size();
        },
        gate.ref(), small, large, made);
    small = large = made = {};
    for (int i = 0; i < 20; ++i) put(numbers(100'000));  // others come and go meanwhile
    gate.open();
    EXPECT_EQ(get(total), 200'003u);
  }
}

// Whoever lets go of the last reference waits for the baton, while its holder takes one from a message.
TEST_F(Ray, C42_ObjectStaysWhenAReferenceComesWhileItsLastLocalOneGoes) {
  auto& core = runtime::core();
  const auto again = [&](auto& ref) {
    using Ref = std::remove_cvref_t<decltype(ref)>;
    core.with([&] {
      const auto carried = core.carried(*runtime::Access::state(ref));
      for (int i = 0; i < 2; ++i) {
        ref = {};
        core.owner().acquire(carried);
        ref = runtime::Access::make<Ref>(core.adopt(carried));
      }
    });
  };
  auto ref = put(Numbers{1, 2, 3});
  for (int i = 0; i < 3; ++i) again(ref);
  EXPECT_EQ(get(ref), (Numbers{1, 2, 3}));
  EXPECT_EQ(count_of(ref).handles, 1);
  const auto there = submit(
      {.placement = on_rank(last_rank())}, [](const Numbers& n) { return n.size(); }, ref);
  again(ref);
  EXPECT_EQ(get(there), 3u);

  auto lent = submit({.placement = on_rank(last_rank())}, [] { return std::vector{put(Numbers{4})}; });
  auto borrowed = get(lent)[0];
  lent = {};
  again(borrowed);
  EXPECT_EQ(get(borrowed), Numbers{4});
  again(borrowed);
  EXPECT_EQ(get(borrowed), Numbers{4});
}

TEST_F(Ray, C43_BorrowerKeepsANestedReferenceAliveUntilItDropsOrDies) {
  const auto clean = counts_here();
  for (const auto rank : {Rank{0}, last_rank()}) {
    auto keeper = spawn<Keeper>({.placement = on_rank(rank)});
    for (int round = 0; round < 2; ++round) {
      auto lent = put(numbers(100'000));
      auto made = submit({.placement = on_rank(last_rank())}, numbers, 10);
      get(keeper.call<&Keeper::keep>(std::vector{lent, made}));
      lent = made = {};
      EXPECT_EQ(get(keeper.call<&Keeper::read>()), 100'010u);
      if (rank != Rank{0}) {
        EXPECT_GE(counts_here().owned, clean.owned + 2);
      }
      if (round == 0) get(keeper.call<&Keeper::drop>());
    }
    kill(keeper);
    keeper = {};
    EXPECT_TRUE(soon([&] { return counts_here() == clean; })) << counts_here().text();
  }
}

TEST_F(Ray, C43_ReferencesHandedFromBorrowerToBorrowerStayAlive) {
  auto first = spawn<Keeper>({.placement = on_rank(last_rank())});
  auto second = spawn<Keeper>({.placement = on_rank(Rank{ranks() / 2})});
  const auto forward = [](ActorHandle<Keeper> to, std::vector<ObjectRef<Numbers>> refs) {
    get(to.call<&Keeper::keep>(refs));
  };
  auto lent = put(numbers(1000));
  get(first.call<&Keeper::keep>(std::vector{lent}));
  get(submit({.placement = on_rank(last_rank())}, forward, second, std::vector{lent}));
  lent = {};
  get(first.call<&Keeper::drop>());
  EXPECT_EQ(get(second.call<&Keeper::read>()), 1000u);
}

struct Link {
  ObjectRef<Link> next;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(next);
  }
};

TEST_F(Ray, C46_AChainOfReferencesMayBeAsLongAsItLikes) {
  const auto drop_chain = [](int length) {
    auto chain = put(Link{});
    for (int i = 0; i < length; ++i) chain = put(Link{std::move(chain)});
    chain = {};
    return length;
  };
  EXPECT_EQ(get(submit(drop_chain, 100'000)), 100'000);
}

TEST_F(Ray, C46_TheTableOfOwnedObjectsShrinksWhenReferencesDie) {
  const auto clean = counts_here();
  {
    std::vector<ObjectRef<int>> chain{put(0)};
    for (int i = 0; i < 200; ++i)
      chain.push_back(submit(
          {.placement = on_rank(Rank{static_cast<std::uint32_t>(i) % ranks()})}, [](int before) { return before + 1; },
          chain.back()));
    EXPECT_EQ(get(chain.back()), 200);
    std::vector<ObjectRef<Numbers>> stored;
    for (int i = 0; i < 20; ++i) stored.push_back(submit({.placement = on_rank(last_rank())}, numbers, 50'000));
    for (const auto& value : get(stored)) EXPECT_EQ(value.size(), 50'000u);
    stored.resize(10);
    if (ranks() > 1) {
      EXPECT_TRUE(soon([&] { return counts_on(last_rank()).stored_bytes < 11 * 50'000 * sizeof(int); }));
    }
  }
  EXPECT_TRUE(soon([&] { return counts_here() == clean; })) << counts_here().text();
}

}  // namespace
}  // namespace conformance
