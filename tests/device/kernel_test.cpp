// Kernels on host threads: life, order, delivery, parking. Numbers: conformance/device.md.

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <map>
#include <thread>

#include "kernel_actors.hpp"
#include "ringray/device/cpu_kernel.hpp"
#include "ringray/device/dead_letters.hpp"

namespace ringray::test {
namespace {

using namespace device;
using namespace std::chrono_literals;
/// Waits until the host opens the gate: host memory, so for the CPU only.
struct Wait {
  static constexpr std::uint16_t id = 7;
  std::atomic<int>* gate;  ///< the actor adds 1 and goes on when it is above 1
};

struct Gate {
  struct State {
    int unused;
  };
  using Handled = Messages<Wait>;
  template <class Context>
  static void on(const Context&, State&, const Wait& wait) {
    wait.gate->fetch_add(1);
    wait.gate->notify_all();
    for (int seen = wait.gate->load(); seen < 2; seen = wait.gate->load()) wait.gate->wait(seen);
  }
};

using Tests = Program<Echo, Ring, Gate>;

/// A kernel and its mail.
class Fixture {
 public:
  explicit Fixture(KernelOptions options = {}, bool active = true) : letters_(1000) {
    auto created = CpuKernel::create<Tests>(std::move(options), [this](const Parcel& parcel) { take(parcel); });
    EXPECT_TRUE(created) << created.error().text;
    kernel_ = std::move(*created);
    if (!active) return;
    EXPECT_TRUE(kernel_->launch());
    EXPECT_TRUE(kernel_->activate());
  }
  CpuKernel& operator*() { return *kernel_; }
  CpuKernel* operator->() { return kernel_.get(); }

  template <class Actor>
  Address spawn(const typename Actor::State& state, std::uint32_t capacity = 64, Overflow overflow = Overflow::wait) {
    const auto spawned = kernel_->spawn({.type = Tests::type_of<Actor>(),
                                         .state = &state,
                                         .state_bytes = sizeof state,
                                         .queue_capacity = capacity,
                                         .overflow = overflow});
    EXPECT_TRUE(spawned) << spawned.error().text;
    return spawned.value_or(host_address);
  }
  template <class Message>
  Delivery send(Address target, const Message& message, Envelope envelope = {}, std::uint64_t time_limit = 0) {
    Packed<Message> packed;
    envelope.target = target;
    pack(packed.words, envelope, message, time_limit);
    return kernel_->send(packed.words, base::now() + 20s);
  }
  Delivery ping(Address target, std::uint64_t value, Priority priority = Priority::normal) {
    Envelope envelope{.correlation = static_cast<std::uint32_t>(value)};
    envelope.set_priority(priority);
    return send(target, Ping{value}, envelope);
  }
  /// The next message to the host.
  Parcel receive() {
    Parcel parcel;
    EXPECT_TRUE(arrival_.wait(
        [&] {
          std::lock_guard guard(lock_);
          if (mail_.empty()) return false;
          parcel = mail_.front();
          mail_.pop_front();
          return true;
        },
        base::now() + 20s))
        << "no message in time";
    return parcel;
  }
  std::vector<std::uint64_t> receive_values(int count) {
    std::vector<std::uint64_t> values;
    for (int i = 0; i < count; ++i) values.push_back(receive().as<Pong>().value);
    return values;
  }
  /// Waits for so many answers and dead letters: how many there are.
  std::uint64_t await_ends(std::uint64_t count) {
    std::uint64_t ends = 0;
    arrival_.wait(
        [&] {
          std::lock_guard guard(lock_);
          return (ends = mail_.size() + letters_.counts().buried) >= count;
        },
        base::now() + 20s);
    return ends;
  }
  std::size_t waiting() {
    std::lock_guard guard(lock_);
    return mail_.size();
  }
  /// Waits until there are `count`.
  std::vector<DeadLetter> letters(std::size_t count) {
    std::vector<DeadLetter> found;
    EXPECT_TRUE(arrival_.wait(
        [&] {
          std::lock_guard guard(lock_);
          found = letters_.find({});
          return found.size() >= count;
        },
        base::now() + 20s));
    return found;
  }

