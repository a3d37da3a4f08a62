#pragma once
// Actors that the tests of kernels run, on every backend.

#include "ringray/device/context.hpp"

namespace ringray::test {

using device::Address;
using device::Messages;

struct Ping {
  static constexpr std::uint16_t id = 1;
  std::uint64_t value;
};
struct Pong {
  static constexpr std::uint16_t id = 2;
  std::uint64_t value, sum;
};
struct Token {
  static constexpr std::uint16_t id = 3;
  std::uint64_t hops_left;
};
struct Fail {
  static constexpr std::uint16_t id = 4;
  std::uint32_t code;
};
struct Unknown {
  static constexpr std::uint16_t id = 5;
  std::uint32_t value;
};
struct Wide {
  static constexpr std::uint16_t id = 6;
  std::uint64_t words[100];
};
struct Clock {
  static constexpr std::uint16_t id = 8;
  std::uint64_t sent, handled;
};

/// Answers Ping with its value and the sum of all so far.
struct Echo {
  struct State {
    std::uint64_t sum;
  };
  using Handled = Messages<Ping, Fail, Wide, Clock>;
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State& state, const Ping& ping) {
    if (context.rank() == 0) state.sum += ping.value;
    context.sync();
    context.reply(Pong{ping.value, state.sum});
  }
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State&, const Fail& fail) {
    context.fail(fail.code);
  }
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State&, const Wide& wide) {
    std::uint64_t sum = 0;
    for (const auto word : wide.words) sum += word;
    context.reply(Pong{wide.words[0], sum});
  }
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State&, const Clock&) {
    context.reply(Clock{context.envelope().clock, context.clock()});
  }
};

/// Passes tokens on; the last hop goes to the host.
struct Ring {
  struct State {
    Address next;
    std::uint64_t seen;
  };
  using Handled = Messages<Token>;
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State& state, const Token& token) {
    if (context.rank() == 0) ++state.seen;
    if (token.hops_left == 0)
      context.send(device::host_address, Pong{state.seen, 0});
    else
      context.send(state.next, Token{token.hops_left - 1}, {.priority = context.envelope().priority()});
  }
};

}  // namespace ringray::test
