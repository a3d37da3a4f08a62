// One-way calls: with what callers, methods and arguments they may meet.

#include <numeric>

#include "actors.hpp"

namespace conformance {
namespace {

struct Picky {
  int value = 0;
  template <class Archive>
  void save(Archive& archive) const {
    archive(value);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(value);
    if (value < 0) throw std::invalid_argument("a negative Picky");
  }
};

struct Listener {
  void hear(const std::string& text) { heard += text; }
  void hear_later(const std::string& text, const std::string& suffix) { heard += text + suffix; }
  Task<void> hear_in_pieces(std::string text) {
    heard += text;
    co_await submit([] { return 1; });
    heard += text;
    co_return;
  }
  void sum(const std::vector<int>& numbers) { total += std::accumulate(numbers.begin(), numbers.end(), 0); }
  void sum_refs(const std::vector<ObjectRef<int>>& refs) {
    for (const auto& ref : refs) total += get(ref);
  }
  void wait_for(int rank, int count) {
    for (int i = 0; i < count; ++i)
      total += get(submit({.placement = on_rank(Rank{static_cast<std::uint32_t>(rank)})}, [] { return 1; }));
  }
  void take(const Picky& picky) { total += picky.value; }
  void fail() { throw std::runtime_error("nobody hears this"); }
  void leave() { exit_actor(); }
  void ask_for_stop() { total += this_task::stop_token().stop_requested() ? 1000 : 1; }
  void ask_for_gpus() { total += static_cast<int>(this_task::gpus().size()); }
  int get_total() const { return total; }
  std::string get_heard() const { return heard; }
  bool restarted() const { return this_actor::was_restarted(); }
  std::string heard;
  int total = 0;
};

TEST_F(Ray, OneWayCallsStayInOrderWithCallsThatWaitForArguments) {
  for_each_home([](Rank home) {
    auto listener = spawn<Listener>({.placement = on_rank(home)});
    Door door;
    const auto suffix = submit([](int) { return std::string("!"); }, door.ref());
    listener.send<&Listener::hear>("a");
    const auto waits = listener.call<&Listener::hear_later>("b", suffix);
    listener.send<&Listener::hear>("c");
    listener.send<&Listener::hear_later>("d", suffix);
    const auto last = listener.call<&Listener::get_heard>();
    EXPECT_TRUE(pending(waits));
    EXPECT_TRUE(pending(last));
    door.open();
    EXPECT_EQ(get(last), "ab!cd!");
  });
}

TEST_F(Ray, ManyOneWayCallsRunOnceAndInOrder) {
  for_each_home([](Rank home) {
    auto listener = spawn<Listener>({.placement = on_rank(home)});
    std::string expected;
    for (int i = 0; i < 3000; ++i) {
      const auto text = std::to_string(i) + std::string(static_cast<std::size_t>(i % 300), '.');
      listener.send<&Listener::hear>(text);
      expected += text;
    }
    EXPECT_EQ(get(listener.call<&Listener::get_heard>()), expected);
  });
}

TEST_F(Ray, AOneWayCallThatThrowsHarmsNobody) {
  for_each_home([](Rank home) {
    auto listener = spawn<Listener>({.placement = on_rank(home)});
    listener.send<&Listener::hear>("a");
    listener.send<&Listener::fail>();
    listener.send<&Listener::take>(Picky{-1});
    listener.send<&Listener::take>(Picky{3});
    listener.send<&Listener::hear>("b");
    EXPECT_EQ(get(listener.call<&Listener::get_heard>()), "ab");
    // On the same rank nothing is decoded.
    EXPECT_EQ(get(listener.call<&Listener::get_total>()), home == Rank{0} ? 2 : 3);
  });
}

TEST_F(Ray, AnActorMayLeaveInAOneWayCall) {
  for_each_home([](Rank home) {
    auto listener = spawn<Listener>({.placement = on_rank(home)});
    EXPECT_EQ(get(listener.call<&Listener::get_total>()), 0);
    listener.send<&Listener::leave>();
    listener.send<&Listener::hear>("too late");
    EXPECT_FALSE(error_of<ActorDiedError>(listener.call<&Listener::get_heard>()).empty());
  });
}

TEST_F(Ray, OneWayCallsMayWaitAndAskWhoTheyAre) {
  for_each_home([](Rank home) {
    auto listener = spawn<Listener>({.placement = on_rank(home)});
    listener.send<&Listener::wait_for>(0, 3);
    listener.send<&Listener::wait_for>(static_cast<int>(last_rank().value), 3);
    listener.send<&Listener::ask_for_stop>();
    listener.send<&Listener::ask_for_gpus>();
    listener.send<&Listener::hear_in_pieces>("x");
    EXPECT_EQ(get(listener.call<&Listener::get_total>()), 7);
    EXPECT_TRUE(soon([&] { return get(listener.call<&Listener::get_heard>()) == "xx"; }));
  });
}

TEST_F(Ray, OneWayCallsCarryReferencesAndLargeArguments) {
  for_each_home([](Rank home) {
    auto listener = spawn<Listener>({.placement = on_rank(home)});
    listener.send<&Listener::sum>(std::vector<int>(10'000, 1));
    listener.send<&Listener::sum>(std::vector<int>{});
    listener.send<&Listener::sum_refs>(std::vector{put(1), put(2), submit([] { return 3; })});
    EXPECT_EQ(get(listener.call<&Listener::get_total>()), 10'006);
    listener.send<&Listener::hear>(std::string(200'000, 'x'));  // travels as an object
    EXPECT_EQ(get(listener.call<&Listener::get_heard>()).size(), 200'000u);
  });
}

TEST_F(Ray, OneWayCallsThatHaveNotBegunGoToTheFreshInstanceWhenRetriesAreAllowed) {
  for_each_home([](Rank home) {
    for (const int retries : {0, -1}) {
      auto witness = spawn<Witness>();
      auto mortal =
          spawn<Mortal>({.placement = on_rank(home), .max_restarts = 1, .max_task_retries = retries}, witness);
      Door door;
      const auto begun = mortal.call<&Mortal::hold>(door.ref(), 1);
      EXPECT_TRUE(pending(begun));
      Door held(home);
      const auto holds = mortal.call<&Mortal::hold>(held.ref(), 1);  // behind the first
      for (int i = 0; i < 5; ++i) mortal.send<&Mortal::note>("queued");
      door.open();
      EXPECT_EQ(get(begun), 1);
      EXPECT_TRUE(soon([&] { return noted(witness, "mortal holds") == 2; }));
      kill(mortal, {.restart = true});
      const auto after = mortal.call<&Mortal::add>(0);
      held.open();
      EXPECT_EQ(get(holds), 2);
      EXPECT_EQ(get(after), 0);
      EXPECT_EQ(noted(witness, "queued"), retries == 0 ? 0 : 5);
    }
  });
}

/// Says where it is decoded.
struct Locating {
  bool in_a_task = false;
  template <class Archive>
  void save(Archive& archive) const {
    archive(in_a_task);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(in_a_task);
    try {
      in_a_task = this_task::gpus().empty();
    } catch (const ConfigError&) {  // outside of a task
    }
  }
};
struct Locator {
  void take(const Locating& locating) { in_a_task = locating.in_a_task; }
  bool decoded_in_a_task() const { return in_a_task; }
  bool in_a_task = false;
};

TEST_F(Ray, OneWayCallsAreDecodedInTheTurnOfTheirActor) {
  if (ranks() == 1) GTEST_SKIP() << "on one rank nothing is decoded";
  auto locator = spawn<Locator>({.placement = on_rank(last_rank())});
  locator.wait();  // what comes before it is there takes another way
  locator.send<&Locator::take>(Locating{});
  EXPECT_TRUE(get(locator.call<&Locator::decoded_in_a_task>()));
}

TEST_F(Ray, OneWayCallsOfAGroupRunInItsLane) {
  for_each_home([](Rank home) {
    auto listener = spawn<Listener>({.placement = on_rank(home), .concurrency_groups = {{.name = "other"}}});
    listener.group("other").send<&Listener::hear>("a");
    EXPECT_TRUE(soon([&] { return get(listener.call<&Listener::get_heard>()) == "a"; }));
    listener.send<&Listener::hear>("b");
    EXPECT_EQ(get(listener.call<&Listener::get_heard>()), "ab");
  });
}

}  // namespace
}  // namespace conformance
