#pragma once
// The program of the tests of <ringray/device.hpp>.

#include <atomic>
#include <cstdint>

#include "ringray/device/context.hpp"

namespace ringray::test {

struct Pong {
  static constexpr std::uint16_t id = 1;
  std::uint64_t value, count;
};
struct Other {
  static constexpr std::uint16_t id = 2;
  std::uint64_t value;
};
struct Ping {
  static constexpr std::uint16_t id = 3;
  using Reply = Pong;
  std::uint64_t value;
};
struct Fail {
  static constexpr std::uint16_t id = 4;
  using Reply = Pong;
  std::uint32_t code;
  static constexpr std::uint32_t spoils = 100;  ///< from this code on the state is changed first
};
/// Is not answered.
struct Hush {
  static constexpr std::uint16_t id = 5;
  using Reply = Pong;
  std::uint32_t unused;
};
/// Is answered by what it is not to be answered by.
struct Twist {
  static constexpr std::uint16_t id = 6;
  using Reply = Pong;
  std::uint32_t unused;
};
/// Counts as out of order when it is not the next.
struct Next {
  static constexpr std::uint16_t id = 7;
  std::uint64_t number;
};
/// Goes to the host.
struct Report {
  static constexpr std::uint16_t id = 11;
  std::uint64_t value;
};
/// Sent on as one that refers to memory.
struct Point {
  static constexpr std::uint16_t id = 12;
  device::Address to;
};
struct Forward {
  static constexpr std::uint16_t id = 8;
  device::Address to;
  std::uint64_t value;
};
/// Waits until the host opens the gate: host memory, so for the CPU only.
struct Wait {
  static constexpr std::uint16_t id = 9;
  using Reply = Pong;
  std::atomic<int>* gate;  ///< the actor makes it 1 and goes on when it is 2
};

struct Echo {
  struct State {
    std::uint64_t count, next, disorder;
  };
  using Handled = device::Messages<Ping, Fail, Hush, Twist, Next, Wait>;
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State& state, const Ping& ping) {
    context.reply(Pong{ping.value, ++state.count});
  }
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State& state, const Fail& fail) {
    if (fail.code >= Fail::spoils) state.count += 1000;
    context.fail(fail.code);
  }
  template <class Context>
  RINGRAY_DEVICE static void on(const Context&, State& state, const Hush&) {
    ++state.count;
  }
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State&, const Twist&) {
    context.reply(Other{1});
  }
  template <class Context>
  RINGRAY_DEVICE static void on(const Context&, State& state, const Next& next) {
    if (next.number != state.next++) state.count = 1'000'000;
  }
  template <class Context>
  static void on(const Context& context, State&, const Wait& wait) {
    wait.gate->store(1);
    wait.gate->notify_all();
    wait.gate->wait(1);
    context.reply(Pong{});
  }
};

/// Sends on to an address of its state, or of the message.
struct Relay {
  struct State {
    device::Address to;
  };
  using Handled = device::Messages<Next, Forward, Point>;
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State& state, const Next& next) {
    context.send(state.to, next);
  }
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State&, const Forward& forward) {
    if (forward.to == device::host_address)
      context.send(forward.to, Report{forward.value});
    else
      context.send(forward.to, Next{forward.value});
  }
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State&, const Point& point) {
    context.send(point.to, Next{0}, {.refers_to_memory = true});
  }
};

/// Pings `to`, and again when it answers; the sum of the answers ends the call.
struct Begin {
  static constexpr std::uint16_t id = 10;
  using Reply = Pong;
  device::Address to;
  std::uint64_t rounds;
};
struct Asker {
  struct State {
    device::Address to, asked_by;
    std::uint32_t correlation;
    std::uint64_t left, sum;
  };
  using Handled = device::Messages<Begin, Pong>;
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State& state, const Begin& begin) {
    state = {begin.to, context.envelope().source, context.envelope().correlation, begin.rounds, 0};
    context.send(state.to, Ping{state.left});
  }
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State& state, const Pong& pong) {
    state.sum += pong.value;
    if (--state.left != 0)
      context.send(state.to, Ping{state.left});
    else
      context.send(state.asked_by, Pong{state.sum, pong.count}, {.correlation = state.correlation});
  }
};

using TestProgram = device::Program<Echo, Relay, Asker>;

}  // namespace ringray::test
