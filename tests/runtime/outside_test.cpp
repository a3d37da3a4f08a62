// The API before ringray::run and after it, on every rank: what is kept from a run can be let go of, and no more.

#include <gtest/gtest.h>

#include <functional>
#include <ringray/array.hpp>
#include <ringray/device.hpp>
#include <ringray/ringray.hpp>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace ringray;

int twice(int x) { return 2 * x; }
int never() {
  while (!this_task::stop_token().stop_requested()) this_task::yield();
  return 0;
}
Generator<int> count_up() {
  for (int i = 0; i < 1000; ++i) co_yield i;
}
struct Counter {
  int add(int k) { return value += k; }
  int value = 0;
};

struct Total {
  static constexpr std::uint16_t id = 2;
  double value;
};
struct Add {
  static constexpr std::uint16_t id = 1;
  using Reply = Total;
  double value;
};
struct Sum {
  struct State {
    double total;
  };
  using Handled = device::Messages<Add>;
  template <class Context>
  RINGRAY_DEVICE static void on(Context& context, State& state, const Add& add) {
    context.reply(Total{state.total += add.value});
  }
};
using Sums = device::Program<Sum>;

/// Outlives the run on each rank, also until after main.
struct Kept {
  ObjectRef<int> plain, unfinished, remote, lent;
  ObjectRef<std::vector<double>> large;
  ActorHandle<Counter> here, there;
  Stream<int> stream;
  PlacementGroup group;
  device::KernelHandle<Sums> kernel;
  device::Actor<Sum> sum;
  Array<double, 1> array;
} kept;

/// What an object of another rank is kept alive by.
struct Holder {
  void keep(ObjectRef<int> ref, ActorHandle<Counter> actor) {
    kept.lent = std::move(ref);
    kept.there = std::move(actor);
  }
};

