// Question: what does a message between two actors of one rank cost?
// Model: a send is an allocation, a push to a lock-free inbox, and a virtual call by whoever has the actor's turn: 150
//   ns. A call that is waited for takes no thread switch, because the waiting actor runs the other one's turn.
// Baseline: none in this process; the goals are absolute. Charm++ 7.0 M/s and 0.28 us, CAF 3.6 M/s and 1.4 us on two
//   quiet cores (measured once, not here).

#include "pair.hpp"
#include "report.hpp"

namespace {

using namespace ringray;

class Sink {
 public:
  void take(std::int64_t value) { sum_ += value; }
  std::int64_t sum() { return sum_; }

 private:
  std::int64_t sum_ = 0;
};

struct Source {
  void send(const ActorHandle<Sink>& sink, int count) {
    for (int i = 0; i < count; ++i) sink.send<&Sink::take>(1);
  }
  double seconds_of_calls(const ActorHandle<Sink>& sink, int count) {
    return perf::seconds_of([&] {
      for (int i = 0; i < count; ++i) get(sink.call<&Sink::sum>());
    });
  }
};

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = perf::is_smoke(argc, argv);
  constexpr int messages = 10'000;
  return perf::run_pair(argc, argv, [&] {
    const auto here = on_rank(0);
    const auto sink = spawn<Sink>({.placement = here});
    const auto source = spawn<Source>({.placement = here});
    const auto rounds = perf::take_turns(
        {smoke ? 0.1 : 10},
        [&] {
          const auto before = get(sink.call<&Sink::sum>());
          std::int64_t after = 0;
          const auto seconds = perf::seconds_of([&] {
            get(source.call<&Source::send>(sink, messages));
            after = get(sink.call<&Sink::sum>());
          });
          if (after - before != messages) throw std::runtime_error("messages were lost");
          return messages / seconds * 1e-6;
        },
        [&] { return get(source.call<&Source::seconds_of_calls>(sink, messages)) / messages * 1e9; });
    perf::print({.bench = "actor_local",
                 .metric = "sends",
                 .unit = "M/s",
                 .value = perf::best(rounds.ours, perf::Better::more),
                 .better = perf::Better::more,
                 .goal = 5});
    perf::print({.bench = "actor_local",
                 .metric = "round_trip",
                 .unit = "ns",
                 .value = perf::best(rounds.baseline, perf::Better::less),
                 .goal = 400});
  });
}
