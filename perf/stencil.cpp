// Question: does the job's stencil, cut into blocks that exchange halos, compute as many cells per second as the same
// stencil in a plain loop over the whole grid, and in a Kokkos loop? Model: a cell moves 4 * (now 1, before 2, peak 2,
// medium 5) = 40 bytes through memory and takes about 100 flops; the cut adds 2 * 3 planes per block. So ratio =
// t(baseline) / t(job) is near 1. Baselines, by turns with the job on the same core: the plain loop and Kokkos (Serial,
// rows as work items) with all the machine's instructions. Goal: ratio >= 0.95.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "block.hpp"
#include "stencil_loops.hpp"

namespace {

using namespace ultrasound;

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

/// Processor time of this thread, so that other programs on the machine count little.
double processor_seconds() {
  timespec time{};
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0) std::abort();
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// The job's way: blocks in one thread.
class Blocks {
 public:
  Blocks(const Coefficients& medium, int count, const PointSource& source) {
    for (int i = 0; i < count; ++i) {
      blocks_.emplace_back(cut_block(medium, planes_of_block(medium.layout.nz, i, count), {&source, 1}, {}));
    }
  }
  void step() {
    for (Block& block : blocks_) block.advance();
    for (std::size_t i = 1; i < blocks_.size(); ++i) {
      blocks_[i].set_below(blocks_[i - 1].upper_edge());
      blocks_[i - 1].set_above(blocks_[i].lower_edge());
    }
  }
  std::vector<float> peak() const {
    std::vector<float> all;
    for (const Block& block : blocks_) {
      const auto begin = all.size();
      all.resize(begin + block.extents().cells());
      block.copy_peak(all.data() + begin);
    }
    return all;
  }

 private:
  std::vector<Block> blocks_;
};

/// A baseline's fields with the source of the job.
struct Baseline {
  stencil::Fields fields;
  PointSource source;
  int steps = 0;

  template <class Step>
  void step(Step step_in) {
    const Coefficients& m = *fields.medium;
    const auto i = static_cast<std::size_t>(m.layout.at(source.cell.x, source.cell.y, source.cell.z));
    fields.before[i] -=
        static_cast<float>(m.stiffness[i] * source.burst(steps++ * m.step_s) / (m.spacing_m * m.decay[i]));
    step_in(fields);
  }
  /// Largest difference of the peaks to the job's, relative to the largest peak.
  double difference(const std::vector<float>& peak) const {
    const auto& n = fields.medium->layout;
    double most = 0, difference = 0;
    std::size_t i = 0;
    for (int z = 0; z < n.nz; ++z) {
      for (int y = 0; y < n.ny; ++y) {
        for (int x = 0; x < n.nx; ++x, ++i) {
          const double mine = fields.peak[static_cast<std::size_t>(n.at(x, y, z))];
          most = std::max(most, mine);
          difference = std::max(difference, std::abs(mine - peak[i]));
        }
      }
    }
    return difference / most;
  }
};

}  // namespace

int main(int count, char** arguments) {
  const bool smoke = count > 1 && std::string_view(arguments[1]) == "--smoke";
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
    fmt::print("skipped: the baselines need a processor with AVX2 and FMA\n");
    return 0;
  }
  stencil::start_kokkos();
  const int extent = smoke ? 48 : 136, rounds = smoke ? 3 : 15, steps = smoke ? 4 : 10, warm = smoke ? 10 : 60;
  const Grid grid{.extents = {extent, extent, extent}, .spacing_mm = 2};
  const Medium water = uniform_medium(grid, 1500, 1000, 0);
  const Coefficients medium = make_coefficients(water, {.step_s = 0.9 * stable_step_s(water), .frequency_hz = 125e3});
  const PointSource source{{extent / 2, extent / 2, extent / 2}, {125e3, 1000, 1}};
  const auto size = static_cast<std::size_t>(medium.layout.size());
  const Baseline silent{{&medium, std::vector<float>(size), std::vector<float>(size), std::vector<float>(size)},
                        source};
  Blocks one(medium, 1, source), many(medium, 2, source);
  Baseline plain = silent, kokkos = silent;
  std::vector<double> one_s, many_s, plain_s, kokkos_s;
  const auto repeat = [](int times, auto work) {
    const double start = processor_seconds();
    for (int i = 0; i < times; ++i) work();
    return processor_seconds() - start;
  };
  for (int round = -1; round < rounds; ++round) {
    const int times = round < 0 ? warm : steps;  // the first fills the grid with sound
    const double a = repeat(times, [&] { one.step(); }),
                 b = repeat(times, [&] { plain.step(stencil::step_in_plain_loop); });
    const double c = repeat(times, [&] { many.step(); }),
                 d = repeat(times, [&] { kokkos.step(stencil::step_in_kokkos); });
    if (round < 0) continue;
    one_s.push_back(a), plain_s.push_back(b), many_s.push_back(c), kokkos_s.push_back(d);
  }
  stencil::stop_kokkos();
  const double difference = std::max(plain.difference(one.peak()), kokkos.difference(one.peak()));
  if (one.peak() != many.peak() || !(difference < 1e-4)) {
    fmt::print("the variants do not compute the same: off by {:.2g}\n", difference);
    return 1;
  }
  const double cells = static_cast<double>(grid.extents.cells()) * steps * 1e-6, goal = 0.95;
  fmt::print("{} million cells; all variants agree within {:.1g}\n{:<22}{:>12}{:>12}{:>8}\n",
             static_cast<double>(grid.extents.cells()) * 1e-6, difference, "Mcells/s", "job", "baseline", "ratio");
  const auto report = [&](const char* metric, const std::vector<double>& job, const std::vector<double>& base) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < job.size(); ++i) ratios.push_back(base[i] / job[i]);
    const double ratio = median(ratios), value = cells / median(job), baseline = cells / median(base);
    fmt::print("{:<22}{:>12.1f}{:>12.1f}{:>8.3f}\n", metric, value, baseline, ratio);
    return nlohmann::json{{"bench", "stencil"},
                          {"metric", metric},
                          {"value", value},
                          {"unit", "Mcells/s"},
                          {"baseline", std::string_view(metric).substr(std::string_view(metric).find('/') + 1)},
                          {"baseline_value", baseline},
                          {"ratio", ratio},
                          {"goal", goal},
                          {"met", ratio >= goal}}
        .dump();
  };
  const std::string lines[] = {report("1 block/plain loop", one_s, plain_s),
                               report("2 blocks/plain loop", many_s, plain_s),
                               report("1 block/Kokkos", one_s, kokkos_s), report("2 blocks/Kokkos", many_s, kokkos_s)};
  for (const std::string& line : lines) fmt::print("{}\n", line);
}
