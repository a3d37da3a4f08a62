// Question: how long does a rank take to get an object that another rank of its host has made?
// Model: it asks the owner where the object is (two messages), maps the owner's arena the first time, and has a
// pointer:
//   no byte moves, so the time does not depend on the size.
// Baseline: memcpy of the same number of bytes in memory that was touched before, in turn with ours. For 1 GiB it
//   copies 64 MiB and counts sixteen times that. The best round counts.

#include <cstring>

#include "pair.hpp"
#include "report.hpp"

namespace {

using namespace ringray;
using Bytes = Array<std::uint8_t, 1>;

constexpr std::size_t copied_bytes_max = std::size_t{64} << 20;

/// Of the elements only first and last are written: what lies between costs memory only when it is touched.
ObjectRef<Bytes> make(std::size_t bytes) {
  Bytes array({bytes});
  array(0) = 1;
  array(bytes - 1) = 2;
  return put(std::move(array));
}

void measure(const std::string& name, std::size_t bytes, perf::Effort effort) {
  const auto copied = std::min(bytes, copied_bytes_max);
  const std::vector<std::uint8_t> source(copied, 1);
  std::vector<std::uint8_t> target(copied, 2);
  const auto rounds = perf::take_turns(
      effort,
      [&] {
        const auto ref = get(perf::on_peer(make, bytes));
        std::uint64_t sum = 0;
        const auto seconds = perf::seconds_of([&] {
          const auto& array = get(ref);
          sum = array.size() + array(0) + array(bytes - 1);
        });
        if (sum != bytes + 3) throw std::runtime_error("the object is not what was made");
        return seconds * 1e6;
      },
      [&] {
        const auto seconds = perf::seconds_of([&] {
          std::memcpy(target.data(), source.data(), copied);
          asm volatile("" ::"r"(target.data()) : "memory");
        });
        return seconds * 1e6 * static_cast<double>(bytes / copied);
      });
  const auto ours = perf::best(rounds.ours, perf::Better::less), copy = perf::best(rounds.baseline, perf::Better::less);
  perf::print({.bench = "object_same_host", .metric = "get_" + name, .unit = "us", .value = ours, .goal = 20});
  perf::print({.bench = "object_same_host",
               .metric = "get_" + name + "_vs_copy",
               .unit = "us",
               .value = ours,
               .baseline = "memcpy",
               .baseline_value = copy});
}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = perf::is_smoke(argc, argv);
  return perf::run_pair(argc, argv, [&] {
    measure("1MiB", std::size_t{1} << 20, {smoke ? 0.05 : 8});
    if (!smoke) measure("1GiB", std::size_t{1} << 30, {15});
  });
}
