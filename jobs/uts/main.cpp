// Unbalanced tree search: how well does work spread that nobody can plan? See README.md.

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>

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
  std::printf("%s on %u ranks%s: %llu nodes, %llu leaves, depth %u in %.3f s, %.2f million nodes a second, %s\n",
              options.tree.c_str(), ringray::ranks(), options.sequential ? " (one loop)" : "",
              static_cast<unsigned long long>(count.nodes), static_cast<unsigned long long>(count.leaves), count.depth,
              seconds, static_cast<double>(count.nodes) / seconds * 1e-6, right ? "right" : "WRONG");
  return right;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"Unbalanced tree search. Options of Ringray: --ringray.help"};
  std::vector<std::string> names;
  for (const auto& sample : uts::samples()) names.emplace_back(sample.name);
  app.add_option("--tree", options.tree, "which tree")->check(CLI::IsMember(names))->capture_default_str();
  app.add_flag("--sequential", options.sequential, "one loop on rank 0, to compare with");
  app.add_option("--grain", options.grain, "nodes that a task counts before it hands on the rest")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.allow_extras();  // --ringray.* is ringray::run's

  bool right = false;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  const int status = ringray::run(argc, argv, [&] {
    for (const auto& sample : uts::samples())
      if (sample.name == options.tree) right = measure(sample, options);
    if (!right) throw std::runtime_error("the tree was not counted right");
  });
  return status;
}
