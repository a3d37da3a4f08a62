// Topics: what is published, from any rank, to actors of any rank. The number is that of conformance/device.md.

#include <atomic>
#include <mutex>

#include "actors.hpp"

namespace conformance {
namespace {

struct Monitor {
  void note(double value) {
    const std::lock_guard lock(mutex);  // some have several calls at a time
    values.push_back(value);
  }
  void name(const std::string& topic, double value) { names.push_back(topic + "=" + std::to_string(int(value))); }
  void text(const std::string& value) { texts.push_back(value); }
  void numbers(const std::vector<double>& all) { values.insert(values.end(), all.begin(), all.end()); }
  void refer(const ObjectRef<double>& ref) { values.push_back(get(ref)); }
  void hold(ActorHandle<Witness> witness, ObjectRef<int> gate) {
    witness.send<&Witness::note>("holds");
    get(gate);
  }
  std::vector<double> get_values() {
    const std::lock_guard lock(mutex);
    return values;
  }
  std::vector<std::string> get_names() const { return names; }
  std::vector<std::string> get_texts() const { return texts; }
  std::mutex mutex;
  std::vector<double> values;
  std::vector<std::string> names, texts;
};
using Handle = ActorHandle<Monitor>;
std::vector<double> values_of(const Handle& monitor) { return get(monitor.call<&Monitor::get_values>()); }
bool gets(const Handle& monitor, std::size_t count) {
  return soon([&] { return values_of(monitor).size() >= count; });
}
Handle monitor_on(Rank home, ActorOptions options = {}) {
  options.placement = on_rank(home);
  return spawn<Monitor>(options);
}
void publish_numbers(const std::string& topic, int from, int to, PublishOptions options) {
  for (int i = from; i < to; ++i) publish(topic, double(i), options);
}
/// Publishes on every rank, and returns when that is done.
void publish_everywhere(const std::string& topic, int count, PublishOptions options = {}) {
  std::vector<ObjectRef<void>> done;
  for (std::uint32_t r = 0; r < ranks(); ++r)
    done.push_back(
        submit({.placement = on_rank(Rank{r})}, publish_numbers, topic, int(r) * 1000, int(r) * 1000 + count, options));
  get(done);
}
/// Of the publisher with that number.
std::vector<double> from(std::uint32_t rank, const std::vector<double>& all) {
  std::vector<double> part;
  std::copy_if(all.begin(), all.end(), std::back_inserter(part),
               [&](double value) { return std::uint32_t(value) / 1000 == rank; });
  return part;
}

TEST_F(Ray, WhatAnyRankPublishesAfterSubscribeReturnedComesOnceAndInOrder) {
  for_each_home([](Rank home) {
    const auto monitor = monitor_on(home);
    const auto topic = unique("sim/") + "/energy";
    subscribe<&Monitor::note>("sim/*/energy", monitor);
    subscribe<&Monitor::note>("sim/#", monitor);  // once, however many patterns match
    publish_everywhere(topic, 300);
    ASSERT_TRUE(gets(monitor, 300 * ranks()));
    const auto all = values_of(monitor);
    EXPECT_EQ(all.size(), 300 * ranks());
    for (std::uint32_t r = 0; r < ranks(); ++r) {
      const auto part = from(r, all);
      ASSERT_EQ(part.size(), 300u);
      for (int i = 0; i < 300; ++i) ASSERT_EQ(part[i], r * 1000 + i);
    }
  });
}

TEST_F(Ray, C52_AStarIsOneLevelAHashAnyDepthAndAPrefixNoMatch) {
  for_each_home([](Rank home) {
    const auto monitor = monitor_on(home);
    subscribe<&Monitor::name>("a/*/c", monitor);
    subscribe<&Monitor::name>("d/#", monitor);
    subscribe<&Monitor::name>("e", monitor);
    int i = 0;
    for (const auto* topic : {"a/b/c", "a/c", "a/b/b/c", "a/b", "d", "d/e/f", "dd", "e", "e/f", "ee"})
      publish(topic, double(i++));
    publish("e", 10.0);
    EXPECT_TRUE(soon([&] { return get(monitor.call<&Monitor::get_names>()).size() >= 5; }));
    EXPECT_EQ(get(monitor.call<&Monitor::get_names>()),
              (std::vector<std::string>{"a/b/c=0", "d=4", "d/e/f=5", "e=7", "e=10"}));
    EXPECT_THROW(subscribe<&Monitor::name>("a/#/c", monitor), ConfigError);
    EXPECT_THROW(publish("a/*", 1.0), ConfigError);
    EXPECT_THROW(publish("", 1.0), ConfigError);
    const std::string huge(200'000, 'a');
    EXPECT_THROW(subscribe<&Monitor::name>(huge, monitor), ConfigError);
    EXPECT_THROW(unsubscribe<&Monitor::name>(huge, monitor), ConfigError);
    EXPECT_THROW(publish(huge, 1.0), ConfigError);
    EXPECT_THROW(publish(huge, 1.0, {.retain = true}), ConfigError);
    EXPECT_THROW(clear_retained(huge), ConfigError);
  });
}

TEST_F(Ray, WhatIsPublishedAndSentByOneCallerComesInThatOrder) {
  for_each_home([](Rank home) {
    const auto monitor = monitor_on(home);
    subscribe<&Monitor::note>("x", monitor);
    subscribe<&Monitor::numbers>("large", monitor);
    for (int i = 0; i < 200; i += 4) {
      publish("x", double(i));
      monitor.send<&Monitor::note>(i + 1);
      publish("large", std::vector<double>(i % 40 == 0 ? 20'000 : 1, i + 2));  // some by the object store
      publish("x", double(i + 3));
    }
    auto all = values_of(monitor);
    all.erase(std::unique(all.begin(), all.end()), all.end());
    ASSERT_EQ(all.size(), 200u);
    for (int i = 0; i < 200; ++i) ASSERT_EQ(all[i], i);
  });
}

TEST_F(Ray, ReferencesTravelInWhatIsPublished) {
  for_each_home([](Rank home) {
    const auto here = monitor_on(home), there = monitor_on(last_rank());
    subscribe<&Monitor::refer>("refs", here);
    subscribe<&Monitor::refer>("refs", there);
    for (int i = 0; i < 20; ++i) publish("refs", put(double(i)));
    EXPECT_TRUE(gets(here, 20));
    EXPECT_TRUE(gets(there, 20));
    get(submit({.placement = on_rank(last_rank())}, [] { publish("refs", put(1.5)); }));
    EXPECT_TRUE(gets(here, 21));
    EXPECT_TRUE(gets(there, 21));
  });
}

TEST_F(Ray, AValueOfAnotherTypeIsNotGivenAndDoesNoHarm) {
  for_each_home([](Rank home) {
    const auto monitor = monitor_on(home);
    subscribe<&Monitor::note>("typed", monitor);
    subscribe<&Monitor::text>("typed", monitor);
    publish("typed", 1);  // an int is no double
    publish("typed", "one");
    publish("typed", 1.0);
    EXPECT_TRUE(gets(monitor, 1));
    EXPECT_EQ(values_of(monitor), std::vector<double>{1});
    EXPECT_EQ(get(monitor.call<&Monitor::get_texts>()), std::vector<std::string>{"one"});
  });
}

TEST_F(Ray, NothingComesAfterUnsubscribe) {
  for_each_home([](Rank home) {
    const auto monitor = monitor_on(home);
    subscribe<&Monitor::note>("u/*", monitor);
    subscribe<&Monitor::text>("u/*", monitor);
    EXPECT_TRUE(unsubscribe<&Monitor::note>("u/*", monitor));
    EXPECT_FALSE(unsubscribe<&Monitor::note>("u/*", monitor));
    publish_everywhere("u/1", 3);
    std::vector<ObjectRef<void>> done;
    for (std::uint32_t r = 0; r < ranks(); ++r)
      done.push_back(submit({.placement = on_rank(Rank{r})}, [] { publish("u/1", std::string("text")); }));
    get(done);
    EXPECT_TRUE(soon([&] { return get(monitor.call<&Monitor::get_texts>()).size() == ranks(); }));
    EXPECT_TRUE(values_of(monitor).empty());
  });
}

TEST_F(Ray, UnsubscribingFromNoPatternIsAnErrorAndEndsNothing) {
  for_each_home([](Rank home) {
    const auto monitor = monitor_on(home);
    subscribe<&Monitor::note>("n/1", monitor);
    subscribe<&Monitor::note>("n/2/#", monitor);
    EXPECT_THROW(unsubscribe<&Monitor::note>("", monitor), ConfigError);
    publish("n/1", 1.0);
    publish("n/2/3", 2.0);
    EXPECT_TRUE(gets(monitor, 2));
  });
}

/// What is negative cannot be read.
struct Picky {
  int value = 0;
  template <class Archive>
  void save(Archive& archive) const {
    archive(value);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(value);
    if (value < 0) throw std::runtime_error("it is negative");
  }
};
struct Taker {
  void take(const Picky& picky) { values.push_back(picky.value); }
  std::vector<int> get_values() const { return values; }
  std::vector<int> values;
};

TEST_F(Ray, AValueThatCannotBeReadHarmsNeitherItsPublisherNorLaterOnes) {
  for_each_home([](Rank home) {
    for (const auto concurrency : {1u, 2u}) {
      std::vector<ActorHandle<Taker>> takers;
      for (int i = 0; i < 2; ++i) {
        takers.push_back(
            spawn<Taker>({.placement = on_rank(home), .max_concurrency = concurrency, .max_pending_calls = 1}));
        subscribe<&Taker::take>("picky", takers.back());
      }
      const auto all_have = [&](std::vector<int> values) {
        return soon([&] {
          return std::all_of(takers.begin(), takers.end(),
                             [&](auto& taker) { return get(taker.template call<&Taker::get_values>()) == values; });
        });
      };
      EXPECT_NO_THROW(publish("picky", Picky{-1}));
      EXPECT_NO_THROW(publish("picky", Picky{-2}));
      for (const auto& taker : takers) get(taker.call<&Taker::get_values>());  // those are behind it
      publish("picky", Picky{1});
      EXPECT_TRUE(all_have({1}));
      publish("picky", Picky{2});
      EXPECT_TRUE(all_have({1, 2}));
    }
  });
}

TEST_F(Ray, ARetainedValueComesOnceHoweverManyPatternsMatch) {
  for_each_home([](Rank home) {
    publish("kept/3/energy", 1.0, {.retain = true});
    publish("kept/3", 2.0, {.retain = true});
    const auto monitor = monitor_on(home);
    subscribe<&Monitor::note>("kept/*/energy", monitor);
    subscribe<&Monitor::note>("kept/#", monitor);
    EXPECT_EQ(values_of(monitor), (std::vector<double>{1, 2}));
    clear_retained("kept/3/energy");
    clear_retained("kept/3");
  });
}

TEST_F(Ray, RetainedValuesWaitForRankZeroAndAllCome) {
  for_each_home([](Rank home) {
    constexpr int many = 20'000;
    const auto monitor = monitor_on(home);
    subscribe<&Monitor::note>("flood", monitor);
    get(submit({.placement = on_rank(last_rank())}, [] {
      for (int i = 0; i < many; ++i) publish("flood", double(i), {.quality = Quality::exactly_once, .retain = true});
    }));
    ASSERT_TRUE(gets(monitor, many));
    const auto all = values_of(monitor);
    ASSERT_EQ(all.size(), std::size_t(many));
    for (int i = 0; i < many; ++i) ASSERT_EQ(all[i], i);
    clear_retained("flood");
  });
}

TEST_F(Ray, RetainedValuesComeToLaterSubscribersFirstAndInOneOrderToAll) {
  for_each_home([](Rank home) {
    const auto topic = unique("retained/");
    publish_everywhere(topic, 20, {.retain = true});
    const auto early = monitor_on(home), late = monitor_on(last_rank());
    subscribe<&Monitor::note>("retained/#", early);
    ASSERT_TRUE(gets(early, 1));
    publish_everywhere(topic, 20, {.retain = true});
    subscribe<&Monitor::note>(topic, late);
    publish(topic, -1.0, {.retain = true});
    const auto is_last = [](const Handle& monitor) {
      const auto all = values_of(monitor);
      return !all.empty() && all.back() == -1;
    };
    EXPECT_TRUE(soon([&] { return is_last(early) && is_last(late); }));
    const auto all = values_of(early), end = values_of(late);
    EXPECT_EQ(all.size(), 1 + 20 * ranks() + 1);
    ASSERT_EQ(end.size(), 2u);
    EXPECT_EQ(end[0], all[all.size() - 2]);
    EXPECT_TRUE(clear_retained(topic));
    EXPECT_FALSE(clear_retained(topic));
    const auto later = monitor_on(home);
    subscribe<&Monitor::note>(topic, later);
    EXPECT_TRUE(values_of(later).empty());
    EXPECT_THROW(publish(topic, put(1.0), {.retain = true}), ConfigError);
  });
}

/// While it lives, the monitor is busy.
class Busy {
 public:
  explicit Busy(const Handle& monitor) {
    monitor.send<&Monitor::hold>(witness_, gate_.ref());
    EXPECT_TRUE(soon([&] { return noted(witness_, "holds") == 1; }));
  }

 private:
  ActorHandle<Witness> witness_ = spawn<Witness>();
  Door gate_;
};

TEST_F(Ray, AtMostOnceMissesWhoIsBehindByItsLimitAndExactlyOnceWaits) {
  for_each_home([](Rank home) {
    const auto monitor = monitor_on(home, {.max_pending_calls = 2});
    subscribe<&Monitor::note>("slow", monitor);
    {
      const Busy busy(monitor);
      publish_numbers("slow", 0, 10, {.quality = Quality::at_most_once});
      publish_numbers("slow", 100, 104, {.quality = Quality::exactly_once});
    }
    EXPECT_TRUE(gets(monitor, 6));
    publish_numbers("slow", 200, 202, {});  // what waits no more does not count
    EXPECT_TRUE(gets(monitor, 8));
    EXPECT_EQ(values_of(monitor), (std::vector<double>{0, 1, 100, 101, 102, 103, 200, 201}));
  });
}

TEST_F(Ray, ExactlyOnceSurvivesARestartWithTheSubscriptionAtMostOnceDoesNot) {
  for_each_home([](Rank home) {
    for (const auto concurrency : {1u, 2u}) {
      const auto monitor = monitor_on(home, {.max_restarts = 1, .max_concurrency = concurrency});
      const auto now = [&] {
        try {
          return values_of(monitor);
        } catch (const ActorUnavailableError&) {  // between two instances
          return std::vector<double>{};
        }
      };
      subscribe<&Monitor::note>("restarted", monitor);
      {
        const Busy busy(monitor);
        const Busy also_busy(concurrency == 2 ? monitor : monitor_on(home));
        publish_numbers("restarted", 0, 4, {.quality = Quality::at_most_once});
        publish_numbers("restarted", 100, 104, {.quality = Quality::exactly_once});
        kill(monitor, {.restart = true});
      }
      EXPECT_TRUE(soon([&] { return now().size() >= 4; }));
      publish("restarted", 7.0);
      EXPECT_TRUE(soon([&] { return now().size() >= 5; }));
      auto all = now();
      std::sort(all.begin(), all.end());
      EXPECT_EQ(all, (std::vector<double>{7, 100, 101, 102, 103}));
    }
  });
}

/// Restarts itself in its turn, behind what has a lane by then; its next instance lets others run before it is there.
struct Phoenix {
  explicit Phoenix(int) {
    for (int i = 0; i < 100; ++i) this_task::yield();
  }
  Task<void> burn(ActorHandle<Phoenix> self) {
    kill(self, {.restart = true});
    co_return;
  }
  void note(int) { ++heard; }
  static inline std::atomic<int> heard = 0;
};

TEST_F(Ray, ExactlyOnceIsNotLostBetweenItsLaneAndTheNextInstance) {
  constexpr int rounds = 30, each = 4;
  Phoenix::heard = 0;
  const auto phoenix = spawn<Phoenix>({.placement = on_rank(Rank{0}), .max_restarts = -1, .max_concurrency = each}, 0);
  subscribe<&Phoenix::note>("lanes", phoenix);
  for (int round = 0; round < rounds && !HasFailure(); ++round) {
    for (int i = 0; i < each; ++i) publish("lanes", i, {.quality = Quality::exactly_once});
    phoenix.send<&Phoenix::burn>(phoenix);
    EXPECT_TRUE(soon([&] { return Phoenix::heard == (round + 1) * each; })) << Phoenix::heard;
  }
}

struct Leaver {
  void leave(double) { exit_actor(); }
};

TEST_F(Ray, WhoEndsIsForgottenHoweverItEnds) {
  for_each_home([](Rank home) {
    const auto stays = monitor_on(home);
    subscribe<&Monitor::note>("ends", stays);
    {
      auto dropped = monitor_on(home), killed = monitor_on(home);
      const auto leaver = spawn<Leaver>({.placement = on_rank(home)});
      subscribe<&Monitor::note>("ends", dropped);
      subscribe<&Monitor::note>("ends", killed);
      subscribe<&Leaver::leave>("ends", leaver);
      publish("ends", 1.0);
      kill(killed);
      dropped = {};
      publish_everywhere("ends", 10);
      EXPECT_THROW(subscribe<&Monitor::note>("ends", killed), ActorDiedError);
    }
    EXPECT_TRUE(gets(stays, 1 + 10 * ranks()));
    EXPECT_TRUE(soon([] { return counts_here().subscriptions == 1; }));
  });
}

struct Failing {
  explicit Failing(int) { throw std::runtime_error("never made"); }
  void note(double) {}
};

TEST_F(Ray, AnActorThatWasNeverMadeCannotSubscribe) {
  for_each_home([](Rank home) {
    const auto failed = spawn<Failing>({.placement = on_rank(home)}, 1);
    EXPECT_THROW(subscribe<&Failing::note>("never", failed), ActorDiedError);
    EXPECT_THROW(subscribe<&Monitor::note>("never", Handle{}), ConfigError);
  });
}

/// Passes on what it hears.
struct Chain {
  Task<void> hear(std::string topic, int value) {
    co_await submit([] {});
    if (value > 0) publish(topic, value - 1);
    heard += value;
  }
  int get_heard() const { return heard; }
  int heard = 0;
};

TEST_F(Ray, SubscribersMayPublishAndBeCoroutinesOrSeveralAtATime) {
  for_each_home([](Rank home) {
    const auto one = spawn<Chain>({.placement = on_rank(home)});
    const auto several = spawn<Chain>({.placement = on_rank(home), .max_concurrency = 3});
    subscribe<&Chain::hear>("chain/1", one);
    subscribe<&Chain::hear>("chain/2", several);
    publish("chain/1", 10);
    publish("chain/2", 10);
    for (const auto& chain : {one, several})
      EXPECT_TRUE(soon([&] { return get(chain.call<&Chain::get_heard>()) == 55; }));
  });
}

}  // namespace
}  // namespace conformance
