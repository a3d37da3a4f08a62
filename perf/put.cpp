// Question: what does putting an object cost beyond copying its bytes?
// Model: put = create + memcpy + seal, so ratio = t(memcpy) / t(put) is near 1 where copying dominates.
// Baseline: memcpy by the same core, from the same source into ordinary memory that was touched before, taken in turn
// with the puts. Goal: ratio >= 0.9 for 1 MiB to 256 MiB. The arena is touched first, as it is after the first few
// seconds of a job; the first touch of fresh pages is a cost of the kernel and is shown for the record.

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "ringray/base/check.hpp"
#include "ringray/base/time.hpp"
#include "ringray/store/object_store.hpp"

namespace {

using namespace ringray;
using Seconds = std::chrono::duration<double>;

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

template <class Work>
double seconds(const Work& work) {
  const auto start = base::now();
  work();
  return Seconds(base::now() - start).count();
}

/// Touched and as well aligned as a block of the arena, so that the baseline is the best memcpy.
struct Memory {
  explicit Memory(std::size_t bytes) : start(static_cast<std::byte*>(std::aligned_alloc(4096, bytes)), std::free) {
    RINGRAY_ASSERT(start);
    std::memset(start.get(), 1, bytes);
  }
  std::byte* data() const { return start.get(); }
  std::unique_ptr<std::byte, void (*)(void*)> start;
};

struct Bench {
  std::shared_ptr<store::ObjectStore> objects;
  Memory source, target;
  std::uint64_t sequence = 0;

  void put(std::size_t bytes) {
    const ObjectId id{Rank(0), 0, ++sequence};
    auto buffer = objects->create(bytes);
    if (!buffer) throw_error(buffer.error().code, {.text = buffer.error().text});
    std::memcpy(buffer->data(), source.data(), bytes);
    objects->seal(id, std::move(*buffer), store::Copy::primary);
  }
  void erase() { objects->erase(ObjectId{Rank(0), 0, sequence}); }
};

}  // namespace

int main(int count, char** arguments) {
  const bool smoke = count > 1 && std::string_view(arguments[1]) == "--smoke";
  const std::size_t largest = std::size_t{smoke ? 8u : 256u} << 20;
  const double goal = 0.9;
  auto opened = store::ObjectStore::open({.bytes = largest * 5 / 4, .spill_at = 1.0});
  if (!opened) throw_error(opened.error().code, {.text = opened.error().text});
  Bench bench{std::move(*opened), Memory(largest), Memory(largest)};

  const double first_touch = seconds([&] { bench.put(largest); });
  bench.erase();
  fmt::print("first put of {} MiB into untouched pages: {:.2f} GB/s\n", largest >> 20,
             static_cast<double>(largest) / first_touch * 1e-9);
  fmt::print("{:>12} {:>8} {:>12} {:>12} {:>8}\n", "bytes", "rounds", "memcpy GB/s", "put GB/s", "ratio");
  std::vector<std::string> lines;
  for (const std::size_t bytes :
       {std::size_t{4} << 10, std::size_t{64} << 10, std::size_t{1} << 20, std::size_t{4} << 20, std::size_t{16} << 20,
        std::size_t{64} << 20, std::size_t{256} << 20}) {
    if (bytes > largest) continue;
    const auto total = std::size_t{smoke ? 64u : 4096u} << 20;
    const auto rounds = std::clamp<std::size_t>(total / bytes, 9, smoke ? 200 : 2000);
    std::vector<double> copies, puts;
    for (std::size_t round = 0; round < rounds; ++round) {
      const auto copy = [&] {
        copies.push_back(seconds([&] { std::memcpy(bench.target.data(), bench.source.data(), bytes); }));
      };
      const auto put = [&] {
        puts.push_back(seconds([&] { bench.put(bytes); }));
        bench.erase();
      };
      if (round % 2 == 0)
        copy(), put();
      else
        put(), copy();
    }
    const double copied = median(copies), taken = median(puts), ratio = copied / taken;
    const double size = static_cast<double>(bytes);
    fmt::print("{:>12} {:>8} {:>12.2f} {:>12.2f} {:>8.3f}\n", bytes, rounds, size / copied * 1e-9, size / taken * 1e-9,
               ratio);
    lines.push_back(fmt::format(
        R"({{"bench":"put","bytes":{},"rounds":{},"memcpy_gb_per_s":{:.3f},"put_gb_per_s":{:.3f},"ratio":{:.3f})",
        bytes, rounds, size / copied * 1e-9, size / taken * 1e-9, ratio));
    if (bytes >= 1 << 20)
      lines.back() += fmt::format(R"(,"goal":{},"met":{}}})", goal, ratio >= goal);
    else
      lines.back() += "}";
  }
  for (const auto& line : lines) fmt::print("{}\n", line);
  return 0;
}
