// Question: how many tasks a second can one rank run on another?
// Model: two messages a task, coalesced; per task a record, an encoding, a table row here, a record and a step of the
//   worker's loop there, a reply.
// Baseline: raw UCX active messages, one per message and in one direction, in turn with ours. The best round counts.

#include "raw_pair.hpp"

namespace {

using namespace ringray;

void nothing() {}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = perf::is_smoke(argc, argv);
  constexpr int tasks = 4000;
  return perf::run_pair(argc, argv, [&] {
    perf::connect_raw();
    perf::print({.bench = "task_remote",
                 .metric = "tasks",
                 .unit = "M/s",
                 .baseline = "raw UCX, one per message",
                 .better = perf::Better::more,
                 .goal = 0.3},
                perf::take_turns(
                    {smoke ? 0.1 : 15},
                    [&] {
                      return tasks * 1e-6 / perf::seconds_of([&] {
                               std::vector<ObjectRef<void>> results;
                               results.reserve(tasks);
                               for (int i = 0; i < tasks; ++i) results.push_back(perf::on_peer(nothing));
                               get(results);
                             });
                    },
                    [&] { return perf::raw_messages_per_s(tasks) * 1e-6; }));
  });
}
