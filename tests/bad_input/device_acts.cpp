// What handlers of device actors do wrong.

#include "device_acts.hpp"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ringray/device.hpp>
#include <ringray/ringray.hpp>
#include <stdexcept>
#include <thread>

namespace ringray::test::bad_input {
namespace {

using namespace std::chrono_literals;

cpu_set_t cpus() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) throw std::runtime_error("sched_getaffinity");
  return set;
}
const cpu_set_t cpus_at_start = cpus();

struct Done {
  static constexpr std::uint16_t id = 1;
  std::uint32_t unused;
};
struct Crash {
  static constexpr std::uint16_t id = 2;
  using Reply = Done;
  std::uint32_t unused;
};
struct Throw {
  static constexpr std::uint16_t id = 3;
  using Reply = Done;
  std::uint32_t unused;
};
struct Recurse {
  static constexpr std::uint16_t id = 4;
  using Reply = Done;
  std::uint32_t unused;
};
struct Spin {
  static constexpr std::uint16_t id = 5;
  using Reply = Done;
  std::uint32_t unused;
};
struct Threads {
  static constexpr std::uint16_t id = 6;
  cpu_set_t cpus;
  char name[16];
};
struct AskThread {
  static constexpr std::uint16_t id = 7;
  using Reply = Threads;
  std::uint32_t unused;
};

int* nowhere = nullptr;
std::atomic<bool> spins{false};
[[gnu::noinline]] int recurse(int depth) {
  if (depth < 0) return 0;
  volatile char large[512] = {};
  large[depth % 512] = 1;
  return recurse(depth + 1) + large[(depth + 1) % 512];
}

struct Fragile {
  struct State {
    int depth;
  };
  using Handled = device::Messages<Crash, Throw, Recurse, Spin, AskThread>;
  template <class Context>
  static void on(const Context&, State&, const Crash&) {
    *const_cast<int* volatile&>(nowhere) = 1;
  }
  template <class Context>
  static void on(const Context&, State&, const Throw&) {
    throw std::runtime_error("the handler's own mistake");
  }
  template <class Context>
  static void on(const Context&, State& state, const Recurse&) {
    state.depth = recurse(0);
  }
  template <class Context>
  static void on(const Context&, State&, const Spin&) {
    std::printf("spins %d\n", static_cast<int>(getpid()));
    std::fflush(stdout);
    spins = true;
    for (volatile bool for_ever = true; for_ever;) {
    }
  }
  template <class Context>
  static void on(const Context& context, State&, const AskThread&) {
    Threads answer{.cpus = cpus()};
    pthread_getname_np(pthread_self(), answer.name, sizeof answer.name);
    context.reply(answer);
  }
};
struct Bystander {
  struct State {};
  using Handled = device::Messages<Spin>;
  template <class Context>
  static void on(const Context&, State&, const Spin&) {}
};

using Sim = device::Program<Bystander, Fragile>;

Rank last() { return Rank{ranks() - 1}; }

/// In slot 3.
device::Actor<Fragile> fragile_of(const device::KernelHandle<Sim>& kernel) {
  for (int i = 0; i < 3; ++i) kernel.spawn<Bystander>();
  return kernel.spawn<Fragile>();
}

/// On the last rank, which waits for an answer.
template <class Message>
void tell_fragile() {
  std::printf("drives %d\n", static_cast<int>(getpid()));
  std::fflush(stdout);
  get(submit({.placement = on_rank(last())}, [] {
    const auto kernel = device::launch<Sim>({.name = "sim", .watchdog = 100ms});
    get(fragile_of(kernel).call(Message{}), 1h);
  }));
}

}  // namespace

const std::map<std::string, void (*)()>& device_acts() {
  static const std::map<std::string, void (*)()> acts{
      {"device handler crashes", tell_fragile<Crash>},
      {"device handler throws", tell_fragile<Throw>},
      {"device handler overflows its stack", tell_fragile<Recurse>},
      {"device handler hangs", tell_fragile<Spin>},
      {"device handler outlives the job",
       [] {
         static device::KernelHandle<Sim> kernel;
         kernel = device::launch<Sim>({.name = "sim", .watchdog = 0s});
         fragile_of(kernel).send(Spin{});
         while (!spins) std::this_thread::yield();
       }},
      {"threads of a kernel",
       [] {
         get(submit({.placement = on_rank(last())}, [] {
           const auto kernel = device::launch<Sim>({.name = "sim"});
           const auto actor = fragile_of(kernel);
           const auto ask = [&] {
             const auto thread = get(actor.call(AskThread{}));
             std::printf("%s: %s\n", thread.name, CPU_EQUAL(&thread.cpus, &cpus_at_start) ? "all cpus" : "not all");
           };
           ask();
           kernel.exclusive([] {});  // its threads are new ones
           ask();
           const auto here = cpus();
           std::printf("the task: %d\n", CPU_COUNT(&here));
           std::fflush(stdout);
         }));
       }},
  };
  return acts;
}

}  // namespace ringray::test::bad_input
