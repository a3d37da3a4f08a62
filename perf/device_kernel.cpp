// Question: what does a device actor's message cost on the CPU backend, from handler to handler, and from host to actor
// and back?
//   one block: 8 tokens go round 64 actors of one block, so one thread sends, schedules and handles.
//   two blocks: the same, every hop from one thread to the other.
//   round trip: the host sends and waits for the answer, which a thread of the kernel gives it.
// Model: per hop a ring's send and receive (perf_device_ring), two more read-modify-writes for the ready bit, an eighth
// of a
//   pick, two looks at the cycle counter.
// Baseline, in the same run: calling the handler 64 times in turn through a function pointer, no message. Of the round
// trip: two threads that hand a flag to and fro and sleep while they wait (two wake-ups; the kernel's answer takes
// three). Goal: at least 5 M messages/s on one thread.
#include <atomic>
#include <vector>

#include "report.hpp"
#include "ringray/base/check.hpp"
#include "ringray/device/cpu_kernel.hpp"

using namespace ringray::device;

namespace {

struct Token {
  static constexpr std::uint16_t id = 1;
  std::uint64_t hops_left;
};
struct Hop {
  struct State {
    Address next;
    std::uint64_t seen;
  };
  using Handled = Messages<Token>;
  template <class Context>
  static void on(const Context& context, State& state, const Token& token) {
    ++state.seen;
    context.send(token.hops_left == 0 ? host_address : state.next, Token{token.hops_left - 1});
  }
};
/// Tells an actor whom to send to.
struct Join {
  static constexpr std::uint16_t id = 2;
  Address next;
};
struct Member : Hop {
  using Handled = Messages<Token, Join>;
  using Hop::on;
  template <class Context>
  static void on(const Context&, State& state, const Join& join) {
    state.next = join.next;
  }
};
using Members = Program<Member>;

class Running {
 public:
  explicit Running(std::uint32_t blocks) {
    kernel_ = std::move(*CpuKernel::create<Members>({.blocks = blocks}, [this](const Parcel&) {
      ++answers_;
      answered_.ring();
    }));
    RINGRAY_ASSERT(kernel_->launch() && kernel_->activate());
  }
  Address spawn() {
    const Member::State state{host_address, 0};
    return *kernel_->spawn({.state = &state, .state_bytes = sizeof state, .queue_capacity = 64});
  }
  template <class Message>
  void send(Address to, const Message& message) {
    Packed<Message> packed;
    pack(packed.words, {.target = to}, message);
    RINGRAY_ASSERT(kernel_->send(packed.words) == Delivery::accepted);
  }
  void await(std::uint64_t answers) {
    answered_.wait([&] { return answers_ >= answers; });
  }
  std::uint64_t answers() const { return answers_; }

 private:
  std::atomic<std::uint64_t> answers_{0};
  Bell answered_;
  std::unique_ptr<CpuKernel> kernel_;
};

/// Millions of messages a second of tokens that go round.
double token_rate(Running& running, const std::vector<Address>& ring, std::uint64_t hops) {
  constexpr int tokens = 8;
  const auto before = running.answers();
  const double seconds = perf::seconds_of([&] {
    for (int i = 0; i < tokens; ++i)
      running.send(ring[static_cast<std::size_t>(i) * ring.size() / tokens], Token{hops - 1});
    running.await(before + tokens);
  });
  return tokens * static_cast<double>(hops) / seconds / 1e6;
}

std::vector<Address> make_ring(Running& running) {
  std::vector<Address> ring;
  for (int i = 0; i < 64; ++i) ring.push_back(running.spawn());  // in turn to each block
  for (std::size_t i = 0; i < ring.size(); ++i) running.send(ring[i], Join{ring[(i + 1) % ring.size()]});
  return ring;
}

struct PlainHandler {
  void (*handle)(std::uint64_t&, std::uint64_t);
  std::uint64_t seen = 0;
};

double plain_rate(std::uint64_t calls) {
  static std::vector<PlainHandler> handlers(64, {[](std::uint64_t& seen, std::uint64_t left) { seen += left & 1; }});
  auto* volatile first = handlers.data();
  const double seconds = perf::seconds_of([&] {
    for (std::uint64_t i = 0; i < calls; ++i) {
      auto& handler = first[i % 64];
      handler.handle(handler.seen, i);
    }
  });
  return static_cast<double>(calls) / seconds / 1e6;
}

double round_trip_us(Running& running, Address actor, int count) {
  const auto before = running.answers();
  return 1e6 / count * perf::seconds_of([&] {
           for (int i = 1; i <= count; ++i) {
             running.send(actor, Token{0});
             running.await(before + static_cast<std::uint64_t>(i));
           }
         });
}

double flag_round_trip_us(int count) {
  std::atomic<int> turn{0};
  std::thread other([&] {
    for (int i = 0; i < count; ++i) {
      turn.wait(2 * i);
      turn = 2 * i + 2;
      turn.notify_all();
    }
  });
  const double seconds = perf::seconds_of([&] {
    for (int i = 0; i < count; ++i) {
      turn = 2 * i + 1;
      turn.notify_all();
      turn.wait(2 * i + 1);
    }
  });
  other.join();
  return 1e6 / count * seconds;
}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = perf::is_smoke(argc, argv);
  const perf::Effort effort{.seconds = smoke ? 0.1 : 3.0};
  const std::uint64_t hops = smoke ? 5'000 : 100'000;
  const int trips = smoke ? 100 : 3000;
  for (const std::uint32_t blocks : {1u, 2u}) {
    Running running(blocks);
    const auto ring = make_ring(running);
    const auto rounds = perf::take_turns(
        effort, [&] { return token_rate(running, ring, hops); }, [&] { return plain_rate(8 * hops); });
    perf::Figure figure{.bench = "device_kernel",
                        .metric = blocks == 1 ? "handler to handler, one block" : "handler to handler, two blocks",
                        .unit = "M/s",
                        .better = perf::Better::more};
    if (blocks == 1) {
      auto alone = figure;
      alone.value = perf::best(rounds.ours, perf::Better::more);
      alone.goal = 5;
      perf::print(alone);
    }
    figure.metric += ", to calls";
    figure.baseline = "plain calls, one thread";
    perf::print(figure, rounds);
  }
  Running running(1);
  const auto actor = running.spawn();
  perf::print(
      {.bench = "device_kernel", .metric = "host round trip", .unit = "us", .baseline = "flag of two threads"},
      perf::take_turns(
          effort, [&] { return round_trip_us(running, actor, trips); }, [&] { return flag_round_trip_us(trips); }));
}
