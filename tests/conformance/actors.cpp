// Calls of actors: order, concurrency, failures, handles.

#include "actors.hpp"

#include <atomic>

namespace conformance {
namespace {

struct Journal {
  int add(int entry) {
    entries.push_back(entry);
    return entry;
  }
  std::vector<int> all() const { return entries; }
  std::vector<int> entries;
};
int add_from_a_task(ActorHandle<Journal> journal, int entry) { return get(journal.call<&Journal::add>(entry)); }

TEST_F(Ray, C24_CallsOfOneCallerRunInOrderEvenIfAnEarlyOneWaits) {
  for_each_home([](Rank home) {
    for (const auto other : {home, last_rank(), Rank{0}}) {
      Door gate(other);
      auto journal = spawn<Journal>({.placement = on_rank(home)});
      const auto first = journal.call<&Journal::add>(gate.ref());
      const auto second = journal.call<&Journal::add>(2);
      EXPECT_EQ(get(submit({.placement = on_rank(other)}, add_from_a_task, journal, 3)),
                3);  // another caller overtakes
      EXPECT_TRUE(pending(first));
      EXPECT_TRUE(pending(second));
      gate.open();
      EXPECT_EQ(get(first), 1);
      EXPECT_EQ(get(second), 2);
      EXPECT_EQ(get(journal.call<&Journal::all>()), (std::vector<int>{3, 1, 2}));
    }
    auto journal = spawn<Journal>({.placement = on_rank(home)});
    std::vector<int> expected;
    for (int i = 0; i < 500; ++i) {
      expected.push_back(i);
      if (i % 2 == 0)
        journal.send<&Journal::add>(i);
      else
        static_cast<void>(journal.call<&Journal::add>(i));
    }
    EXPECT_EQ(get(journal.call<&Journal::all>()), expected);
  });
}

TEST_F(Ray, C24_AnAcceptedCallRunsAlthoughTheLastHandleIsGone) {
  for_each_home([](Rank home) {
    Door gate(home);
    auto witness = spawn<Witness>();
    ObjectRef<int> waits, awaits;
    {
      auto mortal = spawn<Mortal>({.placement = on_rank(home)}, witness);
      waits = mortal.call<&Mortal::add>(gate.ref());
      auto other = spawn<Mortal>({.placement = on_rank(home)}, witness);
      awaits = other.call<&Mortal::await>(gate.ref(), 5);
    }
    EXPECT_EQ(noted(witness, "mortal stopped"), 0);
    gate.open();
    EXPECT_EQ(get(waits), 1);
    EXPECT_EQ(get(awaits), 5);
    EXPECT_TRUE(soon([&] { return noted(witness, "mortal destroyed") == 2; }));
    EXPECT_EQ(noted(witness, "mortal stopped"), 2);
  });
}

/// Counts who is inside at the same time.
struct Crowd {
  int enter(ObjectRef<int> gate) {
    const int now = ++inside;
    static_cast<void>(get(gate));
    --inside;
    return now;
  }
  int count() const { return inside; }
  std::vector<int> order;
  int append(int k) {
    order.push_back(k);
    return k;
  }
  std::vector<int> appended() const { return order; }
  std::atomic<int> inside{0};
};

TEST_F(Ray, C26_MaxConcurrencyAdmitsThatManyCallsAndTheNextWaits) {
  for_each_home([](Rank home) {
    Door gate;
    auto crowd =
        spawn<Crowd>({.placement = on_rank(home), .max_concurrency = 3, .concurrency_groups = {{.name = "look"}}});
    std::vector<ObjectRef<int>> visits;
    for (int i = 0; i < 5; ++i) visits.push_back(crowd.call<&Crowd::enter>(gate.ref()));
    const auto look = crowd.group("look");
    EXPECT_TRUE(soon([&] { return get(look.call<&Crowd::count>()) == 3; }));
    for (int i = 0; i < 20; ++i) EXPECT_EQ(get(look.call<&Crowd::count>()), 3);
    for (const auto& visit : visits) EXPECT_TRUE(pending(visit));
    gate.open();
    for (const auto most : get(visits)) EXPECT_LE(most, 3);
    EXPECT_EQ(get(look.call<&Crowd::count>()), 0);
  });
}

TEST_F(Ray, C27_ABlockedConcurrencyGroupDoesNotBlockOthersAndOrderIsPerGroup) {
  for_each_home([](Rank home) {
    Door gate;
    auto crowd = spawn<Crowd>({.placement = on_rank(home), .concurrency_groups = {{.name = "io"}, {.name = "math"}}});
    const auto io = crowd.group("io"), math = crowd.group("math");
    const auto blocked = io.call<&Crowd::enter>(gate.ref());
    const auto behind = io.call<&Crowd::count>();
    std::vector<int> expected;
    for (int i = 0; i < 50; ++i) {
      expected.push_back(i);
      math.send<&Crowd::append>(i);
    }
    EXPECT_EQ(get(math.call<&Crowd::appended>()), expected);
    EXPECT_EQ(get(crowd.call<&Crowd::appended>()), expected);  // outside of groups
    EXPECT_TRUE(pending(blocked));
    EXPECT_TRUE(pending(behind));
    EXPECT_THROW(get(crowd.group("no such").call<&Crowd::count>()), ConfigError);
    gate.open();
    EXPECT_EQ(get(blocked), 1);
    EXPECT_EQ(get(behind), 0);
  });
}

struct Broken {
  explicit Broken(int) { throw std::runtime_error("the instrument is not plugged in"); }
  int use() { return 1; }
};

TEST_F(Ray, C28_AfterAFailedConstructorEveryCallThrowsWithTheCause) {
  for_each_home([](Rank home) {
    auto broken = spawn<Broken>({.placement = on_rank(home)}, 1);
    for (int i = 0; i < 3; ++i) {
      const auto text = error_of<ActorDiedError>(broken.call<&Broken::use>());
      EXPECT_NE(text.find("the instrument is not plugged in"), text.npos) << text;
    }
    EXPECT_THROW(broken.wait(), ActorDiedError);
    const auto text = get(submit(
        {.placement = on_rank(last_rank())},
        [](ActorHandle<Broken> actor) { return error_of<ActorDiedError>(actor.call<&Broken::use>()); }, broken));
    EXPECT_NE(text.find("the instrument is not plugged in"), text.npos) << text;
  });
}

ActorHandle<Mortal> pass_on(ActorHandle<Mortal> mortal) { return mortal; }
ActorHandle<Mortal> make(ActorHandle<Witness> witness, std::string name) {
  return spawn<Mortal>({}, std::move(witness), std::move(name));
}
int use(ActorHandle<Mortal> mortal, int k) { return get(mortal.call<&Mortal::add>(k)); }
struct Box {
  void keep(ActorHandle<Mortal> h) { handle = std::move(h); }
  int use(int k) { return get(handle.call<&Mortal::add>(k)); }
  void drop() { handle = {}; }
  ActorHandle<Mortal> handle;
};

TEST_F(Ray, C36_AHandleThatIsPassedAndReturnedIsUsableAndCounted) {
  for_each_home([](Rank home) {
    auto witness = spawn<Witness>();
    auto box = spawn<Box>({.placement = on_rank(last_rank())});
    {
      auto mortal = spawn<Mortal>({.placement = on_rank(home)}, witness);
      EXPECT_EQ(get(submit({.placement = on_rank(last_rank())}, use, mortal, 1)), 1);
      auto back = get(submit({.placement = on_rank(last_rank())}, pass_on, mortal));
      EXPECT_EQ(get(back.call<&Mortal::add>(1)), 2);
      auto stored = put(std::vector{mortal});
      mortal = {};
      back = {};
      EXPECT_EQ(get(get(stored)[0].call<&Mortal::add>(1)), 3);
      get(box.call<&Box::keep>(get(stored)[0]));
    }
    EXPECT_EQ(get(box.call<&Box::use>(1)), 4);
    EXPECT_EQ(noted(witness, "mortal destroyed"), 0);
    get(box.call<&Box::drop>());
    EXPECT_TRUE(soon([&] { return noted(witness, "mortal destroyed") == 1; }));

    auto child = get(submit({.placement = on_rank(home)}, make, witness, std::string("child")));
    EXPECT_EQ(get(child.call<&Mortal::add>(7)), 7);
    child = {};
    EXPECT_TRUE(soon([&] { return noted(witness, "child destroyed") == 1; }));
  });
}

}  // namespace
}  // namespace conformance
