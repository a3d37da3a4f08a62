// Device actors as programs use them: in a job of one rank, and of two that each launch their own kernel.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <filesystem>
#include <ringray/device.hpp>
#include <ringray/ringray.hpp>
#include <thread>

#include "program.hpp"
#include "public.hpp"
#include "ringray/runtime/core.hpp"

namespace ringray::test {
namespace {

using namespace device;
using namespace std::chrono_literals;
using Handle = KernelHandle<TestProgram>;

std::vector<ObjectRef<Pong>> pings(const Actor<Echo>& echo, std::uint64_t count) {
  std::vector<ObjectRef<Pong>> calls;
  for (std::uint64_t i = 0; i < count; ++i) calls.push_back(echo.call(Ping{i}));
  return calls;
}

// ---- the life of a kernel

/// Fills 16 cells.
struct Huge {
  static constexpr std::uint16_t id = 13;
  std::uint64_t words[100];
};
struct Giant {
  struct State {};
  using Handled = Messages<Huge>;
  template <class Context>
  RINGRAY_DEVICE static void on(const Context&, State&, const Huge&) {}
};

TEST(DeviceActor, AMailboxInWhichItsLargestMessageNeverFitsIsRefused) {
  const auto kernel = launch<Program<Giant>>({.queue_capacity = 8});
  EXPECT_TRUE(has(thrown([&] { kernel.spawn<Giant>(); }), {"ConfigError", "queue_capacity 8", "15 cells", "take 16"}));
  EXPECT_TRUE(kernel.spawn<Giant>({.queue_capacity = 16}, {}));
}

TEST(DeviceKernel, ItIsLaunchedActivatedSuspendedResumedAndTerminated) {
  const auto kernel = launch<TestProgram>({.auto_activate = false});
  EXPECT_EQ(kernel.state(), Life::launched);
  kernel.activate();
  EXPECT_EQ(kernel.state(), Life::active);
  kernel.suspend();
  EXPECT_EQ(kernel.state(), Life::suspended);
  kernel.resume();
  EXPECT_EQ(kernel.state(), Life::active);
  kernel.terminate();
  kernel.terminate();
  EXPECT_EQ(kernel.state(), Life::terminated);
  EXPECT_EQ(launch<TestProgram>().state(), Life::active);
}

TEST(DeviceKernel, C10_TheListHasTheKernelsOfThisRankThatAreNotTerminated) {
  const auto list = [] {
    std::string text;
    for (const auto& kernel : kernels())
      if (kernel.name.starts_with("listed"))
        text += fmt::format("{} {} {}; ", kernel.name, life_name(kernel.state), kernel.blocks);
    return text;
  };
  const auto first = launch<TestProgram>({.name = "listed 1", .blocks = 2});
  auto second = launch<TestProgram>({.name = "listed 2", .auto_activate = false});
  const auto third = launch<TestProgram>({.name = "listed 3"});
  EXPECT_EQ(list(), "listed 1 active 2; listed 2 launched 1; listed 3 active 1; ");
  first.terminate();
  third.suspend();
  EXPECT_EQ(list(), "listed 2 launched 1; listed 3 suspended 1; ");
  second = {};
  EXPECT_EQ(list(), "listed 3 suspended 1; ");
  const auto there = submit({.placement = on_rank(Rank{ranks() - 1})}, [] {
    const auto all = kernels();
    return std::count_if(all.begin(), all.end(), [](const auto& one) { return one.name == "listed 3"; });
  });
  EXPECT_EQ(get(there), ranks() == 1 ? 1 : 0) << "it is not of that rank";
}

TEST(DeviceKernel, EveryIllegalStepNamesBothStatesAndChangesNothing) {
  using Verb = void (Handle::*)() const;
  const std::vector<std::pair<Verb, const char*>> verbs = {
      {&Handle::activate, "'active'"}, {&Handle::suspend, "'suspended'"}, {&Handle::resume, "'active'"}};
  const auto refuses = [&](const Handle& kernel, const char* from, std::vector<bool> refused) {
    const auto before = kernel.state();
    for (std::size_t i = 0; i < verbs.size(); ++i) {
      if (!refused[i]) continue;
      const auto text = thrown([&] { (kernel.*verbs[i].first)(); });
      EXPECT_TRUE(has(text, {"InvalidTransitionError", "kernel 'wave'", from, verbs[i].second}));
      EXPECT_EQ(kernel.state(), before);
    }
  };
  const auto kernel = launch<TestProgram>({.name = "wave", .auto_activate = false});
  refuses(kernel, "'launched'", {false, true, true});
  kernel.activate();
  refuses(kernel, "'active'", {true, false, true});
  kernel.suspend();
  refuses(kernel, "'suspended'", {true, true, false});
  kernel.terminate();
  refuses(kernel, "'terminated'", {true, true, true});
  EXPECT_TRUE(has(thrown([&] { kernel.spawn<Echo>(); }), {"InvalidTransitionError", "kernel 'wave' is terminated"}));
}

TEST(DeviceKernel, WrongOptionsAreConfigErrors) {
  const auto text = [](const LaunchOptions& options) { return thrown([&] { launch<TestProgram>(options); }); };
  EXPECT_TRUE(has(text({.backend = Backend::cuda}), {"ConfigError", "this build cannot run kernels on a GPU yet"}));
  EXPECT_TRUE(has(text({.queue_capacity = 1000}), {"ConfigError", "no power of two", "512 or 1024"}));
  EXPECT_TRUE(has(text({.egress_capacity = 1000}), {"ConfigError", "no power of two"}));
  EXPECT_TRUE(has(text({.blocks = 0}), {"ConfigError", "0 blocks"}));
  EXPECT_TRUE(has(text({.name = ""}), {"ConfigError", "without a name"}));
  const auto kernel = launch<TestProgram>();
  EXPECT_TRUE(has(thrown([&] { kernel.spawn<Echo>({.queue_capacity = 3}, {}); }), {"ConfigError", "no power of two"}));
  EXPECT_TRUE(has(thrown([] { Handle().activate(); }), {"ConfigError", "empty KernelHandle"}));
  EXPECT_TRUE(has(thrown([] { Actor<Echo>().send(Ping{1}); }), {"ConfigError", "empty device::Actor"}));
}

TEST(DeviceKernel, ExclusiveWorkRunsBetweenMessagesAndItsErrorsPass) {
  const auto kernel = launch<TestProgram>({.blocks = 2});
  const auto echo = kernel.spawn<Echo>({}, {.count = 0});
  const auto calls = pings(echo, 200);
  std::uint64_t before = 1, after = 0;
  kernel.exclusive([&] {
    before = kernel.telemetry().handled;
    for (int i = 0; i < 1000; ++i) std::this_thread::yield();
    after = kernel.telemetry().handled;
  });
  EXPECT_EQ(before, after);
  EXPECT_THROW(kernel.exclusive([] { throw std::runtime_error("mine"); }), std::runtime_error);
  EXPECT_EQ(get(calls.back()).count, 200u);
}

#ifdef __SANITIZE_ADDRESS__
constexpr int many_launches = 200;  // it finds a leak after one
#else
constexpr int many_launches = 1000;
#endif

TEST(DeviceKernel, AThousandLaunchesLeaveNothingBehind) {
  const auto threads = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"), std::filesystem::directory_iterator());
  };
  const auto cycle = [] {
    const auto kernel = launch<TestProgram>();
    const auto echo = kernel.spawn<Echo>();
    ASSERT_EQ(get(echo.call(Ping{5})).value, 5u);
    const auto unanswered = echo.call(Hush{});
  };
  for (int i = 0; i < 20; ++i) cycle();
  const auto threads_before = threads();
  const auto bytes = [] {
    const auto now = mallinfo2();
    return now.uordblks + now.hblkhd;
  };
  const auto bytes_before = bytes();
  for (int i = 0; i < many_launches; ++i) cycle();
  EXPECT_TRUE(soon([&] { return threads() <= threads_before; })) << threads();
  EXPECT_LT(bytes(), bytes_before + (20u << 20)) << "a kernel has 0.4 MiB";
}

TEST(DeviceActor, ARestartIsDoneThoughTheNextMessageFailsAtOnce) {
  const auto kernel = launch<TestProgram>();
  const auto echo = kernel.spawn<Echo>();
  const auto fails = [&] { return soon([&] { return echo.state() == Life::failed; }); };
  for (int round = 0; round < 50; ++round) {
    echo.send(Fail{1});
    echo.send(Fail{1});
    ASSERT_TRUE(fails());
    echo.restart();
    ASSERT_TRUE(fails());
    echo.restart();
  }
  EXPECT_EQ(get(echo.call(Ping{1})).count, 1u);
}

// ---- messages

TEST(DeviceActor, ACallIsAnsweredWithTheReply) {
  const auto kernel = launch<TestProgram>();
  const auto echo = kernel.spawn<Echo>({}, {.count = 41});
  const auto pong = get(echo.call(Ping{7}));
  EXPECT_EQ(pong.value, 7u);
  EXPECT_EQ(pong.count, 42u);
  EXPECT_TRUE(soon([&] { return kernel.telemetry().handled == 1; })) << "counted after the handler has returned";
}

TEST(DeviceActor, ThousandsOfCallsOfTasksAreEachAnsweredOnce) {
  const auto kernel = launch<TestProgram>({.blocks = 2, .queue_capacity = 64});
  const auto first = kernel.spawn<Echo>(), second = kernel.spawn<Echo>();
  std::vector<ObjectRef<std::uint64_t>> sums;
  for (std::uint64_t i = 0; i < 500; ++i)
    sums.push_back(submit({.placement = on_rank(this_rank())},
                          [echo = reinterpret_cast<std::uintptr_t>(i % 2 ? &first : &second), i] {
                            std::uint64_t sum = 0;
                            for (std::uint64_t k = 0; k < 10; ++k)
                              sum += get(reinterpret_cast<const Actor<Echo>*>(echo)->call(Ping{10 * i + k})).value;
                            return sum;
                          }));
  std::uint64_t sum = 0;
  for (const auto& part : sums) sum += get(part);
  EXPECT_EQ(sum, 5000u * 4999 / 2);
  EXPECT_EQ(get(first.call(Ping{0})).count + get(second.call(Ping{0})).count, 5002u);
  EXPECT_EQ(kernel.lost_letters(), 0u);
}

TEST(DeviceActor, MessagesOfOneSenderAreHandledInOrder) {
  const auto kernel = launch<TestProgram>();
  const auto echo = kernel.spawn<Echo>({.queue_capacity = 16}, {});
  for (std::uint64_t i = 0; i < 5000; ++i) EXPECT_EQ(echo.send(Next{i}), Delivery::accepted);
  EXPECT_EQ(get(echo.call(Ping{0})).count, 1u) << "some came out of order";
}

TEST(DeviceActor, AddressesWorkInStatesAndInMessages) {
  const auto kernel = launch<TestProgram>({.blocks = 2});
  const auto echo = kernel.spawn<Echo>();
  const auto relay = kernel.spawn<Relay>({.to = echo.address()});
  const auto chain = kernel.spawn<Relay>({.to = relay.address()});
  chain.send(Next{0});
  EXPECT_TRUE(soon([&] { return kernel.telemetry().handled == 3; }));
  chain.send(Forward{echo.address(), 1});
  EXPECT_TRUE(soon([&] { return kernel.telemetry().handled == 5; }));
  EXPECT_EQ(get(echo.call(Ping{0})).count, 1u);
}

TEST(DeviceActor, AFullMailboxRejectsWithQueueFullError) {
  const auto kernel = launch<TestProgram>({.name = "k", .auto_activate = false});
  const auto echo = kernel.spawn<Echo>({.queue_capacity = 4, .overflow = Overflow::reject}, {});
  for (std::uint64_t i = 0; i < 4; ++i) echo.send(Next{i});
  EXPECT_TRUE(has(thrown([&] { echo.send(Next{4}); }), {"QueueFullError", "kernel 'k' is full"}));
  EXPECT_TRUE(has(error_of(echo.call(Ping{0})), {"QueueFullError", "'Echo::Ping'"}));
  kernel.activate();
  EXPECT_TRUE(soon([&] { return kernel.telemetry().handled == 4; }));
  EXPECT_EQ(get(echo.call(Ping{0})).count, 1u);
}

TEST(DeviceActor, AFullMailboxMakesSendersWaitForRoom) {
  const auto kernel = launch<TestProgram>({.auto_activate = false});
  const auto echo = kernel.spawn<Echo>({.queue_capacity = 4, .overflow = Overflow::wait}, {});
  for (std::uint64_t i = 0; i < 4; ++i) echo.send(Next{i});
  EXPECT_TRUE(has(thrown([&] { echo.send(Next{9}, {.timeout = 2ms}); }), {"QueueFullError", "no room in time"}));
  // The task that waits for room leaves its worker to the one that makes some, and a plain thread waits, too.
  const auto pong = submit({.placement = on_rank(this_rank())}, [at = reinterpret_cast<std::uintptr_t>(&echo)] {
    const auto& actor = *reinterpret_cast<const Actor<Echo>*>(at);
    actor.send(Next{4});
    return get(actor.call(Ping{1})).value;
  });
  EXPECT_TRUE(
      soon([] { return runtime::core().report().find("room in the mailbox of a device actor") != std::string::npos; }));
  kernel.activate();
  EXPECT_EQ(get(pong), 1u);
  kernel.suspend();
  std::thread sender([&] {
    for (std::uint64_t i = 5; i < 20; ++i) echo.send(Next{i});
  });
  EXPECT_TRUE(soon([&] { return kernel.telemetry().depth == 4; }));
  kernel.resume();
  sender.join();
  EXPECT_EQ(get(echo.call(Ping{0})).count, 2u);
}

TEST(DeviceActor, AFullMailboxDropsTheOldestOrTheNewest) {
  const auto kernel = launch<TestProgram>({.auto_activate = false});
  const auto oldest = kernel.spawn<Echo>({.queue_capacity = 4, .overflow = Overflow::drop_oldest}, {.next = 2});
  const auto newest = kernel.spawn<Echo>({.queue_capacity = 4, .overflow = Overflow::drop_newest}, {});
  const auto pushed_out = oldest.call(Ping{0});
  for (std::uint64_t i = 1; i < 6; ++i) EXPECT_EQ(oldest.send(Next{i}), Delivery::accepted);
  for (std::uint64_t i = 0; i < 6; ++i) EXPECT_EQ(newest.send(Next{i}), i < 4 ? Delivery::accepted : Delivery::dropped);
  EXPECT_TRUE(has(error_of(pushed_out), {"QueueFullError", "a newer message took its place"}));
  EXPECT_TRUE(has(error_of(newest.call(Ping{0})), {"QueueFullError", "The mailbox was full."}));
  EXPECT_TRUE(soon([&] { return kernel.dead_letters().size() == 5; }));
  kernel.activate();
  EXPECT_TRUE(soon([&] { return kernel.telemetry().handled == 8; }));
  EXPECT_EQ(get(oldest.call(Ping{0})).count, 1u);
  EXPECT_EQ(get(newest.call(Ping{0})).count, 1u);
}

// ---- what goes wrong

TEST(DeviceActor, AFailingHandlerEndsItsCallsUntilTheRestart) {
  const auto kernel = launch<TestProgram>({.name = "k", .auto_activate = false});
  const auto echo = kernel.spawn<Echo>({}, {.count = 10});
  const auto fails = echo.call(Fail{7}), behind = echo.call(Ping{1});
  kernel.activate();
  EXPECT_TRUE(has(error_of(fails), {"ActorDiedError", "call 'Echo::Fail' of kernel 'k'", "code 7"}));
  EXPECT_TRUE(has(error_of(behind), {"ActorDiedError", "code 7"}));
  EXPECT_TRUE(soon([&] { return echo.state() == Life::failed; }));
  EXPECT_EQ(echo.error(), 7u);
  EXPECT_TRUE(has(error_of(echo.call(Ping{1})), {"ActorDiedError", "code 7"}));
  EXPECT_TRUE(has(thrown([&] { echo.suspend(); }), {"InvalidTransitionError", "'failed'", "'suspended'"}));
  echo.restart();
  EXPECT_EQ(echo.state(), Life::active);
  EXPECT_EQ(get(echo.call(Ping{3})).count, 12u) << "its state stays, and the message behind was handled";
}

TEST(DeviceActor, ItIsSuspendedResumedAndTerminated) {
  const auto kernel = launch<TestProgram>();
  const auto echo = kernel.spawn<Echo>();
  echo.suspend();
  EXPECT_TRUE(has(thrown([&] { echo.suspend(); }), {"InvalidTransitionError", "'suspended'"}));
  const auto waits = echo.call(Ping{1});
  EXPECT_EQ(get(kernel.spawn<Echo>().call(Ping{2})).value, 2u);
  EXPECT_THROW(get(waits, 0ms), GetTimeoutError);
  echo.resume();
  EXPECT_EQ(get(waits).value, 1u);
  echo.terminate();
  echo.terminate();
  EXPECT_EQ(echo.state(), Life::terminated);
  EXPECT_TRUE(has(thrown([&] { echo.send(Ping{1}); }), {"ActorDiedError", "is gone"}));
  EXPECT_TRUE(has(error_of(echo.call(Ping{1})), {"ActorDiedError", "'Echo::Ping'"}));
  EXPECT_TRUE(has(thrown([&] { echo.resume(); }), {"ActorDiedError"}));
}

TEST(DeviceActor, CallsInFlightEndWhenItIsTerminated) {
  for (const bool suspended : {false, true}) {
    const auto kernel = launch<TestProgram>();
    const auto echo = kernel.spawn<Echo>();
    if (suspended) kernel.suspend();
    const auto silent = echo.call(Hush{});
    const auto calls = pings(echo, 100);
    echo.terminate();
    EXPECT_TRUE(has(error_of(silent), {"ActorDiedError", "'Echo::Hush'", "terminated"}));
    std::uint64_t answered = 0;
    for (const auto& call : calls) answered += error_of(call).empty();
    if (suspended) {
      EXPECT_EQ(answered, 0u);
      kernel.resume();
      EXPECT_TRUE(soon([&] { return kernel.dead_letters().size() == 101; })) << "each has its dead letter";
    }
    EXPECT_TRUE(soon([&] { return echo.state() == Life::terminated; }));
    EXPECT_EQ(get(kernel.spawn<Echo>().call(Ping{1})).count, 1u) << "the slot is free again";
  }
}

TEST(DeviceKernel, CallsInFlightEndWhenItIsTerminated) {
  const auto kernel = launch<TestProgram>({.name = "k", .auto_activate = false});
  const auto echo = kernel.spawn<Echo>();
  const auto calls = pings(echo, 200);
  kernel.terminate();
  for (const auto& call : calls) EXPECT_TRUE(has(error_of(call), {"ActorDiedError", "kernel 'k'", "terminated"}));
  EXPECT_TRUE(has(error_of(echo.call(Ping{1})), {"ActorDiedError", "the kernel was terminated"}));
  EXPECT_EQ(echo.state(), Life::terminated);
}

TEST(DeviceKernel, ItIsTerminatedWithItsLastHandleAndCallsInFlightEnd) {
  auto kernel = launch<TestProgram>();
  auto other = kernel;
  const auto echo = kernel.spawn<Echo>();
  kernel = {};
  EXPECT_EQ(get(echo.call(Ping{1})).value, 1u);
  const auto silent = echo.call(Hush{});
  other = {};
  EXPECT_TRUE(has(error_of(silent), {"ActorDiedError", "terminated"}));
  EXPECT_EQ(echo.state(), Life::terminated);
  EXPECT_TRUE(has(thrown([&] { echo.send(Ping{1}); }), {"ActorDiedError"}));
}

TEST(DeviceKernel, ItIsTerminatedWhileTasksCallAndSpawn) {
  for (int round = 0; round < 20; ++round) {
    const auto kernel = launch<TestProgram>({.blocks = 2});
    const auto echo = kernel.spawn<Echo>({.queue_capacity = 8}, {});
    std::vector<std::thread> callers;
    for (int i = 0; i < 2; ++i)
      callers.emplace_back([&] {
        std::vector<ObjectRef<Pong>> calls;
        for (std::uint64_t k = 0; k < 200; ++k) {
          calls.push_back(echo.call(Ping{k}));
          if (k % 20 == 0) thrown([&] { calls.push_back(kernel.spawn<Echo>().call(Ping{k})); });
        }
        for (const auto& call : calls) {
          const auto error = error_of(call);
          EXPECT_TRUE(error.empty() || has(error, {"ActorDiedError"})) << error;
        }
      });
    kernel.terminate();
    for (auto& caller : callers) caller.join();
  }
}

TEST(DeviceActor, ACallWithoutAnswerEndsWithItsTimeout) {
  const auto kernel = launch<TestProgram>({.name = "k"});
  const auto echo = kernel.spawn<Echo>();
  EXPECT_TRUE(has(error_of(echo.call(Hush{}, {.timeout = 3ms})),
                  {"GetTimeoutError", "call 'Echo::Hush' of kernel 'k'", "3 ms"}));
  EXPECT_EQ(get(echo.call(Ping{4}, {.timeout = 20s})).value, 4u);
}

TEST(DeviceActor, AnAnswerOfAnotherTypeIsAnError) {
  const auto kernel = launch<TestProgram>();
  EXPECT_TRUE(has(error_of(kernel.spawn<Echo>().call(Twist{})), {"CorruptDataError", "type 2, not 1"}));
}

TEST(DeviceKernel, CallsEndWhenAnswersFindNoRoom) {
  // Four blocks with up to eight answers each, when half of 32 cells are free.
  const auto kernel = launch<TestProgram>({.blocks = 4, .queue_capacity = 1024, .egress_capacity = 32});
  std::vector<Actor<Echo>> actors;
  for (int i = 0; i < 4; ++i) actors.push_back(kernel.spawn<Echo>());
  std::vector<ObjectRef<Pong>> calls;
  for (std::uint64_t i = 0; i < 4000; ++i) calls.push_back(actors[i % 4].call(Ping{i}));
  std::uint64_t lost = 0;
  for (const auto& call : calls) {
    const auto error = error_of(call);
    EXPECT_TRUE(error.empty() || has(error, {"QueueFullError", "egress_capacity"})) << error;
    lost += !error.empty();
  }
  EXPECT_GE(lost, kernel.lost_letters());
}

TEST(DeviceKernel, TheHangReportNamesTheCall) {
  const auto kernel = launch<TestProgram>({.name = "k"});
  const auto echo = kernel.spawn<Echo>();
  const auto waits = submit({.placement = on_rank(this_rank())}, [at = reinterpret_cast<std::uintptr_t>(&echo)] {
    get(reinterpret_cast<const Actor<Echo>*>(at)->call(Hush{}));
  });
  EXPECT_TRUE(soon([] {
    return has(runtime::core().report(), {"get", "the answer to call 'Echo::Hush' of kernel 'k'"});
  }));
  echo.terminate();
  EXPECT_TRUE(has(error_of(waits), {"ActorDiedError"}) || has(error_of(waits), {"TaskError"}));
}

// ---- several ranks

Handle kept;  // of each rank
Actor<Echo> kept_actor;

std::uint64_t square_of(std::uint64_t value) {
  const auto kernel = launch<TestProgram>();
  const auto echo = kernel.spawn<Echo>({}, {.count = value});
  return get(echo.call(Ping{value})).count * value;
}
ObjectRef<Pong> call_while_suspended() {
  kept = launch<TestProgram>();
  kept_actor = kept.spawn<Echo>();
  kept.suspend();
  return kept_actor.call(Ping{9});
}
void resume_kept() { kept.resume(); }
void drop_kept() {
  kept_actor = {};
  kept = {};
}

TEST(DeviceKernel, EachRankHasItsOwn) {
  std::vector<ObjectRef<std::uint64_t>> squares;
  for (std::uint32_t rank = 0; rank < ranks(); ++rank)
    squares.push_back(submit({.placement = on_rank(Rank{rank})}, square_of, rank + 1));
  for (std::uint64_t rank = 0; rank < ranks(); ++rank) EXPECT_EQ(get(squares[rank]), (rank + 2) * (rank + 1));
}

TEST(DeviceActor, AReferenceToAnAnswerTravelsBeforeItExists) {
  const TaskOptions there{.placement = on_rank(Rank{ranks() - 1})};
  const auto answer = get(submit(there, call_while_suspended));
  EXPECT_THROW(get(answer, 0ms), GetTimeoutError);
  get(submit(there, resume_kept));
  EXPECT_EQ(get(answer).value, 9u);
  get(submit(there, drop_kept));
}

// ---- the end of the job

ObjectRef<Pong> never_answered, never_answered_there;
[[maybe_unused]] std::atomic<bool> waiter_began{false};

/// Calls that are open when the job ends must not hold it up.
Actor<Echo> kept_there;
void leave_calls_open() {
  const auto kernel = get(submit({.placement = on_rank(Rank{ranks() - 1})}, [] { return kept; }));
  kept_there = kernel.spawn<Echo>();
  never_answered_there = kept_there.call(Ping{1});
}

/// On each rank, a kernel is suspended, a call is unanswered, a task waits for one, and nobody lets go of a handle.
void leave_behind() {
  never_answered = call_while_suspended();
#ifndef __SANITIZE_ADDRESS__  // the fiber of a task that waits when the job ends goes with what it holds
  submit({.placement = on_rank(this_rank())}, [] {
    const auto call = kept_actor.call(Ping{1});
    waiter_began = true;
    error_of(call);
  });
  if (!soon([] { return waiter_began.load(); })) throw std::runtime_error("the task did not begin");
#endif
}
/// After the job.
bool was_cleaned_up() {
  for (const auto& error : {thrown([] { kept_there.send(Ping{1}); }), thrown([] { kept_there.call(Ping{1}); })})
    if (kept_there && !has(error, {"ConfigError", "outside of ringray::run"})) {
      std::fprintf(stderr, "a handle of a kernel that was on another rank: %s\n", error.c_str());
      return false;
    }
  if (kept.state() != Life::terminated) return false;
  kept.terminate();
  const auto* answer = runtime::Access::state(never_answered);  // get() would be refused now
  return answer->done() && answer->failed() && answer->extra()->error == Errc::actor_died &&
         has(answer->extra()->detail.text, {"terminated"}) && !runtime::has_core();
}

}  // namespace
}  // namespace ringray::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  using namespace ringray;
  int failed = 0;
  const int status = run(argc, argv, [&] {
    failed = RUN_ALL_TESTS();
    for (std::uint32_t rank = 0; rank < ranks(); ++rank)
      get(submit({.placement = on_rank(Rank{rank})}, test::leave_behind));
    test::leave_calls_open();
  });
  if (status != 0 || failed != 0) return 1;
  if (test::was_cleaned_up()) return 0;
  std::fputs("the job left its kernel behind\n", stderr);
  return 1;
}
