// Topics: sensors in the kernels of all ranks publish readings, a guard in a kernel hears them and publishes alarms, a
// ledger on the host hears both. None knows the others. The guard's limit is retained, so that it comes to who
// subscribes later.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <ringray/device.hpp>
#include <ringray/ringray.hpp>

#include "../command_line.hpp"

namespace {

using namespace ringray::device;

struct Reading {
  static constexpr std::uint16_t id = 1;
  std::uint64_t number, degrees;
};
struct Alarm {
  static constexpr std::uint16_t id = 2;
  std::uint64_t degrees;
};
struct Limit {
  static constexpr std::uint16_t id = 3;
  std::uint64_t degrees;
};
struct Done {
  static constexpr std::uint16_t id = 4;
  std::uint64_t readings;
};
struct Measure {
  static constexpr std::uint16_t id = 5;
  using Reply = Done;
  std::uint64_t count;
};

struct Sensor {
  struct State {
    Topic<Reading> topic;
    std::uint64_t number;
  };
  using Handled = Messages<Measure>;
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State& state, const Measure& measure) {
    for (std::uint64_t i = 0; i < measure.count; ++i) {
      const auto number = state.number + i;
      if (context.publish(state.topic, Reading{number, number * 7 % 100}) != Delivery::accepted) context.fail(1);
    }
    context.sync();
    if (context.rank() == 0) state.number += measure.count;
    context.sync();
    context.reply(Done{state.number});
  }
};
struct Guard {
  struct State {
    Topic<Alarm> topic;
    std::uint64_t limit;
  };
  using Handled = Messages<Reading, Limit>;
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State& state, const Reading& reading) {
    if (reading.degrees >= state.limit && context.publish(state.topic, Alarm{reading.degrees}) != Delivery::accepted)
      context.fail(1);
  }
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State& state, const Limit& limit) {
    if (context.rank() == 0) state.limit = limit.degrees;
    context.sync();
  }
};
using Plant = Program<Sensor, Guard>;

/// What the ledger has heard.
struct Heard {
  std::uint64_t topics = 0, readings = 0, alarms = 0, limit = 0;
};
class Ledger {
 public:
  void read(const std::string& topic, const Reading& reading) {
    if (reading.number != next_[topic]++) throw std::logic_error("a reading of " + topic + " is out of order");
    ++heard_.readings;
  }
  void alarm(const Alarm&) { ++heard_.alarms; }
  void limit(const Limit& limit) { heard_.limit = limit.degrees; }
  Heard heard() {
    heard_.topics = next_.size();
    return heard_;
  }

 private:
  std::map<std::string, std::uint64_t> next_;  // number of a reading
  Heard heard_;
};

void work(std::uint64_t readings, std::uint64_t limit) {
  ringray::publish("plant/limit", Limit{limit}, {.retain = true});
  const auto ledger = ringray::spawn<Ledger>({.placement = ringray::on_rank(ringray::Rank{ringray::ranks() - 1})});
  ringray::subscribe<&Ledger::read>("plant/*/temperature", ledger);
  ringray::subscribe<&Ledger::alarm>("plant/alarm", ledger);

  std::vector<KernelHandle<Plant>> kernels;
  std::vector<Actor<Sensor>> sensors;
  for (std::uint32_t rank = 0; rank < ringray::ranks(); ++rank) {
    const auto kernel = kernels.emplace_back(ringray::get(ringray::submit(
        {.placement = ringray::on_rank(ringray::Rank{rank})}, [] { return launch<Plant>({.name = "plant"}); })));
    const auto topic = kernel.topic<Reading>("plant/" + std::to_string(rank) + "/temperature");
    sensors.push_back(kernel.spawn<Sensor>({topic, 0}));
  }
  const auto guard = kernels.front().spawn<Guard>({kernels.front().topic<Alarm>("plant/alarm"), 1000});
  guard.subscribe<Limit>("plant/limit");
  guard.subscribe<Reading>("plant/*/temperature");

  constexpr std::uint64_t at_once = 16;
  for (std::uint64_t i = 0; i < readings; i += at_once) {
    std::vector<ringray::ObjectRef<Done>> done;
    for (const auto& sensor : sensors) done.push_back(sensor.call(Measure{std::min(at_once, readings - i)}));
    ringray::get(done);
  }
  Heard expected{.topics = ringray::ranks(), .readings = ringray::ranks() * readings, .limit = limit};
  for (std::uint64_t i = 0; i < readings; ++i) expected.alarms += ringray::ranks() * (i * 7 % 100 >= limit);
  ringray::subscribe<&Ledger::limit>("plant/limit", ledger);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  Heard heard;
  do {
    heard = ringray::get(ledger.call<&Ledger::heard>());
    ringray::this_task::yield();
  } while ((heard.readings < expected.readings || heard.alarms < expected.alarms) &&
           std::chrono::steady_clock::now() < end);
  std::printf("%llu readings under %llu topic%s, %llu alarms at %llu degrees and more\n",
              static_cast<unsigned long long>(heard.readings), static_cast<unsigned long long>(heard.topics),
              heard.topics == 1 ? "" : "s", static_cast<unsigned long long>(heard.alarms),
              static_cast<unsigned long long>(heard.limit));
  if (heard.topics != expected.topics || heard.readings != expected.readings || heard.alarms != expected.alarms ||
      heard.limit != expected.limit)
    throw std::logic_error("there should be " + std::to_string(expected.readings) + " readings and " +
                           std::to_string(expected.alarms) + " alarms");
}

int run_program(int argc, char** argv) {
  std::uint64_t readings = 2000, limit = 90;
  jobs::CommandLine line("pub_sub", "Sensors, a guard and a ledger that know each other's topics only.");
  line.number<std::uint64_t>("--readings", readings, 1, std::uint64_t{1} << 32, "of each sensor");
  line.number<std::uint64_t>("--limit", limit, 0, 100, "degrees (of 0 to 99) from which on there is an alarm");
  if (const auto status = line.read(argc, argv)) return *status;
  work(readings, limit);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return jobs::run(argc, argv, run_program); }