 private:
  void take(const Parcel& parcel) {
    {
      std::lock_guard guard(lock_);
      const auto reason = parcel.envelope().reason();
      if (reason == Reason::none)
        mail_.push_back(parcel);
      else
        letters_.bury(parcel.words, reason, 1);
    }
    arrival_.ring();
  }
  std::mutex lock_;
  std::deque<Parcel> mail_;
  DeadLetters letters_;
  Bell arrival_;
  std::unique_ptr<CpuKernel> kernel_;  // ends before what its mail needs
};

std::vector<std::uint64_t> numbers(std::uint64_t from, std::uint64_t to) {
  std::vector<std::uint64_t> all;
  for (; from <= to; ++from) all.push_back(from);
  return all;
}

// ---- life of a kernel

TEST(Kernel, C1_C2_ItIsCreatedLaunchedAndActivated) {
  Fixture kernel({}, false);
  EXPECT_EQ(kernel->life(), Life::created);
  ASSERT_TRUE(kernel->launch());
  EXPECT_EQ(kernel->life(), Life::launched);
  ASSERT_TRUE(kernel->activate());
  EXPECT_EQ(kernel->life(), Life::active);
}

TEST(Kernel, C3_AnIllegalStepIsRefusedAndChangesNothing) {
  Fixture kernel;
  const auto result = kernel->activate();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::invalid_transition);
  EXPECT_NE(result.error().text.find("'active'"), std::string::npos);
  EXPECT_EQ(kernel->life(), Life::active);
  EXPECT_FALSE(kernel->resume());
  EXPECT_FALSE(kernel->launch());
}

TEST(Kernel, C5_C6_ItIsTerminatedFromEveryStateAndTwice) {
  for (int steps = 0; steps < 4; ++steps) {
    Fixture kernel({}, false);
    if (steps > 0) {
      ASSERT_TRUE(kernel->launch());
    }
    if (steps > 1) {
      ASSERT_TRUE(kernel->activate());
    }
    if (steps > 2) {
      ASSERT_TRUE(kernel->suspend());
    }
    ASSERT_TRUE(kernel->terminate());
    EXPECT_EQ(kernel->life(), Life::terminated);
    EXPECT_EQ(kernel->activate().error().code, Errc::invalid_transition);
    EXPECT_TRUE(kernel->terminate());
    EXPECT_EQ(kernel->life(), Life::terminated);
  }
}

TEST(Kernel, C9_C19_WhatCannotBeIsAConfigError) {
  const auto error = [](KernelOptions options) {
    const auto result = CpuKernel::create<Tests>(std::move(options), {});
    return result ? Errc::none : result.error().code;
  };
  EXPECT_EQ(error({.name = ""}), Errc::config);
  EXPECT_EQ(error({.blocks = 0}), Errc::config);
  EXPECT_EQ(error({.blocks = 1u << 20}), Errc::config);
  EXPECT_EQ(error({.egress_capacity = 1000}), Errc::config);
  EXPECT_EQ(error({.egress_capacity = 16}), Errc::config);
  Fixture kernel;
  const Echo::State state{};
  EXPECT_EQ(kernel->spawn({.state = &state, .state_bytes = sizeof state, .queue_capacity = 1000}).error().code,
            Errc::config);
}

TEST(Kernel, C12_C16_ActorsOfAnEndingKernelEndAndOtherKernelsGoOn) {
  Fixture other;
  const auto survivor = other.spawn<Echo>({});
  {
    Fixture kernel({.blocks = 2});
    for (int i = 0; i < 10; ++i) kernel.spawn<Echo>({});
  }
  EXPECT_EQ(other.ping(survivor, 1), Delivery::accepted);
  EXPECT_EQ(other.receive().as<Pong>().value, 1u);
}

TEST(Kernel, C14_WhatIsSentWhileItIsInactiveIsHandledAfterwardsInOrder) {
  Fixture kernel({}, false);
  ASSERT_TRUE(kernel->launch());
  const auto echo = kernel.spawn<Echo>({});
  for (std::uint64_t i = 1; i <= 20; ++i) ASSERT_EQ(kernel.ping(echo, i), Delivery::accepted);
  EXPECT_EQ(kernel->report(echo).mailbox.depth, 20u);
  ASSERT_TRUE(kernel->activate());
  EXPECT_EQ(kernel.receive_values(20), numbers(1, 20));
  ASSERT_TRUE(kernel->suspend());
  for (std::uint64_t i = 21; i <= 40; ++i) ASSERT_EQ(kernel.ping(echo, i), Delivery::accepted);
  EXPECT_EQ(kernel->report(echo).counters.handled, 20u);
  EXPECT_EQ(kernel.waiting(), 0u);
  ASSERT_TRUE(kernel->resume());
  EXPECT_EQ(kernel.receive_values(20), numbers(21, 40));
}

TEST(Kernel, SpawningBeforeLaunchOrAfterTheEndIsRefused) {
  Fixture kernel({}, false);
  const Echo::State state{};
  EXPECT_EQ(kernel->spawn({.state = &state, .state_bytes = sizeof state}).error().code, Errc::invalid_transition);
  ASSERT_TRUE(kernel->terminate());
  EXPECT_EQ(kernel->spawn({.state = &state, .state_bytes = sizeof state}).error().code, Errc::invalid_transition);
}

TEST(Kernel, C57_SlotsThatAreTakenAreATypedError) {
  Fixture kernel;
  for (std::uint32_t i = 0; i < actors_per_block; ++i) kernel.spawn<Echo>({}, 1);
  const Echo::State state{};
  EXPECT_EQ(kernel->spawn({.state = &state, .state_bytes = sizeof state}).error().code, Errc::out_of_memory);
}

// ---- messages

TEST(Kernel, C35_C38_ABurstIsAnsweredOnceInOrderWithItsCorrelations) {
  Fixture kernel;
  const auto echo = kernel.spawn<Echo>({});
  std::thread sending([&] {
    for (std::uint64_t i = 1; i <= 10'000; ++i) ASSERT_EQ(kernel.ping(echo, i), Delivery::accepted);
  });
  std::uint64_t sum = 0;
  for (std::uint64_t i = 1; i <= 10'000; ++i) {
    const auto parcel = kernel.receive();
    const auto pong = parcel.as<Pong>();
    ASSERT_EQ(pong.value, i);
    ASSERT_EQ(pong.sum, sum += i);
    ASSERT_EQ(parcel.envelope().correlation, i);
    ASSERT_EQ(parcel.envelope().source, echo);
  }
  sending.join();
}

TEST(Kernel, AMessageOfManyCellsArrives) {
  Fixture kernel;
  const auto echo = kernel.spawn<Echo>({});
  Wide wide;
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < 100; ++i) sum += wide.words[i] = ~i * 0x9e3779b97f4a7c15ull;
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(kernel.send(echo, wide), Delivery::accepted);
    EXPECT_EQ(kernel.receive().as<Pong>().sum, sum);
  }
}

