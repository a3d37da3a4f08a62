// Unbalanced tree search: how well does work spread that nobody can plan? See README.md.

#include <chrono>
#include <cstdio>

#include "../command_line.hpp"
#include "search.hpp"

namespace {

using Seconds = std::chrono::duration<double>;
constexpr std::chrono::seconds progress_interval{2};

struct Options {
  std::string tree = "T1";
  bool sequential = false;
  std::uint64_t grain = 5000;
};

uts::Count count_by_tasks(const uts::Tree& tree, std::uint64_t grain) {
  const auto start = std::chrono::steady_clock::now();
  const auto result = ringray::submit(uts::search, tree, std::vector{uts::root(tree)}, grain);
  while (ringray::wait(std::vector{result}, {.timeout = progress_interval}).ready.empty())
    ringray::log::info("searching for {:.0f} s", Seconds(std::chrono::steady_clock::now() - start).count());
  return ringray::get(result);
}

/// False: not what the benchmark's authors publish.
bool measure(const uts::Sample& sample, const Options& options) {
  const auto start = std::chrono::steady_clock::now();
  uts::Count count;
  if (options.sequential) {
    std::vector open{uts::root(sample.tree)};
    count = uts::explore(sample.tree, open, ~std::uint64_t{0});
  } else {
    count = count_by_tasks(sample.tree, options.grain);
  }
  const auto seconds = Seconds(std::chrono::steady_clock::now() - start).count();
  const bool right = count == sample.expected;
  std::printf("%s on %u rank%s%s: %llu nodes, %llu leaves, depth %u in %.3f s, %.2f million nodes a second, %s\n",
              options.tree.c_str(), ringray::ranks(), ringray::ranks() == 1 ? "" : "s",
              options.sequential ? " (one loop)" : "", static_cast<unsigned long long>(count.nodes),
              static_cast<unsigned long long>(count.leaves), count.depth, seconds,
              static_cast<double>(count.nodes) / seconds * 1e-6, right ? "right" : "WRONG");
  return right;
}

/// The driver. Gives the exit status.
int run_program(int argc, char** argv) {
  Options options;
  std::vector<std::string> names;
  for (const auto& sample : uts::samples()) names.emplace_back(sample.name);
  jobs::CommandLine line("uts", "Unbalanced tree search.");
  line.choice("--tree", options.tree, names, "which tree");
  line.flag("--sequential", options.sequential, "one loop on rank 0, to compare with");
  line.number<std::uint64_t>("--grain", options.grain, 1, std::uint64_t{1} << 40,
                             "nodes that a task counts before it hands on the rest");
  if (const auto status = line.read(argc, argv)) return *status;
  for (const auto& sample : uts::samples())
    if (sample.name == options.tree && !measure(sample, options))
      throw std::runtime_error("the tree was not counted right");
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return jobs::run(argc, argv, run_program); }
