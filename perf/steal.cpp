// Question: how much faster is work that nobody can plan on two ranks than on one?
// Model: the tree T3 of the Unbalanced Tree Search benchmark (jobs/uts): all work begins on rank 0, in tasks of about
//   2 ms; rank 1 gets its share by stealing alone, half of what waits each time.
// Baseline: one loop over the same tree on rank 0, with no task at all, in turn with ours. The ratio is the speedup;
//   the best round of each counts. It needs two cores that do nothing else.

#include "pair.hpp"
#include "report.hpp"
#include "search.hpp"

int main(int argc, char** argv) {
  const bool smoke = perf::is_smoke(argc, argv);
  const auto sample = uts::samples()[smoke ? 2 : 1];
  const std::uint64_t grain = smoke ? 100 : 5000;
  return perf::run_pair(argc, argv, [&] {
    const auto million_nodes_per_s = [&](const auto& count) {
      return static_cast<double>(sample.expected.nodes) * 1e-6 / perf::seconds_of([&] {
               if (count() != sample.expected) throw std::runtime_error("the tree was not counted right");
             });
    };
    const auto rounds = perf::take_turns(
        {smoke ? 0.1 : 25},
        [&] {
          return million_nodes_per_s([&] {
            return ringray::get(ringray::submit(uts::search, sample.tree, std::vector{uts::root(sample.tree)}, grain));
          });
        },
        [&] {
          return million_nodes_per_s([&] {
            std::vector open{uts::root(sample.tree)};
            return uts::explore(sample.tree, open, ~std::uint64_t{0});
          });
        });
    perf::print({.bench = "steal",
                 .metric = "uts_" + std::string(sample.name),
                 .unit = "Mn/s",
                 .baseline = "one loop on one rank",
                 .better = perf::Better::more,
                 .goal = 1.8},
                rounds);
  });
}
