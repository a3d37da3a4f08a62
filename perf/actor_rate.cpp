// Question: how many messages a second does a rank send to an actor of another rank?
// Model: sends are coalesced, a hundred to a packet, so the cost is that of encoding (one allocation) and of decoding
//   and running it over there. A call adds a table row, a state and a reply.
// Baseline: raw UCX active messages of the same size, one per message, in turn with ours. The best round counts.

#include "raw_pair.hpp"

namespace {

using namespace ringray;

class Sink {
 public:
  void take(std::int64_t value) { sum_ += value; }
  std::int64_t sum() { return sum_; }

 private:
  std::int64_t sum_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = perf::is_smoke(argc, argv);
  constexpr int messages = 4000;
  return perf::run_pair(argc, argv, [&] {
    perf::connect_raw();
    const auto sink = spawn<Sink>({.placement = on_rank(1)});
    const auto sends = [&] {
      const auto before = get(sink.call<&Sink::sum>());
      std::int64_t after = 0;
      const auto seconds = perf::seconds_of([&] {
        for (int i = 0; i < messages; ++i) sink.send<&Sink::take>(1);
        after = get(sink.call<&Sink::sum>());
      });
      if (after - before != messages) throw std::runtime_error("messages were lost");
      return messages / seconds * 1e-6;
    };
    const auto calls = [&] {
      return messages * 1e-6 / perf::seconds_of([&] {
               std::vector<ObjectRef<std::int64_t>> results;
               results.reserve(messages);
               for (int i = 0; i < messages; ++i) results.push_back(sink.call<&Sink::sum>());
               for (const auto& result : results) get(result);
             });
    };
    const auto raw = [&] { return perf::raw_messages_per_s(messages) * 1e-6; };
    const perf::Effort effort{smoke ? 0.1 : 10};
    perf::print({.bench = "actor_rate",
                 .metric = "sends",
                 .unit = "M/s",
                 .baseline = "raw UCX, one per message",
                 .better = perf::Better::more,
                 .goal = 1},
                perf::take_turns(effort, sends, raw));
    perf::print({.bench = "actor_rate",
                 .metric = "pipelined_calls",
                 .unit = "M/s",
                 .baseline = "raw UCX, one per message",
                 .better = perf::Better::more,
                 .goal = 0.3},
                perf::take_turns(effort, calls, raw));
  });
}
