// Topics of device actors, in a job of one rank and of two. On one rank, the other rank is this one.

#include <ringray/topic.hpp>

#include "public.hpp"
#include "ringray/runtime/core.hpp"

namespace ringray::test::topics {
namespace {

using namespace device;

struct Reading {
  static constexpr std::uint16_t id = 1;
  std::uint64_t value;
};
struct Speak {
  static constexpr std::uint16_t id = 2;
  std::uint64_t first, count;
};
struct Heard {
  static constexpr std::uint16_t id = 3;
  std::uint64_t count, sum, out_of_order;
};
struct Report {
  static constexpr std::uint16_t id = 4;
  using Reply = Heard;
  std::uint32_t unused;
};
struct Speaker {
  struct State {
    Topic<Reading> topic;
  };
  using Handled = Messages<Speak>;
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State& state, const Speak& speak) {
    for (std::uint64_t i = 0; i < speak.count; ++i)
      if (context.publish(state.topic, Reading{speak.first + i}) != Delivery::accepted) context.fail(1);
  }
};
struct Hearer {
  struct State {
    Heard heard;
    std::uint64_t last;
  };
  using Handled = Messages<Reading, Report>;
  template <class Context>
  RINGRAY_DEVICE static void on(const Context&, State& state, const Reading& reading) {
    ++state.heard.count;
    state.heard.sum += reading.value;
    state.heard.out_of_order += reading.value < state.last;
    state.last = reading.value;
  }
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State& state, const Report&) {
    context.reply(state.heard);
  }
};
using TopicProgram = Program<Speaker, Hearer>;
using Handle = KernelHandle<TopicProgram>;

struct Monitor {
  void note(const std::string& topic, const Reading& reading) {
    if (reading.value != count) in_order = false;
    last_topic = topic;
    ++count;
  }
  std::uint64_t get_count() const { return in_order ? count : 0; }
  std::string get_topic() const { return last_topic; }
  std::string last_topic;
  std::uint64_t count = 0;
  bool in_order = true;
};

Rank last() { return Rank{ranks() - 1}; }
Handle launched_on(Rank rank) {
  return get(submit({.placement = on_rank(rank)}, [] { return launch<TopicProgram>({.name = "talking"}); }));
}
bool nobody_subscribes() {
  return soon([] { return runtime::core().with([] { return runtime::core().subscriptions().patterns(); }) == 0; });
}
/// For each rank on which a kernel may be.
template <class Test>
void on_both(const Test& test) {
  for (const auto rank : {this_rank(), last()}) {
    SCOPED_TRACE(rank.value);
    test(rank);
    EXPECT_TRUE(nobody_subscribes());
  }
}

TEST(DeviceTopics, WhatAnActorPublishesComesInOrderToHostActorsOfAnyRank) {
  on_both([](Rank rank) {
    const auto kernel = launched_on(rank);
    std::vector<ActorHandle<Monitor>> monitors;
    for (std::uint32_t r = 0; r < ranks(); ++r) {
      monitors.push_back(spawn<Monitor>({.placement = on_rank(Rank{r})}));
      subscribe<&Monitor::note>("sim/*/energy", monitors.back());
    }
    const auto speaker = kernel.spawn<Speaker>({kernel.topic<Reading>("sim/3/energy")});
    for (std::uint64_t i = 0; i < 100; ++i) speaker.send(Speak{10 * i, 10});
    for (const auto& monitor : monitors) {
      EXPECT_TRUE(soon([&] { return get(monitor.call<&Monitor::get_count>()) == 1000; }));
      EXPECT_EQ(get(monitor.call<&Monitor::get_topic>()), "sim/3/energy");
    }
  });
}

TEST(DeviceTopics, PublishedValuesAreMessagesToActorsThatSubscribed) {
  on_both([](Rank rank) {
    const auto kernel = launched_on(rank);
    const auto small = kernel.spawn<Hearer>({.queue_capacity = 4}, {}), other = kernel.spawn<Hearer>();
    small.subscribe<Reading>("values/#");
    other.subscribe<Reading>("values/2");
    constexpr std::uint64_t count = 2000;
    for (std::uint64_t i = 0; i < count; ++i) publish(i < count / 2 ? "values/1" : "values/2", Reading{i});
    publish("values/2", 1.0);  // of another type
    Heard heard;
    EXPECT_TRUE(soon([&] { return (heard = get(small.call(Report{}))).count == count; })) << heard.count;
    EXPECT_EQ(heard.sum, count * (count - 1) / 2);
    EXPECT_EQ(heard.out_of_order, 0u);
    EXPECT_TRUE(soon([&] { return get(other.call(Report{})).count == count / 2; }));
    EXPECT_TRUE(small.unsubscribe<Reading>("values/#"));
    EXPECT_FALSE(small.unsubscribe<Reading>("values/#"));
    publish("values/2", Reading{1});
    EXPECT_TRUE(soon([&] { return get(other.call(Report{})).count == count / 2 + 1; }));
    EXPECT_EQ(get(small.call(Report{})).count, count);
  });
}