TEST(Kernel, C32_CriticalMessagesOvertakeOthers) {
  Fixture kernel({}, false);
  ASSERT_TRUE(kernel->launch());
  const auto echo = kernel.spawn<Echo>({});
  kernel.ping(echo, 1, Priority::low);
  kernel.ping(echo, 2, Priority::normal);
  kernel.ping(echo, 3, Priority::critical);
  kernel.ping(echo, 4, Priority::high);
  kernel.ping(echo, 5, Priority::critical);
  ASSERT_TRUE(kernel->activate());
  EXPECT_EQ(kernel.receive_values(5), (std::vector<std::uint64_t>{3, 5, 4, 2, 1}));
}

TEST(Kernel, C20_C26_C30_FullMailboxesFollowTheirPolicy) {
  Fixture kernel({}, false);
  ASSERT_TRUE(kernel->launch());
  const auto rejects = kernel.spawn<Echo>({}, 2, Overflow::reject);
  const auto oldest = kernel.spawn<Echo>({}, 2, Overflow::drop_oldest);
  const auto newest = kernel.spawn<Echo>({}, 2, Overflow::drop_newest);
  const auto waits = kernel.spawn<Echo>({}, 2, Overflow::wait);
  for (const auto actor : {rejects, oldest, newest, waits})
    for (std::uint64_t i = 1; i <= 2; ++i) ASSERT_EQ(kernel.ping(actor, i), Delivery::accepted);
  EXPECT_EQ(kernel.ping(rejects, 3), Delivery::full);
  EXPECT_EQ(kernel.ping(oldest, 3), Delivery::accepted);
  EXPECT_EQ(kernel.ping(newest, 3), Delivery::dropped);
  Packed<Ping> packed;
  pack(packed.words, {.target = waits}, Ping{3});
  EXPECT_EQ(kernel->send(packed.words, base::now() + 2ms), Delivery::full) << "the deadline passed";
  const auto letters = kernel.letters(2);
  EXPECT_EQ(letters[0].reason, Reason::dropped_oldest);
  EXPECT_EQ(letters[0].envelope.target, oldest);
  EXPECT_EQ(letters[0].envelope.correlation, 1u);
  EXPECT_EQ(letters[1].reason, Reason::dropped_newest);
  EXPECT_EQ(letters[1].envelope.correlation, 3u);
  std::thread patient([&] { EXPECT_EQ(kernel.ping(waits, 3), Delivery::accepted); });
  ASSERT_TRUE(kernel->activate());
  patient.join();
  std::map<std::uint32_t, std::vector<std::uint64_t>> received;
  for (int i = 0; i < 9; ++i) {
    const auto parcel = kernel.receive();
    received[parcel.envelope().source.value].push_back(parcel.as<Pong>().value);
  }
  EXPECT_EQ(received[rejects.value], numbers(1, 2));
  EXPECT_EQ(received[oldest.value], numbers(2, 3));
  EXPECT_EQ(received[newest.value], numbers(1, 2));
  EXPECT_EQ(received[waits.value], numbers(1, 3));
}

