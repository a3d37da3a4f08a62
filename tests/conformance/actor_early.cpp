// Calls that come before their actor does: the order of messages between three ranks, made by hand.

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "actors.hpp"
#include "ringray/runtime/core.hpp"

namespace conformance {
namespace {

namespace files = std::filesystem;
using Numbers = std::vector<int>;

struct Referring {
  Numbers large;
  ObjectRef<Numbers> ref;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(large, ref);
  }
};
struct Late {
  Numbers numbers(int count) { return Numbers(static_cast<std::size_t>(count), ++calls); }
  Referring referring(int count) { return {numbers(count), put(Numbers{4})}; }
  int add(int k) { return calls += k; }
  int calls = 0;
};

std::string calls_at_once(ActorHandle<Late> late, std::string folder) {
  while (!files::exists(folder + "/go")) this_task::yield();
  const auto large = late.call<&Late::numbers>(100'000);
  const auto referring = late.call<&Late::referring>(50'000);
  const auto small = late.call<&Late::add>(10);
  std::ofstream(folder + "/called") << "now";
  if (get(large) != Numbers(100'000, 1)) return "large";
  if (get(get(referring).ref) != Numbers{4}) return "referring";
  if (get(small) != 12) return "small";
  if (get(submit(
          {.placement = on_rank(Rank{0})}, [](const Numbers& n) { return n[0]; }, large)) != 1)
    return "passed on";
  return "";
}

// The handle goes to the actor's rank before the actor does, so that its calls go there as messages to itself.
TEST_F(Ray, C36_AHandleThatOvertakesItsActorIsUsableThere) {
  if (ranks() < 2) GTEST_SKIP() << "needs two ranks";
  const auto home = last_rank();
  const files::path folder =
      files::temp_directory_path() / ("ringray-early-" + std::to_string(static_cast<long>(getpid())));
  files::create_directories(folder);
  auto& core = runtime::core();
  auto* state = new runtime::ActorState;
  state->home = home;
  core.with([&] { core.promote(*state); });
  const auto late = runtime::Access::make<ActorHandle<Late>>(state);
  const auto called = submit({.placement = on_rank(home)}, calls_at_once, late, folder.string());
  EXPECT_THROW(get(called, 20ms), GetTimeoutError);  // lets it go there
  core.with([&] {                                    // nothing is answered here meanwhile
    std::ofstream(folder / "go") << "now";
    while (!files::exists(folder / "called")) {
    }
    auto* constructor = new runtime::ConstructRecord<Late, std::tuple<>>(std::in_place);
    core.start_actor(*state, runtime::actor_type_of<Late>(), {.placement = on_rank(home)}, *constructor);
  });
  EXPECT_EQ(get(called), "");
  files::remove_all(folder);
}

struct Awkward {
  explicit Awkward(std::string n = "") : name(std::move(n)) {}
  std::string name;
  template <class Archive>
  void serialize(Archive& archive) {
    if (name == "throws") throw std::runtime_error("it does not like to travel");
    archive(name);
  }
};
struct Host {
  explicit Host(const Awkward& = Awkward()) {}
  std::string take(const Awkward& guest) { return guest.name; }
  std::string take_all(const std::vector<std::string>& all, const std::vector<std::string>&,
                       const std::vector<std::string>&) {
    return all[0];
  }
};

TEST_F(Ray, C28_ArgumentsThatCannotTravelFailTheCallAndTheSpawnThatHasThem) {
  if (ranks() < 2) GTEST_SKIP() << "needs two ranks";
  const auto name = unique("host");
  auto host = spawn<Host>({.name = name, .placement = on_rank(last_rank()), .max_pending_calls = 1});
  for (int i = 0; i < 3; ++i) {
    const auto text = error_of<TaskError>(host.call<&Host::take>(Awkward("throws")));
    EXPECT_NE(text.find("does not like to travel"), text.npos) << text;
    EXPECT_THROW(host.send<&Host::take>(Awkward("throws")), std::runtime_error);
  }
  EXPECT_EQ(get(host.call<&Host::take>(Awkward("guest"))), "guest");
  const std::vector<std::string> much(50, std::string(1000, 'x'));
  const auto text = error_of<TaskError>(host.call<&Host::take_all>(much, much, much));
  EXPECT_NE(text.find("KiB"), text.npos) << text;

  const auto other = unique("host");
  auto never = spawn<Host>({.name = other, .placement = on_rank(last_rank())}, Awkward("throws"));
  const auto cause = error_of<ActorDiedError>(never.call<&Host::take>(Awkward("guest")));
  EXPECT_NE(cause.find("does not like to travel"), cause.npos) << cause;
  const auto again = spawn<Host>({.name = other, .placement = on_rank(last_rank())});
  EXPECT_EQ(get(again.call<&Host::take>(Awkward("guest"))), "guest");
}

struct Refusing {
  Refusing() { throw std::runtime_error("not today"); }
};

// The end of an actor may be known to rank 0 before its creator said that it lives.
TEST_F(Ray, C28_AFailedConstructorFreesTheName) {
  for_each_home([](Rank home) {
    for (int i = 0; i < 20; ++i) {
      const auto name = unique("refusing");
      auto refusing = spawn<Refusing>({.name = name, .placement = on_rank(home)});
      EXPECT_THROW(refusing.wait(), ActorDiedError);
      EXPECT_TRUE(soon([&] {
        try {
          return static_cast<bool>(spawn<Witness>({.name = name}));
        } catch (const NameTakenError&) {
          return false;
        }
      }));
    }
  });
}

}  // namespace
}  // namespace conformance
