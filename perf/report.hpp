#pragma once
// What the benchmarks share: rounds of ours and of the baseline in turn, and how a figure is printed.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "ringray/base/time.hpp"

namespace perf {

inline bool is_smoke(int argc, char** argv) {
  return std::any_of(argv + 1, argv + argc, [](std::string_view argument) { return argument == "--smoke"; });
}

template <class Work>
double seconds_of(const Work& work) {
  const auto start = ringray::base::now();
  work();
  return std::chrono::duration<double>(ringray::base::now() - start).count();
}

/// Sorts. `share` 0.5: the median.
inline double quantile(std::vector<double>& values, double share) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<std::size_t>(share * static_cast<double>(values.size())))];
}
inline double median(std::vector<double> values) { return quantile(values, 0.5); }

enum class Better { less, more };

/// The best of many short rounds: on a shared machine, what disturbs only makes worse.
inline double best(const std::vector<double>& values, Better better) {
  if (values.empty()) return 0;
  return better == Better::less ? *std::min_element(values.begin(), values.end())
                                : *std::max_element(values.begin(), values.end());
}

/// Measurements of ours and of the baseline, one of each per round.
struct Rounds {
  std::vector<double> ours, baseline;
};
struct Effort {
  double seconds;  ///< new rounds begin until then
  int rounds_min = 3;
};
template <class Ours, class Baseline>
Rounds take_turns(Effort effort, const Ours& ours, const Baseline& baseline) {
  Rounds rounds;
  ours();  // connects, touches the memory
  baseline();
  const auto start = ringray::base::now();
  const auto spent = [&] { return std::chrono::duration<double>(ringray::base::now() - start).count(); };
  for (int round = 0; round < effort.rounds_min || spent() < effort.seconds; ++round) {
    rounds.ours.push_back(ours());
    rounds.baseline.push_back(baseline());
  }
  return rounds;
}

struct Figure {
  std::string_view bench;
  std::string metric, unit;
  double value;
  std::string_view baseline = {};  ///< empty: none, and the goal is for the value
  double baseline_value = 0;
  Better better = Better::less;
  double goal = 0;         ///< bound of the ratio ours / baseline, or of the value; 0: none
  std::size_t rounds = 0;  ///< of which the best counts; 0: not measured in rounds
};

/// A line for people and a JSON line.
inline void print(const Figure& figure) {
  const bool compared = !figure.baseline.empty();
  const double ratio = compared ? figure.value / figure.baseline_value : 0;
  const double judged = compared ? ratio : figure.value;
  const bool less = figure.better == Better::less;
  const bool met = less ? judged <= figure.goal : judged >= figure.goal;
  const auto bound = fmt::format("{}{:g}", less ? "<=" : ">=", figure.goal);
  const auto number = [](double value) {
    return value >= 1e5 ? fmt::format("{:.0f}", value) : fmt::format("{:.4g}", value);
  };
  fmt::print("{:<28} {:>10} {:<7}", figure.metric, number(figure.value), figure.unit);
  if (compared) fmt::print(" {:>10} {:<28} ratio {:6.3f}", number(figure.baseline_value), figure.baseline, ratio);
  if (figure.goal != 0) fmt::print("  goal {} {}", bound, met ? "met" : "missed");
  fmt::print("\n{{\"bench\":\"{}\",\"metric\":\"{}\",\"value\":{:.6g},\"unit\":\"{}\"", figure.bench, figure.metric,
             figure.value, figure.unit);
  if (compared)
    fmt::print(",\"baseline\":\"{}\",\"baseline_value\":{:.6g},\"ratio\":{:.4f}", figure.baseline,
               figure.baseline_value, ratio);
  if (figure.rounds != 0) fmt::print(",\"rounds\":{}", figure.rounds);
  if (figure.goal != 0)
    fmt::print(",\"goal\":\"{}\",\"met\":{}}}\n", bound, met);
  else
    fmt::print(",\"goal\":null,\"met\":null}}\n");
  std::fflush(stdout);
}

/// The best of both sides.
inline void print(Figure figure, const Rounds& rounds) {
  figure.rounds = rounds.ours.size();
  figure.value = best(rounds.ours, figure.better);
  figure.baseline_value = best(rounds.baseline, figure.better);
  print(figure);
}

}  // namespace perf