TEST(Kernel, C43_AMessageWhoseDeadlinePassedIsADeadLetter) {
  Fixture kernel;
  const auto echo = kernel.spawn<Echo>({});
  const auto now = CpuPlatform::wall_ns();
  ASSERT_EQ(kernel.send(echo, Ping{1}, {}, base::hybrid_at(now) - (1 << 20)), Delivery::accepted);
  ASSERT_EQ(kernel.send(echo, Ping{2}, {}, base::hybrid_at(now) + (Word{1} << 40)), Delivery::accepted);
  EXPECT_EQ(kernel.receive().as<Pong>().value, 2u);
  EXPECT_EQ(kernel.letters(1)[0].reason, Reason::expired);
}

TEST(Kernel, C47_AMessageFromTheFutureIsADeadLetterAndDoesNotMoveTheClock) {
  Fixture kernel({.clock_drift_max = 1s});
  const auto echo = kernel.spawn<Echo>({});
  const auto now = CpuPlatform::wall_ns();
  ASSERT_EQ(kernel.send(echo, Clock{}, {.clock = now + 3'600'000'000'000}), Delivery::accepted);
  ASSERT_EQ(kernel.send(echo, Clock{}, {.clock = now}), Delivery::accepted);
  const auto clock = kernel.receive().as<Clock>();
  EXPECT_EQ(clock.sent, now);
  EXPECT_GT(clock.handled, now);
  EXPECT_LT(clock.handled, now + 1'800'000'000'000);
  EXPECT_EQ(kernel.letters(1)[0].reason, Reason::clock_skew);
}

