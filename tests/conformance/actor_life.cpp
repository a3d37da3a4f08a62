// How actors end and come back: kill, restart, exit, parents, hooks. Runs with a short --ringray.stop_timeout_ms.

#include "actors.hpp"

namespace conformance {
namespace {

TEST_F(Ray, C29_KillFreesTheNameAndRestartGivesAFreshInstance) {
  for_each_home([](Rank home) {
    auto witness = spawn<Witness>();
    const auto name = unique("victim");
    auto first = spawn<Mortal>({.name = name, .placement = on_rank(home)}, witness, "first");
    EXPECT_EQ(get(first.call<&Mortal::add>(1)), 1);
    EXPECT_FALSE(get(first.call<&Mortal::restarted>()));
    kill(first);
    auto second = spawn<Mortal>({.name = name, .placement = on_rank(home), .max_restarts = 1}, witness, "second");
    EXPECT_TRUE(soon([&] { return !error_of<ActorDiedError>(first.call<&Mortal::add>(1)).empty(); }));
    EXPECT_TRUE(soon([&] { return noted(witness, "first destroyed") == 1; }));
    EXPECT_EQ(get(second.call<&Mortal::add>(5)), 5);
    kill(second, {.restart = true});
    EXPECT_EQ(get(get_actor<Mortal>(name).call<&Mortal::add>(2)), 2);
    EXPECT_TRUE(get(second.call<&Mortal::restarted>()));
    EXPECT_TRUE(soon([&] { return noted(witness, "second destroyed") == 1; }));
    EXPECT_EQ(noted(witness, "first stopped") + noted(witness, "second stopped"), 0);
  });
}

TEST_F(Ray, C30_RestartsEndAtTheLimitAndNeverWithoutOne) {
  for_each_home([](Rank home) {
    auto witness = spawn<Witness>();
    auto twice = spawn<Mortal>({.placement = on_rank(home), .max_restarts = 2}, witness);
    for (int i = 0; i < 2; ++i) {
      kill(twice, {.restart = true});
      EXPECT_EQ(get(twice.call<&Mortal::add>(1)), 1);
    }
    kill(twice, {.restart = true});
    EXPECT_FALSE(error_of<ActorDiedError>(twice.call<&Mortal::add>(1)).empty());

    auto always = spawn<Mortal>({.placement = on_rank(home), .max_restarts = -1}, witness);
    for (int i = 0; i < 10; ++i) {
      kill(always, {.restart = true});
      EXPECT_EQ(get(always.call<&Mortal::add>(1)), 1);
    }
  });
}

struct Patient {
  explicit Patient(int value) : value(value) {}
  int get_value() const { return value; }
  int value;
};

TEST_F(Ray, C30_ARestartBeforeTheConstructorRanTakesNothingAway) {
  for_each_home([](Rank home) {
    Door door;
    auto patient = spawn<Patient>({.placement = on_rank(home), .max_restarts = 1}, door.ref());
    kill(patient, {.restart = true});
    const auto value = patient.call<&Patient::get_value>();
    door.open();
    EXPECT_EQ(get(value), 1);
    kill(patient, {.restart = true});  // the one that it has
    EXPECT_EQ(get(patient.call<&Patient::get_value>()), 1);
  });
}

TEST_F(Ray, C32_EveryCallRunsAtMostOnceUnderExceptionsExitsAndRestarts) {
  for_each_home([](Rank home) {
    auto witness = spawn<Witness>();
    auto mortal = spawn<Mortal>({.placement = on_rank(home), .max_restarts = 1, .max_task_retries = -1}, witness);
    // What the user throws is the result: it is not retried.
    EXPECT_THROW(get(mortal.call<&Mortal::fail>("throws")), TaskError);
    // A call that had not begun runs once, on the fresh instance.
    Door gate(home);
    const auto running = mortal.call<&Mortal::hold>(gate.ref(), 1);
    EXPECT_TRUE(soon([&] { return noted(witness, "mortal holds") == 1; }));
    const auto queued = mortal.call<&Mortal::work>("queued");
    kill(mortal, {.restart = true});
    const auto after = mortal.call<&Mortal::work>("after");
    gate.open();
    EXPECT_EQ(get(running), 1);
    EXPECT_EQ(get(queued), 0);
    EXPECT_EQ(get(after), 0);
    // The call that leaves ran once; those behind it never.
    const auto before = mortal.call<&Mortal::work>("before");
    const auto leaving = mortal.call<&Mortal::leave>();
    const auto behind = mortal.call<&Mortal::work>("behind");
    EXPECT_EQ(get(before), 0);
    EXPECT_FALSE(error_of<ActorDiedError>(leaving).empty());
    EXPECT_FALSE(error_of<ActorDiedError>(behind).empty());
    for (const auto* once : {"throws", "queued", "after", "before"}) EXPECT_EQ(noted(witness, once), 1) << once;
    EXPECT_EQ(noted(witness, "behind"), 0);
    EXPECT_TRUE(soon([&] { return noted(witness, "mortal destroyed") == 2; }));
  });
}

TEST_F(Ray, C33_AnActorThatRestartsIsUnavailableAndOneThatIsDeadIsNot) {
  for_each_home([](Rank home) {
    auto witness = spawn<Witness>();
    auto mortal = spawn<Mortal>({.placement = on_rank(home), .max_restarts = 1}, witness);
    Door gate(home), other;
    const auto suspended = mortal.call<&Mortal::await>(other.ref(), 1);
    const auto running = mortal.call<&Mortal::hold>(gate.ref(), 1);
    EXPECT_TRUE(soon([&] { return noted(witness, "mortal holds") == 1; }));
    const auto queued = mortal.call<&Mortal::work>("queued");
    kill(mortal, {.restart = true});
    gate.open();
    EXPECT_EQ(get(running), 1);  // what runs ends by itself
    EXPECT_FALSE(error_of<ActorUnavailableError>(queued).empty());
    EXPECT_FALSE(error_of<ActorUnavailableError>(suspended).empty());
    EXPECT_EQ(get(mortal.call<&Mortal::add>(3)), 3);
    kill(mortal);
    EXPECT_FALSE(error_of<ActorDiedError>(mortal.call<&Mortal::add>(1)).empty());
    EXPECT_EQ(noted(witness, "queued"), 0);
  });
}

TEST_F(Ray, C33_KillFailsCallsThatWaitAndDoesNotWaitForThem) {
  for_each_home([](Rank home) {
    Door gate;
    auto witness = spawn<Witness>();
    auto mortal = spawn<Mortal>({.placement = on_rank(home)}, witness);
    const auto suspended = mortal.call<&Mortal::await>(gate.ref(), 1);
    const auto waiting = mortal.call<&Mortal::add>(gate.ref());
    kill(mortal);
    EXPECT_FALSE(error_of<ActorDiedError>(suspended).empty());
    EXPECT_FALSE(error_of<ActorDiedError>(waiting).empty());
    gate.open();
    EXPECT_TRUE(soon([&] { return noted(witness, "mortal destroyed") == 1; }));
  });
}

TEST_F(Ray, C20_ACancelledCallNeverRunsAndHoldsNobodyBack) {
  for_each_home([](Rank home) {
    Door gate;
    auto witness = spawn<Witness>();
    {
      auto mortal = spawn<Mortal>({.placement = on_rank(home)}, witness);
      const auto waits = mortal.call<&Mortal::add>(gate.ref()), also_waits = mortal.call<&Mortal::add>(gate.ref());
      const auto behind = mortal.call<&Mortal::add>(2);
      EXPECT_TRUE(pending(behind));
      cancel(waits);
      EXPECT_FALSE(error_of<TaskCancelledError>(waits).empty());
      EXPECT_TRUE(pending(behind));
      cancel(also_waits);
      EXPECT_FALSE(error_of<TaskCancelledError>(also_waits).empty());
      EXPECT_EQ(get(behind), 2);
      EXPECT_EQ(get(mortal.call<&Mortal::add>(1)), 3);
    }
    EXPECT_TRUE(soon([&] { return noted(witness, "mortal destroyed") == 1; }));  // nothing keeps it
    EXPECT_EQ(noted(witness, "mortal stopped"), 1);
  });
}

struct Parent {
  explicit Parent(ActorHandle<Witness> witness)
      : child(spawn<Mortal>({.placement = on_rank(last_rank())}, witness, "child")) {
    spawn<Mortal>({.name = "survivor", .placement = on_rank(last_rank()), .detached = true}, witness, "survivor");
  }
  int ask(int k) { return get(child.call<&Mortal::add>(k)); }
  ActorHandle<Mortal> child;
};

TEST_F(Ray, C35_TheEndOfAParentEndsItsChildrenButNotDetachedOnes) {
  for_each_home([](Rank home) {
    auto witness = spawn<Witness>();
    auto parent = spawn<Parent>({.placement = on_rank(home)}, witness);
    EXPECT_EQ(get(parent.call<&Parent::ask>(4)), 4);
    kill(parent);
    EXPECT_TRUE(soon([&] { return noted(witness, "child destroyed") == 1; }));
    auto survivor = get_actor<Mortal>("survivor");
    EXPECT_EQ(get(survivor.call<&Mortal::add>(1)), 1);
    survivor = {};
    EXPECT_EQ(get(get_actor<Mortal>("survivor").call<&Mortal::add>(1)), 2);
    EXPECT_EQ(noted(witness, "survivor destroyed"), 0);
    kill(get_actor<Mortal>("survivor"));
    EXPECT_TRUE(soon([&] { return noted(witness, "survivor destroyed") == 1; }));
  });
}

struct Coroutines {
  Task<int> leave_late(ObjectRef<int> gate) {
    static_cast<void>(co_await gate);
    exit_actor();
  }
  int ping() { return 1; }
};

TEST_F(Ray, C38_ExitLetsEarlierCallsFinishAndFailsItsOwnAndLaterOnes) {
  for_each_home([](Rank home) {
    auto witness = spawn<Witness>();
    for (const std::uint32_t concurrency : {1u, 3u}) {
      const auto name = unique("leaver");
      auto leaver =
          spawn<Mortal>({.name = name, .placement = on_rank(home), .max_concurrency = concurrency}, witness, name);
      const auto earlier = leaver.call<&Mortal::add>(1);
      if (concurrency > 1) {
        EXPECT_EQ(get(earlier), 1);  // they run side by side
      }
      const auto leaving = leaver.call<&Mortal::leave>();
      EXPECT_EQ(get(earlier), 1);
      EXPECT_FALSE(error_of<ActorDiedError>(leaving).empty());
      EXPECT_TRUE(soon([&] { return !error_of<ActorDiedError>(leaver.call<&Mortal::add>(1)).empty(); }));
      EXPECT_TRUE(soon([&] { return noted(witness, name + " destroyed") == 1; }));
      EXPECT_EQ(noted(witness, name + " stopped"), 1);
      EXPECT_TRUE(soon([&] {
        try {
          get_actor<Mortal>(name);
        } catch (const ActorDiedError&) {
          return true;
        }
        return false;
      }));
    }
    Door gate;
    auto late = spawn<Coroutines>({.placement = on_rank(home)});
    const auto leaving = late.call<&Coroutines::leave_late>(gate.ref());
    EXPECT_EQ(get(late.call<&Coroutines::ping>()), 1);
    gate.open();
    EXPECT_FALSE(error_of<ActorDiedError>(leaving).empty());
    EXPECT_TRUE(soon([&] { return !error_of<ActorDiedError>(late.call<&Coroutines::ping>()).empty(); }));
  });
}

struct Stubborn {
  explicit Stubborn(ActorHandle<Witness> w) : witness(std::move(w)) {}
  ~Stubborn() { witness.send<&Witness::note>("stubborn destroyed"); }
  void hang_on(ObjectRef<int> g) { gate = std::move(g); }
  void on_stop() {
    witness.send<&Witness::note>("stubborn asked");
    static_cast<void>(get(gate));
  }
  ActorHandle<Witness> witness;
  ObjectRef<int> gate;
};
struct Thrower {
  explicit Thrower(ActorHandle<Witness> w) : witness(std::move(w)) {}
  ~Thrower() { witness.send<&Witness::note>("thrower destroyed"); }
  void on_stop() { throw std::runtime_error("on purpose, in on_stop"); }
  ActorHandle<Witness> witness;
};

TEST_F(Ray, C39_TheHookRunsOnGracefulEndsOnlyAndAHungOneIsGivenUp) {
  for_each_home([](Rank home) {
    auto witness = spawn<Witness>();
    for (const auto& [name, graceful] :
         {std::pair{"dropped", true}, std::pair{"left", true}, std::pair{"killed", false}}) {
      auto mortal = spawn<Mortal>({.placement = on_rank(home)}, witness, name);
      EXPECT_EQ(get(mortal.call<&Mortal::add>(1)), 1);
      if (name == std::string("left")) {
        EXPECT_FALSE(error_of<ActorDiedError>(mortal.call<&Mortal::leave>()).empty());
      }
      if (name == std::string("killed")) kill(mortal);
      mortal = {};
      EXPECT_TRUE(soon([&] { return noted(witness, name + std::string(" destroyed")) == 1; })) << name;
      EXPECT_EQ(noted(witness, name + std::string(" stopped")), graceful) << name;
    }
    spawn<Thrower>({.placement = on_rank(home)}, witness);
    EXPECT_TRUE(soon([&] { return noted(witness, "thrower destroyed") == 1; }));

    Door gate;
    const auto name = unique("stubborn");
    {
      auto stubborn = spawn<Stubborn>({.name = name, .placement = on_rank(home)}, witness);
      get(stubborn.call<&Stubborn::hang_on>(gate.ref()));
    }
    EXPECT_TRUE(soon([&] { return noted(witness, "stubborn asked") == 1; }));
    EXPECT_TRUE(soon([&] {  // its name is free although the hook hangs
      try {
        return static_cast<bool>(spawn<Witness>({.name = name}));
      } catch (const NameTakenError&) {
        return false;
      }
    }));
    EXPECT_EQ(noted(witness, "stubborn destroyed"), 0);
    gate.open();
    EXPECT_TRUE(soon([&] { return noted(witness, "stubborn destroyed") == 1; }));
  });
}

}  // namespace
}  // namespace conformance