void drive() {
  const Rank other{ranks() - 1};
  kept.plain = put(1);
  kept.unfinished = submit(never);
  kept.remote = submit({.placement = on_rank(other)}, twice, 21);
  kept.large = submit({.placement = on_rank(other)}, [] { return std::vector<double>(100'000, 1.5); });
  kept.here = spawn<Counter>();
  auto there = spawn<Counter>({.placement = on_rank(other)});
  kept.stream = submit({.placement = on_rank(other)}, count_up);
  kept.group = create_placement_group({.bundles = {{.cpus = 1}}});
  get(kept.group.ready());
  kept.kernel = device::launch<Sums>();
  kept.sum = kept.kernel.spawn<Sum>();
  kept.array = Array<double, 1>({1000});
  EXPECT_EQ(get(kept.sum.call(Add{2})).value, 2);
  EXPECT_EQ(get(kept.here.call<&Counter::add>(1)), 1);
  EXPECT_EQ(get(kept.large).size(), 100'000);
  auto holder = spawn<Holder>({.placement = on_rank(other)});
  get(holder.call<&Holder::keep>(put(7), there));
  kept.there = there;
}

using Uses = std::vector<std::pair<std::string, std::function<void()>>>;

/// Needs a job, but nothing from one.
Uses functions() {
  return {
      {"put", [] { put(1); }},
      {"put", [] { put(std::vector<double>(100'000)); }},
      {"submit", [] { submit(twice, 1); }},
      {"submit with options", [] { submit({.placement = on_rank(Rank{0})}, twice, 1); }},
      {"submit a generator", [] { submit(count_up); }},
      {"spawn", [] { spawn<Counter>(); }},
      {"spawn with a name", [] { spawn<Counter>({.name = "counter"}); }},
      {"get_actor", [] { get_actor<Counter>("counter"); }},
      {"kv::put", [] { kv::put("key", "value"); }},
      {"kv::get", [] { kv::get("key"); }},
      {"kv::keys", [] { kv::keys(); }},
      {"publish", [] { publish("topic", 1); }},
      {"create_placement_group", [] { create_placement_group({.bundles = {{.cpus = 1}}}); }},
      {"device::launch", [] { device::launch<Sums>(); }},
      {"Array", [] { Array<double, 1>({10}); }},
      {"this_rank", [] { this_rank(); }},
      {"ranks", [] { ranks(); }},
      {"resources", [] { resources(); }},
      {"stop_token", [] { this_task::stop_token(); }},
      {"exit_actor", [] { exit_actor(); }},
  };
}

/// Uses what is kept on rank 0.
Uses handles() {
  return {
      {"get", [] { get(kept.plain); }},
      {"get with a timeout", [] { get(kept.unfinished, std::chrono::seconds(1)); }},
      {"get of several",
       [] {
         get(std::vector{kept.plain, kept.remote});
       }},
      {"get of what came from another rank", [] { get(kept.large); }},
      {"wait",
       [] {
         wait(std::vector{kept.unfinished, kept.remote});
       }},
      {"cancel", [] { cancel(kept.unfinished); }},
      {"near", [] { near(kept.plain); }},
      {"submit with a reference", [] { submit(twice, kept.plain); }},
      {"call", [] { kept.here.call<&Counter::add>(1); }},
      {"send", [] { kept.here.send<&Counter::add>(1); }},
      {"call of a remote actor", [] { kept.there.call<&Counter::add>(1); }},
      {"send to a remote actor", [] { kept.there.send<&Counter::add>(1); }},
      {"wait for an actor", [] { kept.here.wait(); }},
      {"kill", [] { kill(kept.here); }},
      {"next of a stream", [] { kept.stream.begin(); }},
      {"ready", [] { kept.group.ready(); }},
      {"ranks of a group", [] { kept.group.ranks(); }},
      {"remove_placement_group", [] { remove_placement_group(kept.group); }},
      {"activate", [] { kept.kernel.activate(); }},
      {"spawn in a kernel", [] { kept.kernel.spawn<Sum>(); }},
      {"call of a device actor", [] { kept.sum.call(Add{1}); }},
      {"put of an Array", [] { put(kept.array); }},
  };
}

void expect_refused(const Uses& uses) {
  for (const auto& [name, use] : uses) {
    try {
      use();
      ADD_FAILURE() << name << " was not refused";
    } catch (const ConfigError& e) {
      const std::string text = e.what();
      EXPECT_NE(text.find("outside of"), text.npos) << name << ": " << text;
      EXPECT_TRUE(name != "Array" || text.starts_with("Array was used")) << text;
      EXPECT_EQ(text.find('\n'), text.npos) << name << ": " << text;
    }
  }
}

int argument_count = 0;
char** arguments = nullptr;

TEST(Outside, BeforeTheRunWhatNeedsAJobSaysSo) { expect_refused(functions()); }

TEST(Outside, TheRunItselfIsFine) {
  const int status = run(argument_count, arguments, [] { drive(); });
  EXPECT_EQ(status, 0);
}

TEST(Outside, AfterTheRunWhatNeedsAJobSaysSo) { expect_refused(functions()); }

TEST(Outside, WhatIsKeptFromTheRunSaysSoWhenItIsUsed) {
  EXPECT_TRUE(stop_requested());
  if (kept.plain) {
    expect_refused(handles());
    EXPECT_EQ(kept.kernel.state(), device::Life::terminated);
    EXPECT_EQ(kept.sum.state(), device::Life::terminated);
    kept.kernel.terminate();
  } else {
    EXPECT_THROW(get(kept.lent), ConfigError);
  }
}

TEST(Outside, HandlesAndReferencesCanBeCopiedAndLetGo) {
  auto here = kept.here, there = kept.there;
  here = {};
  there = {};
  kept.here = {};
  kept.unfinished = {};
  kept.kernel = {};  // the others go after main
}

TEST(Outside, ASecondRunIsRefused) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(run(argument_count, arguments, [] { ADD_FAILURE() << "the driver ran"; }), 2);
  const auto text = testing::internal::GetCapturedStderr();
  if (kept.plain)
    EXPECT_EQ(text.find("ringray: run was called again"), 0) << text;
  else
    EXPECT_EQ(text, "");
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  argument_count = argc;
  arguments = argv;
  return RUN_ALL_TESTS();
}
