// Named actors.

#include "actors.hpp"

namespace conformance {

bool namesake_finds(const std::string& name);  // namesake.cpp

namespace {

struct Namesake {
  int value() { return 4; }
};

TEST_F(Ray, C37_AClassOfAnotherSourceFileIsAnotherClassThoughItsNameIsTheSame) {
  for_each_home([](Rank home) {
    const auto name = unique("namesake");
    auto mine = spawn<Namesake>({.name = name, .placement = on_rank(home)});
    EXPECT_EQ(get(get_actor<Namesake>(name).call<&Namesake::value>()), 4);
    EXPECT_FALSE(namesake_finds(name));
  });
}

struct Counted {
  explicit Counted(ActorHandle<Witness> witness) { witness.send<&Witness::note>("made"); }
  int add(int k) { return value += k; }
  int value = 0;
};

int get_or_create(ActorHandle<Witness> witness, std::string name, std::uint32_t home) {
  auto actor = spawn<Counted>({.name = name, .get_if_exists = true, .placement = on_rank(Rank{home})}, witness);
  return get(actor.call<&Counted::add>(1));
}

TEST_F(Ray, C37_ANameIsUniqueInItsNamespaceAndGetOrCreateIsAtomic) {
  for_each_home([](Rank home) {
    auto witness = spawn<Witness>();
    const auto same = unique("same"), single = unique("single");
    auto here = spawn<Counted>({.name = same, .placement = on_rank(home)}, witness);
    EXPECT_EQ(get(get_actor<Counted>(same).call<&Counted::add>(1)), 1);
    EXPECT_THROW(get_actor<Counted>(same, "elsewhere"), ActorDiedError);
    EXPECT_THROW(spawn<Counted>({.name = same}, witness), NameTakenError);
    auto there = spawn<Counted>({.name = same, .name_space = "elsewhere", .placement = on_rank(home)}, witness);
    EXPECT_EQ(get(get_actor<Counted>(same, "elsewhere").call<&Counted::add>(10)), 10);
    EXPECT_EQ(get(get_actor<Counted>(same).call<&Counted::add>(1)), 2);
    EXPECT_TRUE(soon([&] { return noted(witness, "made") == 2; }));

    constexpr int tasks = 40;
    auto kept = spawn<Counted>({.name = single, .get_if_exists = true, .placement = on_rank(home)}, witness);
    std::vector<ObjectRef<int>> calls;
    for (std::uint32_t i = 0; i < tasks; ++i)
      calls.push_back(submit({.placement = on_rank(Rank{i % ranks()})}, get_or_create, witness, single, home.value));
    auto seen = get(calls);
    std::sort(seen.begin(), seen.end());
    for (int i = 0; i < tasks; ++i) EXPECT_EQ(seen[i], i + 1);
    EXPECT_EQ(noted(witness, "made"), 3);
  });
}

int race(ActorHandle<Witness> witness, ObjectRef<int> gate) {
  static_cast<void>(get(gate));
  auto actor = spawn<Counted>({.name = "raced", .get_if_exists = true, .detached = true}, witness);
  return get(actor.call<&Counted::add>(1));
}

TEST_F(Ray, C37_OfManyWhoCreateTheSameNameAtOnceOneDoes) {
  auto witness = spawn<Witness>();
  Door gate;
  std::vector<ObjectRef<int>> calls;
  for (std::uint32_t i = 0; i < 24; ++i)
    calls.push_back(submit({.placement = on_rank(Rank{i % ranks()})}, race, witness, gate.ref()));
  gate.open();
  auto seen = get(calls);
  std::sort(seen.begin(), seen.end());
  for (int i = 0; i < 24; ++i) EXPECT_EQ(seen[i], i + 1);
  EXPECT_EQ(noted(witness, "made"), 1);
  kill(get_actor<Counted>("raced"));
}

}  // namespace
}  // namespace conformance
