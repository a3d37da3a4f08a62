// Checkpoints and supervision of device actors, of this rank and of another one. Numbers: conformance/device.md.

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "program.hpp"
#include "public.hpp"

namespace ringray::test::checkpoints {
namespace {

using namespace device;
using Handle = KernelHandle<TestProgram>;

Handle launched_on_last(const std::string& name, bool active = true) {
  return get(submit(
      {.placement = on_rank(Rank{ranks() - 1})},
      [](std::string its_name, bool auto_activate) {
        return launch<TestProgram>({.name = its_name, .auto_activate = auto_activate});
      },
      name, active));
}
Actor<Echo> supervised(const Handle& kernel, const Supervision& supervision, const Echo::State& state = {}) {
  return kernel.spawn<Echo>({.supervision = supervision}, state);
}

// ---- supervision

TEST(Supervised, C57_ItGoesOnFromItsSpawnStateWithTheMessagesThatWait) {
  const auto kernel = launched_on_last("k", false);
  const auto echo = supervised(kernel, {.restarts = 3, .backoff = 1ms}, {.count = 10});
  const auto before = echo.call(Ping{1});
  const auto fails = echo.call(Fail{7});
  const auto behind = echo.call(Ping{2}), last = echo.call(Ping{3});
  kernel.activate();
  EXPECT_EQ(get(before).count, 11u);
  EXPECT_TRUE(has(error_of(fails), {"ActorDiedError", "'Echo::Fail' of kernel 'k'", "code 7", "restart 1 of 3"}));
  EXPECT_EQ(get(behind).count, 11u);
  EXPECT_EQ(get(last).count, 12u);
  EXPECT_EQ(echo.state(), Life::active);
  EXPECT_EQ(echo.error(), 0u);
  EXPECT_EQ(kernel.telemetry().restarts, 1u);
  EXPECT_EQ(kernel.telemetry().failed, 1u);
}

TEST(Supervised, C59_ItGoesOnFromTheLastOfTheCheckpointsThatAreTakenEverySoManyMessages) {
  const auto kernel = launched_on_last("k");
  const auto echo = supervised(kernel, {.restarts = 3, .backoff = 0ms, .checkpoint_every = 2}, {.count = 10});
  for (int i = 0; i < 5; ++i) get(echo.call(Ping{0}));
  EXPECT_TRUE(has(error_of(echo.call(Fail{1})), {"ActorDiedError"}));
  EXPECT_EQ(get(echo.call(Ping{0})).count, 15u) << "after 14, the fifth is forgotten";
  EXPECT_TRUE(has(error_of(echo.call(Fail{1})), {"ActorDiedError"}));
  EXPECT_EQ(get(echo.call(Ping{0})).count, 15u) << "the count begins again with each restart";
  EXPECT_EQ(get(echo.call(Ping{0})).count, 16u);
  EXPECT_TRUE(soon([&] { return kernel.telemetry().checkpoints == 3; }));
}

TEST(Supervised, MessagesAreHandledInOrderThroughAThousandRestarts) {
  const auto kernel = launched_on_last("k");
  const auto echo = supervised(kernel, {.restarts = 1000, .backoff = 0ms, .checkpoint_every = 1});
  for (std::uint64_t i = 0; i < 1000; ++i) {
    echo.send(Next{i});
    echo.send(Fail{1}, {.timeout = 20s});
  }
  EXPECT_EQ(get(echo.call(Ping{0})).count, 1u) << "some came out of order";
  EXPECT_EQ(kernel.telemetry().restarts, 1000u);
}

TEST(Supervised, C62_WhenItsRestartsAreSpentItStaysFailedAndItsCallsSaySo) {
  const auto kernel = launched_on_last("k");
  const auto echo = supervised(kernel, {.restarts = 2, .window = 1h, .backoff = 0ms});
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(has(error_of(echo.call(Fail{7})), {"code 7", "of 2 in 3600 s"}));
  EXPECT_TRUE(has(error_of(echo.call(Fail{8})), {"ActorDiedError", "code 8", "its restarts, 2 in 3600 s, are spent"}));
  EXPECT_TRUE(soon([&] { return echo.state() == Life::failed; }));
  EXPECT_TRUE(has(error_of(echo.call(Ping{1})), {"ActorDiedError", "are spent"}));
  EXPECT_EQ(kernel.spawn<Echo>().state(), Life::active) << "others go on";
  echo.restart();
  EXPECT_EQ(get(echo.call(Ping{1})).count, 1u);
  EXPECT_EQ(kernel.telemetry().restarts, 3u);
}

TEST(Supervised, C62_UntilTheBackoffIsOverItIsFailedAndMessagesWait) {
  const auto kernel = launched_on_last("k");
  const auto echo = supervised(kernel, {.restarts = 2, .window = 1h, .backoff = 1h, .backoff_max = 1h}, {.count = 4});
  get(echo.call(Ping{0}));
  EXPECT_TRUE(has(error_of(echo.call(Fail{7})), {"restart 1 of 2 in 3600 s comes after 3600 s"}));
  EXPECT_TRUE(soon([&] { return echo.state() == Life::failed; }));
  EXPECT_EQ(echo.error(), 7u);
  const auto waits = echo.call(Ping{1});
  EXPECT_THROW(get(waits, 0ms), GetTimeoutError);
  echo.restart();  // somebody does not want to wait
  EXPECT_EQ(get(waits).count, 6u);
  EXPECT_TRUE(has(error_of(echo.call(Fail{8})), {"restart 2 of 2"}));
  const auto in_vain = echo.call(Ping{2});
  echo.terminate();
  EXPECT_TRUE(has(error_of(in_vain), {"ActorDiedError", "terminated"}));
  EXPECT_TRUE(soon([&] { return echo.state() == Life::terminated; }));
}

TEST(Supervised, C57_ByOptionItsKernelEndsWithIt) {
  const auto kernel = launched_on_last("k");
  const auto other = kernel.spawn<Echo>({.name = "other"}, {});
  const auto silent = other.call(Hush{});
  const auto echo = kernel.spawn<Echo>(
      {.name = "echo", .supervision = {.restarts = 1, .backoff = 0ms, .escalation = Escalation::kernel}}, {});
  EXPECT_TRUE(has(error_of(echo.call(Fail{7})), {"restart 1 of 1"}));
  EXPECT_TRUE(has(error_of(echo.call(Fail{7})), {"ActorDiedError", "are spent; its kernel ends with it"}));
  EXPECT_TRUE(has(error_of(silent), {"ActorDiedError", "the kernel was terminated: the actor in slot", "with code 7"}));
  EXPECT_TRUE(soon([&] { return kernel.state() == Life::terminated; }));
  EXPECT_TRUE(has(error_of(other.call(Ping{1})), {"ActorDiedError"}));
  EXPECT_TRUE(soon([&] { return !thrown([] { find_actor<Echo>("other"); }).empty(); })) << "its name is free";
}

TEST(Supervised, C57_ByOptionItsKernelEndsWithTheFirstFailure) {
  const auto kernel = launched_on_last("k");
  const auto echo = supervised(kernel, {.restarts = 0, .escalation = Escalation::kernel});
  EXPECT_TRUE(has(error_of(echo.call(Fail{7})), {"ActorDiedError", "are spent; its kernel ends with it"}));
  EXPECT_TRUE(soon([&] { return kernel.state() == Life::terminated; }));
}

TEST(Supervised, C57_AFailureCountsOnceThoughSomebodyAsksForAStepMeanwhile) {
  for (int round = 0; round < 20; ++round) {
    const auto kernel = launched_on_last("k");
    const auto echo = supervised(kernel, {.restarts = 1, .backoff = 0ms, .escalation = Escalation::kernel});
    echo.send(Fail{1});
    thrown([&] { echo.suspend(); });
    EXPECT_TRUE(soon([&] {
      thrown([&] { echo.resume(); });
      return kernel.telemetry().restarts == 1;
    })) << round;
    EXPECT_EQ(get(echo.call(Ping{1})).count, 1u);
  }
}

TEST(Supervised, C62_TheLongestBackoffIsNoShortOne) {
  constexpr auto for_ever = std::chrono::nanoseconds::max();
  const auto kernel = launched_on_last("k");
  const auto echo = supervised(kernel, {.restarts = 1, .backoff = for_ever, .backoff_max = for_ever});
  EXPECT_TRUE(has(error_of(echo.call(Fail{7})), {"restart 1 of 1"}));
  EXPECT_TRUE(soon([&] { return echo.state() == Life::failed; })) << "its call hears of it first";
  for (const auto end = std::chrono::steady_clock::now() + 50ms; std::chrono::steady_clock::now() < end;
       this_task::yield())
    ASSERT_EQ(echo.state(), Life::failed);
}

TEST(Supervised, AFailureWhileItsKernelEndsIsNotRestarted) {
  for (int round = 0; round < 20; ++round) {
    auto kernel = launched_on_last("k");
    const auto echo = supervised(kernel, {.restarts = 1000, .backoff = 0ms});
    for (int i = 0; i < 10; ++i) echo.send(Fail{1});
    const auto call = echo.call(Ping{1});
    kernel = {};
    const auto error = error_of(call);
    EXPECT_TRUE(error.empty() || has(error, {"ActorDiedError"})) << error;
  }
}

TEST(Supervised, WrongOptionsAreConfigErrors) {
  const auto kernel = launched_on_last("k");
  EXPECT_TRUE(has(thrown([&] { supervised(kernel, {.restarts = 1, .window = 0s}); }), {"ConfigError", "window"}));
  EXPECT_TRUE(has(thrown([&] { supervised(kernel, {.restarts = 1, .backoff = 1h}); }), {"ConfigError", "backoff_max"}));
}

// ---- checkpoints

TEST(DeviceCheckpoint, C59_AnActorGoesOnFromWhatItWas) {
  const auto kernel = launched_on_last("k");
  const auto echo = kernel.spawn<Echo>({.count = 4});
  get(echo.call(Ping{0}));
  const auto saved = echo.checkpoint();
  EXPECT_EQ(saved.count, 5u);
  get(echo.call(Ping{0}));
  echo.restore(saved);
  EXPECT_EQ(get(echo.call(Ping{0})).count, 6u);
  EXPECT_EQ(get(launched_on_last("other").spawn<Echo>(saved).call(Ping{0})).count, 6u) << "and so does another one";
  EXPECT_TRUE(has(error_of(echo.call(Fail{7})), {"ActorDiedError"}));
  EXPECT_TRUE(soon([&] { return echo.state() == Life::failed; }));
  echo.restore(saved);
  EXPECT_EQ(echo.state(), Life::failed);
  echo.restart();
  EXPECT_EQ(get(echo.call(Ping{0})).count, 6u);
  echo.terminate();
  EXPECT_TRUE(has(thrown([&] { echo.checkpoint(); }), {"ActorDiedError", "is gone"}));
  EXPECT_TRUE(has(thrown([&] { echo.restore(saved); }), {"ActorDiedError", "is gone"}));
  kernel.terminate();
  EXPECT_TRUE(has(thrown([&] { echo.checkpoint(); }), {"ActorDiedError", "is gone"}));
}

TEST(DeviceCheckpoint, C59_ASupervisedActorGoesOnFromTheOneThatSomebodyTookOrRestored) {
  const auto kernel = launched_on_last("k");
  const auto echo = supervised(kernel, {.restarts = 3, .backoff = 0ms}, {.count = 4});
  get(echo.call(Ping{0}));
  echo.checkpoint();
  get(echo.call(Ping{0}));
  EXPECT_FALSE(error_of(echo.call(Fail{7})).empty());
  EXPECT_EQ(get(echo.call(Ping{0})).count, 6u);
  echo.restore({.count = 100});
  get(echo.call(Ping{0}));
  EXPECT_FALSE(error_of(echo.call(Fail{7})).empty());
  EXPECT_EQ(get(echo.call(Ping{0})).count, 101u);
}

TEST(DeviceCheckpoint, C59_WhatAFailedHandlerLeftIsNotWhatASupervisedActorGoesOnFrom) {
  const auto kernel = launched_on_last("k");
  const auto echo = supervised(kernel, {.restarts = 1, .backoff = 1h, .backoff_max = 1h}, {.count = 4});
  get(echo.call(Ping{0}));
  EXPECT_EQ(echo.checkpoint().count, 5u);
  EXPECT_TRUE(has(error_of(echo.call(Fail{Fail::spoils})), {"restart 1 of 1"}));
  EXPECT_EQ(echo.checkpoint().count, 5u);
  EXPECT_TRUE(soon([&] { return echo.state() == Life::failed; }));
  echo.restart();
  EXPECT_EQ(get(echo.call(Ping{0})).count, 1006u) << "a restart by hand changes no state";
}

/// A file name of the host, which all ranks share here; gone afterwards.
struct File {
  const std::string path =
      std::filesystem::temp_directory_path() / ("ringray-checkpoint-" + std::to_string(getpid()) + ".h5");
  ~File() {
    std::filesystem::remove(path);
    std::filesystem::remove(path + ".1");
  }
};

TEST(DeviceCheckpoint, C59_AKernelGoesOnFromAFile) {
  const File file;
  const auto kernel = launched_on_last("first");
  const auto a = kernel.spawn<Echo>({.count = 10}), b = kernel.spawn<Echo>({.count = 20});
  const auto relay = kernel.spawn<Relay>({.to = b.address()});
  get(a.call(Ping{0}));
  kernel.checkpoint(file.path, {.keep = 2});
  get(a.call(Ping{0}));
  relay.send(Next{0});
  EXPECT_TRUE(soon([&] { return kernel.telemetry().handled == 4; }));
  kernel.checkpoint(file.path, {.keep = 2});
  kernel.restore(file.path + ".1");
  EXPECT_EQ(get(a.call(Ping{0})).count, 12u);
  kernel.terminate();

  const auto second = launched_on_last("second");
  const auto c = second.spawn<Echo>(), d = second.spawn<Echo>();
  const auto other_relay = second.spawn<Relay>();
  second.restore(file.path);
  EXPECT_EQ(c.checkpoint().count, 12u);
  EXPECT_EQ(d.checkpoint().next, 1u);
  EXPECT_TRUE(other_relay.checkpoint().to == d.address()) << "the same spawns, the same addresses";
}

TEST(DeviceCheckpoint, C59_AKernelThatHasEndedLeavesItsLastFile) {
  const File file;
  const auto kernel = launched_on_last("first");
  const auto echo = kernel.spawn<Echo>({.count = 10});
  kernel.checkpoint(file.path);
  kernel.terminate();
  EXPECT_TRUE(has(thrown([&] { kernel.checkpoint(file.path); }), {"InvalidTransitionError", "'first' is terminated"}));
  EXPECT_TRUE(has(thrown([&] { kernel.restore(file.path); }), {"InvalidTransitionError", "'first' is terminated"}));
  const auto second = launched_on_last("second");
  const auto again = second.spawn<Echo>();
  second.restore(file.path);
  EXPECT_EQ(get(again.call(Ping{0})).count, 11u);
}

TEST(DeviceCheckpoint, C59_AKernelRefusesAFileThatDoesNotFitAndStaysAsItWas) {
  const File file;
  const auto kernel = launched_on_last("k");
  const auto refused = [&] { return thrown([&] { kernel.restore(file.path); }); };
  EXPECT_TRUE(has(refused(), {"ConfigError", file.path.c_str(), "No such file"}));
  const auto echo = kernel.spawn<Echo>({.count = 10});
  kernel.checkpoint(file.path);
  const auto relay = kernel.spawn<Relay>();
  EXPECT_TRUE(has(refused(), {"ConfigError", "does not fit kernel 'k'", "1 actors, and the kernel 2"}));
  relay.terminate();
  EXPECT_TRUE(soon([&] { return relay.state() == Life::terminated; }));
  EXPECT_EQ(refused(), "");
  echo.terminate();
  EXPECT_TRUE(soon([&] { return echo.state() == Life::terminated; }));
  kernel.spawn<Echo>();
  EXPECT_TRUE(has(refused(), {"ConfigError", "slot 0 with generation 0 is in slot 0 with generation 1"}));
  const auto other = launched_on_last("other");
  other.spawn<Relay>();
  EXPECT_TRUE(has(thrown([&] { other.restore(file.path); }), {"ConfigError", "was a", "Echo", "Relay"}));
  std::ofstream(file.path) << "something else";
  EXPECT_TRUE(has(refused(), {"CorruptDataError", "is no checkpoint of device actors"}));
  EXPECT_TRUE(has(thrown([&] { kernel.checkpoint("/no/such/folder/file"); }), {"ConfigError", "No such file"}));
  EXPECT_TRUE(has(thrown([&] { kernel.checkpoint(file.path, {.keep = 0}); }), {"ConfigError", "take 1 or more"}));
}

}  // namespace
}  // namespace ringray::test::checkpoints