TEST(DeviceTopics, ActorsOfDifferentKernelsMeetByATopic) {
  on_both([](Rank rank) {
    const auto here = launched_on(this_rank()), there = launched_on(rank);
    const auto hearer = here.spawn<Hearer>();
    hearer.subscribe<Reading>("meeting");
    const auto first = there.spawn<Speaker>({there.topic<Reading>("meeting")});
    const auto second = here.spawn<Speaker>({here.topic<Reading>("meeting")});
    first.send(Speak{0, 100});
    second.send(Speak{1000, 100});
    EXPECT_TRUE(soon([&] { return get(hearer.call(Report{})).count == 200; }));
  });
}

TEST(DeviceTopics, ATopicIsTheSameForTheSameNameAndTypeAndWrongOnesAreRefused) {
  on_both([](Rank rank) {
    auto kernel = launched_on(rank);
    const auto topic = kernel.topic<Reading>("a/b");
    EXPECT_EQ(kernel.topic<Reading>("a/b").address, topic.address);
    EXPECT_FALSE(kernel.topic<Reading>("a/c").address == topic.address);
    EXPECT_FALSE(kernel.topic<Speak>("a/b").address == topic.address);
    EXPECT_FALSE(kernel.topic<Reading>("a/b", {.retain = true}).address == topic.address);
    EXPECT_TRUE(has(thrown([&] { kernel.topic<Reading>("a/*"); }), {"ConfigError", "a/*"}));
    const auto hearer = kernel.spawn<Hearer>();
    EXPECT_TRUE(has(thrown([&] { hearer.subscribe<Reading>("a/#/b"); }), {"ConfigError", "a/#/b"}));
    const auto lost = kernel.spawn<Speaker>();  // it was given no topic
    lost.send(Speak{0, 1});
    EXPECT_TRUE(soon([&] { return kernel.dead_letters().size() == 1; }));
    EXPECT_EQ(kernel.dead_letters().front().reason, Reason::no_handler);
    kernel.terminate();
    EXPECT_TRUE(has(thrown([&] { kernel.topic<Reading>("new"); }), {"ActorDiedError", "kernel 'talking' has ended"}));
  });
}

TEST(DeviceTopics, ARetainedValueOfAnActorComesToLaterSubscribers) {
  on_both([](Rank rank) {
    const auto kernel = launched_on(rank);
    const auto speaker = kernel.spawn<Speaker>({kernel.topic<Reading>("kept", {.retain = true})});
    speaker.send(Speak{0, 1});
    for (int i = 0; i < 2; ++i) {  // the second one cannot have been there when it was published
      const auto monitor = spawn<Monitor>();
      subscribe<&Monitor::note>("kept", monitor);
      EXPECT_TRUE(soon([&] { return get(monitor.call<&Monitor::get_count>()) == 1; }));
    }
    EXPECT_TRUE(clear_retained("kept"));
  });
}

TEST(DeviceTopics, AnActorThatIsTerminatedOrWhoseKernelEndsIsForgotten) {
  on_both([](Rank rank) {
    auto kernel = launched_on(rank);
    const auto gone = kernel.spawn<Hearer>(), kept = kernel.spawn<Hearer>();
    gone.subscribe<Reading>("end/1");
    gone.subscribe<Reading>("end/#");
    gone.terminate();
    publish("end/1", Reading{1});
    EXPECT_TRUE(nobody_subscribes());
    kept.subscribe<Reading>("end/2");
    publish("end/2", Reading{1});
    EXPECT_TRUE(soon([&] { return get(kept.call(Report{})).count == 1; }));
    kernel.terminate();
    publish("end/2", Reading{1});
    EXPECT_TRUE(nobody_subscribes());
  });
}

}  // namespace
}  // namespace ringray::test::topics
