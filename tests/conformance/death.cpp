// The death of a rank: started by mpirun --enable-recovery, since it loses all ranks but 0 on the way. One test for
// one death, so the tests are in the order of the ranks that die.

#include <signal.h>
#include <unistd.h>

#include <ringray/device.hpp>

#include "harness.hpp"

namespace conformance {
namespace {

using Numbers = std::vector<int>;
Numbers numbers(int count) { return Numbers(static_cast<std::size_t>(count), 7); }
int dies() {
  ::kill(getpid(), SIGKILL);
  return 0;
}
struct Question {
  static constexpr std::uint16_t id = 1;
  using Reply = Question;
  std::uint32_t unused = 0;
};
/// A device actor that never answers.
struct Silent {
  struct State {
    std::uint32_t unused = 0;
  };
  using Handled = device::Messages<Question>;
  template <class Context>
  RINGRAY_DEVICE static void on(const Context&, State&, const Question&) {}
};
/// Passes questions on.
struct Relay {
  struct State {
    device::Address to;
  };
  using Handled = device::Messages<Question>;
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State& state, const Question& question) {
    context.send(state.to, question);
  }
};
struct Waiter {
  int wait() { return until_opened(); }
  int ping() { return 1; }
  void hear(int value) { heard += value; }
  int get_heard() const { return heard; }
  void keep(const std::vector<ObjectRef<Numbers>>& refs) { kept = refs; }
  std::vector<ObjectRef<Numbers>> kept;
  int heard = 0;
};
struct Owned {
  ObjectRef<Numbers> put_there, made_there, made_here;
  ObjectRef<int> never;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(put_there, made_there, made_here, never);
  }
};

TEST_F(Ray, C45_DeathOfAnOwnerEndsWhatDependsOnIt) {
  const auto victim = last_rank();
  const TaskOptions there{.placement = on_rank(victim)};
  const auto clean = counts_here();
  {
    const auto owned = get(submit(there, [] {
      return Owned{put(numbers(100'000)), submit(numbers, 100'000),
                   submit({.placement = on_rank(Rank{0})}, numbers, 100'000), submit(until_opened)};
    }));
    EXPECT_EQ(wait(std::vector{owned.put_there, owned.made_there, owned.made_here}, {.count = 3, .fetch = false})
                  .ready.size(),
              3u);
    auto actor = spawn<Waiter>({.placement = on_rank(victim)});
    EXPECT_EQ(get(actor.call<&Waiter::ping>()), 1);
    const auto survivor = spawn<Waiter>();
    subscribe<&Waiter::hear>("news/*", actor);
    subscribe<&Waiter::hear>("news/*", survivor);
    publish("news/1", 1);
    const auto kept_there = put(numbers(100'000));  // the dead borrower's references are forgotten
    get(actor.call<&Waiter::keep>(std::vector{kept_there}));
    const auto stored_there = submit(there, numbers, 100'000);  // owned here, the only copy is there
    EXPECT_EQ(wait(std::vector{stored_there}, {.fetch = false}).ready.size(), 1u);
    const auto call = actor.call<&Waiter::wait>();
    const auto running = submit({.placement = on_rank(victim), .max_retries = 0}, until_opened);
    const auto never = owned.never;
    EXPECT_THROW(get(never, 1ms), GetTimeoutError);  // asked for before the death

    const auto kernel = get(submit(there, [] { return device::launch<device::Program<Silent>>({.name = "far"}); }));
    const auto silent = kernel.spawn<Silent>();
    const auto unanswered = silent.call(Question{});
    const auto near = device::launch<device::Program<Relay>>({.name = "near"});
    const auto relay = near.spawn<Relay>({near.address_of(silent)});
    relay.send(Question{});
    EXPECT_TRUE(soon([&] { return kernel.telemetry().handled == 2; }));

    const auto fatal = submit({.placement = on_rank(victim), .max_retries = 0}, dies);
    EXPECT_THROW(get(fatal), RankDiedError);
    const auto text_of = [](const auto& ref) -> std::string {
      try {
        get(ref);
      } catch (const RankDiedError& error) {
        return error.what();
      } catch (const ActorDiedError& error) {
        return error.what();
      }
      return "nothing";
    };
    const auto where = " on rank " + std::to_string(victim.value) + ")";
    EXPECT_TRUE(text_of(running).ends_with("(in 'conformance::until_opened'" + where)) << text_of(running);
    EXPECT_TRUE(text_of(call).ends_with("Waiter::wait'" + where)) << text_of(call);
    EXPECT_THROW(get(actor.call<&Waiter::ping>()), ActorDiedError);
    EXPECT_THROW(get(unanswered), ActorDiedError);
    EXPECT_THROW(get(silent.call(Question{})), ActorDiedError);
    EXPECT_THROW(silent.send(Question{}), ActorDiedError);
    EXPECT_THROW(kernel.suspend(), ActorDiedError);
    relay.send(Question{});
    EXPECT_TRUE(soon([&] { return near.dead_letters().size() == 1; }));
    EXPECT_EQ(near.dead_letters().front().reason, device::Reason::unreachable);
    EXPECT_THROW(get(owned.put_there), OwnerDiedError);
    EXPECT_THROW(get(owned.made_there), OwnerDiedError);
    EXPECT_THROW(get(never), OwnerDiedError);
    EXPECT_THROW(get(stored_there), ObjectLostError);
    EXPECT_FALSE(alive(victim));
    EXPECT_EQ(get(submit([](int x) { return x + 1; }, 1)), 2);  // the others go on
    publish("news/1", 2);
    EXPECT_THROW(subscribe<&Waiter::hear>("news/2", actor), ActorDiedError);
    subscribe<&Waiter::hear>("news/#", survivor);  // waits for no dead rank
    publish("news/1", 4);
    EXPECT_TRUE(soon([&] { return get(survivor.call<&Waiter::get_heard>()) == 7; }));
  }
  EXPECT_TRUE(soon([&] { return counts_here() == clean; })) << counts_here().text();
}

}  // namespace
}  // namespace conformance