TEST(Kernel, C8_C50_WhereNobodyIsNothingArrives) {
  Fixture kernel;
  EXPECT_EQ(kernel.ping(Address::of(3, 0), 1), Delivery::no_such_actor);
  EXPECT_EQ(kernel.ping(Address::of(100'000, 0), 1), Delivery::no_such_actor);
  EXPECT_EQ(kernel->life(Address::of(3, 0)), Life::terminated);
  EXPECT_EQ(kernel->step(Address::of(3, 0), Step::suspend).error().code, Errc::actor_died);
}

TEST(Kernel, AMessageThatTheActorDoesNotHandleIsADeadLetter) {
  Fixture kernel;
  const auto echo = kernel.spawn<Echo>({});
  ASSERT_EQ(kernel.send(echo, Unknown{1}), Delivery::accepted);
  EXPECT_EQ(kernel.letters(1)[0].reason, Reason::no_handler);
}

TEST(Kernel, C46_AnActorHandlesAMessageAfterItWasSent) {
  Fixture kernel;
  const auto echo = kernel.spawn<Echo>({});
  const auto ahead = CpuPlatform::wall_ns() + 10'000'000'000;
  ASSERT_EQ(kernel.send(echo, Clock{}, {.clock = ahead}), Delivery::accepted);
  const auto parcel = kernel.receive();
  EXPECT_GT(parcel.as<Clock>().handled, ahead);
  EXPECT_GT(parcel.envelope().clock, parcel.as<Clock>().handled) << "the reply was sent later still";
}

// ---- life of actors

TEST(Kernel, C14_ASuspendedActorKeepsItsMessagesWhileOthersWork) {
  Fixture kernel;
  const auto sleeper = kernel.spawn<Echo>({}), other = kernel.spawn<Echo>({});
  EXPECT_EQ(kernel->step(sleeper, Step::suspend).value(), Life::suspended);
  EXPECT_FALSE(kernel->step(sleeper, Step::suspend)) << "it is suspended already";
  for (std::uint64_t i = 1; i <= 10; ++i) kernel.ping(sleeper, i);
  kernel.ping(other, 99);
  EXPECT_EQ(kernel.receive().as<Pong>().value, 99u);
  EXPECT_EQ(kernel->report(sleeper).counters.handled, 0u);
  EXPECT_EQ(kernel->step(sleeper, Step::resume).value(), Life::active);
  EXPECT_EQ(kernel.receive_values(10), numbers(1, 10));
}

TEST(Kernel, AFailedActorKeepsItsMessagesForItsRestart) {
  Fixture kernel;
  const auto echo = kernel.spawn<Echo>({});
  ASSERT_EQ(kernel->step(echo, Step::suspend).value(), Life::suspended);
  kernel.ping(echo, 1);
  kernel.send(echo, Fail{42});
  kernel.ping(echo, 2);
  ASSERT_EQ(kernel->step(echo, Step::resume).has_value(), true);
  EXPECT_EQ(kernel.receive().as<Pong>().value, 1u);
  while (kernel->life(echo) != Life::failed) std::this_thread::yield();
  EXPECT_EQ(kernel->error(echo), 42u);
  EXPECT_FALSE(kernel->step(echo, Step::resume)) << "it must be restarted";
  EXPECT_EQ(kernel->step(echo, Step::restart).value(), Life::active);
  EXPECT_EQ(kernel.receive().as<Pong>().value, 2u);
  EXPECT_EQ(kernel->report(echo).counters.failed, 1u);
}

TEST(Kernel, WhatATerminatedActorHadNotHandledAreDeadLettersWithTheReason) {
  Fixture kernel;
  const auto ended = kernel.spawn<Echo>({}), failed = kernel.spawn<Echo>({});
  kernel->step(ended, Step::suspend).value();
  for (std::uint64_t i = 1; i <= 20; ++i) kernel.ping(ended, i, static_cast<Priority>(i % 4));
  EXPECT_EQ(kernel->step(ended, Step::terminate).value(), Life::terminated);
  EXPECT_EQ(kernel.letters(20).size(), 20u);
  for (const auto& letter : kernel.letters(20)) EXPECT_EQ(letter.reason, Reason::actor_terminated);
  EXPECT_EQ(kernel.ping(ended, 1), Delivery::no_such_actor);
  kernel.send(failed, Fail{7});
  while (kernel->life(failed) != Life::failed) std::this_thread::yield();
  kernel.ping(failed, 1);
  EXPECT_EQ(kernel->step(failed, Step::terminate).value(), Life::terminated);
  EXPECT_EQ(kernel.letters(21).back().reason, Reason::actor_failed);
}

TEST(Kernel, C7_ASlotIsReusedAndOldAddressesReachNobody) {
  Fixture kernel;
  const auto first = kernel.spawn<Echo>({});
  ASSERT_EQ(kernel->step(first, Step::terminate).value(), Life::terminated);
  const auto second = kernel.spawn<Echo>({100});
  EXPECT_EQ(second.slot(), first.slot());
  EXPECT_NE(second, first);
  EXPECT_EQ(kernel.ping(first, 1), Delivery::no_such_actor);
  EXPECT_EQ(kernel.ping(second, 1), Delivery::accepted);
  EXPECT_EQ(kernel.receive().as<Pong>().sum, 101u);
}

TEST(Kernel, C17_C58_TheHeartbeatNamesAHandlerThatDoesNotReturn) {
  Fixture kernel({.blocks = 2});
  const auto gatekeeper = kernel.spawn<Gate>({});
  const auto block = block_of(gatekeeper.slot());
  std::atomic<int> gate{0};
  ASSERT_EQ(kernel.send(gatekeeper, Wait{&gate}), Delivery::accepted);
  for (int seen = gate.load(); seen < 1; seen = gate.load()) gate.wait(seen);
  const auto before = kernel->heartbeat(block);
  EXPECT_GT(before.turns, 0u);
  EXPECT_EQ(before.handling, (Handling{gatekeeper, Wait::id, Tests::type_of<Gate>()}));
  EXPECT_EQ(kernel->heartbeat(block).turns, before.turns);
  const auto echo = kernel.spawn<Echo>({});  // in the other block, which works on
  EXPECT_NE(block_of(echo.slot()), block);
  kernel.ping(echo, 5);
  EXPECT_EQ(kernel.receive().as<Pong>().value, 5u);
  gate = 2;
  gate.notify_all();
}

TEST(Kernel, C63_CountersTellWhatAnActorDid) {
  Fixture kernel;
  const auto echo = kernel.spawn<Echo>({});
  for (std::uint64_t i = 1; i <= 100; ++i) kernel.ping(echo, i);
  kernel.send(echo, Unknown{});
  kernel.receive_values(100);
  kernel.letters(1);
  ASSERT_TRUE(kernel->suspend());
  const auto report = kernel->report(echo);
  EXPECT_EQ(report.counters.handled, 100u);
  EXPECT_EQ(report.counters.sent, 100u);
  EXPECT_EQ(report.counters.buried, 1u);
  EXPECT_EQ(report.counters.failed, 0u);
  EXPECT_EQ(report.counters.refused, 0u);
  EXPECT_GT(report.counters.busy_ticks, 0u);
  std::uint64_t in_histogram = 0;
  for (const auto bucket : report.counters.busy) in_histogram += bucket;
  EXPECT_EQ(in_histogram, 100u);
  EXPECT_EQ(report.mailbox.enqueued, 101u);
  EXPECT_EQ(report.mailbox.depth, 0u);
  EXPECT_GT(report.mailbox.depth_max, 0u);
}

// ---- parking

/// Tokens run through chains of actors in all blocks while `meanwhile` is called; each arrives once and in order.
void run_tokens(Fixture& kernel, const std::function<void()>& meanwhile) {
  constexpr std::uint32_t actors = 12, tokens = 6;
  constexpr std::uint64_t hops = 2000;
  std::vector<Address> ring;
  for (std::uint32_t i = 0; i < actors; ++i)
    ring.push_back(kernel.spawn<Ring>({ring.empty() ? host_address : ring.back(), 0}));
  const std::uint64_t rounds = hops / actors;
  std::uint64_t started = 0, ended = 0;
  std::atomic<bool> done{false};
  std::thread storm([&] {
    while (!done) meanwhile();
  });
  while (ended < rounds * tokens) {
    while (started < rounds * tokens && started - ended < tokens) {
      EXPECT_EQ(kernel.send(ring.back(), Token{actors - 1}), Delivery::accepted);
      ++started;
    }
    EXPECT_EQ(kernel.receive().as<Pong>().value, ++ended) << "the last actor counts what it saw";
  }
  done = true;
  storm.join();
  ASSERT_TRUE(kernel->suspend());  // the last answer leaves its handler before that is counted
  std::uint64_t handled = 0, refused = 0;
  for (const auto actor : ring) {
    handled += kernel->report(actor).counters.handled;
    refused += kernel->report(actor).counters.refused;
  }
  EXPECT_EQ(handled, rounds * tokens * actors);
  EXPECT_EQ(refused, 0u);
  EXPECT_EQ(kernel.waiting(), 0u);
  EXPECT_EQ(kernel->lost_letters(), 0u);
}

TEST(Kernel, C56_EveryMessageIsHandledOnceUnderAStormOfParks) {
  Fixture kernel({.blocks = 2});
  int parks = 0;
  run_tokens(kernel, [&] { kernel->exclusive([&] { ++parks; }); });
  EXPECT_GT(parks, 0);
}

TEST(Kernel, C14_C56_EveryMessageIsHandledOnceUnderAStormOfSuspensions) {
  Fixture kernel({.blocks = 2});
  run_tokens(kernel, [&] {
    ASSERT_TRUE(kernel->suspend());
    ASSERT_TRUE(kernel->resume());
  });
}

TEST(Kernel, ABlockLeavesAtTheEndOfItsQuantumAndComesBack) {
  Fixture kernel({.blocks = 2, .quantum = 20us});
  run_tokens(kernel, [] { std::this_thread::yield(); });
  EXPECT_GT(kernel->relaunches(), 0u);
}

TEST(Kernel, NoBlockRunsDuringExclusiveAndErrorsPass) {
  Fixture kernel({.blocks = 2});
  const auto echo = kernel.spawn<Echo>({});
  kernel->exclusive([&] {
    const auto before = kernel->heartbeat(0).turns;
    kernel.ping(echo, 1);
    EXPECT_EQ(kernel->report(echo).counters.handled, 0u);
    EXPECT_EQ(kernel->heartbeat(0).turns, before);
  });
  EXPECT_EQ(kernel.receive().as<Pong>().value, 1u);
  EXPECT_THROW(kernel->exclusive([] { throw std::runtime_error("foreign code"); }), std::runtime_error);
  kernel.ping(echo, 2);
  EXPECT_EQ(kernel.receive().as<Pong>().value, 2u);
}

TEST(Kernel, C56_ActorsThatEndWhileOthersSendLoseNothing) {
  Fixture kernel({.blocks = 2, .egress_capacity = 4096});
  std::uint64_t accepted = 0, sent = 0;
  std::atomic<bool> done{false};
  std::atomic<std::uint32_t> target{kernel.spawn<Echo>({}).value};
  std::thread sending([&] {
    for (std::uint32_t last = 0, to_it = 0; !done;) {
      const std::uint32_t now = target;
      to_it = now == last ? to_it + 1 : 0;
      last = now;
      if (to_it > 200) {  // enough for this one
        std::this_thread::yield();
        continue;
      }
      if (kernel.send(Address{now}, Ping{++sent}) == Delivery::accepted) ++accepted;
    }
  });
  for (int i = 0; i < 100; ++i) {
    const Address old{target};
    target = kernel.spawn<Echo>({}).value;
    ASSERT_EQ(kernel->step(old, Step::terminate).value(), Life::terminated);
  }
  done = true;
  sending.join();
  ASSERT_EQ(kernel->step(Address{target}, Step::terminate).value(), Life::terminated);
  const auto ends = kernel.await_ends(accepted);
  EXPECT_EQ(ends, accepted) << "each was answered or is a dead letter";
  EXPECT_EQ(kernel->lost_letters(), 0u);
}

}  // namespace
}  // namespace ringray::test
