// Items that come one by one and are worth handling many at once. A batcher gathers them and sends full batches by
// turns to workers in the kernels of all ranks; what they report comes back to it, actor to actor, without the host.

#include <algorithm>
#include <cstdio>
#include <ringray/device.hpp>
#include <ringray/ringray.hpp>

#include "../command_line.hpp"

namespace {

using namespace ringray::device;

constexpr std::uint32_t batch_max = 96, workers_max = 64;

struct Total {
  static constexpr std::uint16_t id = 1;
  std::uint64_t items, batches;
  double sum_of_squares;
};
struct Item {
  static constexpr std::uint16_t id = 2;
  double value;
};
/// Sends what has gathered, and is answered when all batches have been.
struct Flush {
  static constexpr std::uint16_t id = 3;
  using Reply = Total;
  std::uint32_t unused;
};
struct Batch {
  static constexpr std::uint16_t id = 4;
  std::uint32_t count;
  double values[batch_max];
};
struct Report {
  static constexpr std::uint16_t id = 5;
  std::uint32_t count;
  double sum_of_squares;
};

struct Worker {
  struct State {
    std::uint64_t batches;
  };
  using Handled = Messages<Batch>;
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State& state, const Batch& batch) {
    double sum = 0;
    for (std::uint32_t i = 0; i < batch.count; ++i) sum += batch.values[i] * batch.values[i];
    if (context.rank() == 0) ++state.batches;
    context.reply(Report{batch.count, sum});
  }
};

struct Batcher {
  struct State {
    Address workers[workers_max];
    std::uint32_t workers_count, batch_size;
    Batch batch;
    Total total;
    std::uint64_t sent, reported;
    Address flusher;
    std::uint32_t flush;  // its correlation; 0: nobody waits
  };
  using Handled = Messages<Item, Flush, Report>;
  // One thread of a block writes the state, and all read it after a sync.
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State& state, const Item& item) {
    if (context.rank() == 0) {
      state.batch.values[state.batch.count++] = item.value;
      ++state.total.items;
    }
    context.sync();
    if (state.batch.count == state.batch_size) send_batch(context, state);
  }
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State& state, const Flush&) {
    if (context.rank() == 0) {
      state.flusher = context.envelope().source;
      state.flush = context.envelope().correlation;
    }
    context.sync();
    if (state.batch.count != 0) send_batch(context, state);
    answer_when_done(context, state);
  }
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State& state, const Report& report) {
    if (context.rank() == 0) {
      state.total.sum_of_squares += report.sum_of_squares;
      state.reported += report.count;
    }
    context.sync();
    answer_when_done(context, state);
  }

 private:
  template <class Context>
  RINGRAY_DEVICE static void send_batch(const Context& context, State& state) {
    const auto delivery = context.send(state.workers[state.total.batches % state.workers_count], state.batch);
    if (delivery != Delivery::accepted) return context.fail(1);
    if (context.rank() == 0) {
      state.sent += state.batch.count;
      ++state.total.batches;
      state.batch.count = 0;
    }
    context.sync();
  }
  template <class Context>
  RINGRAY_DEVICE static void answer_when_done(const Context& context, State& state) {
    if (state.flush == 0 || state.reported != state.sent) return;
    context.send(state.flusher, state.total, {.correlation = state.flush});
    context.sync();
    if (context.rank() == 0) state.flush = 0;
    context.sync();
  }
};
using Batchers = Program<Batcher>;
using Workers = Program<Worker>;

void process(std::uint64_t items, std::uint32_t batch_size) {
  const auto home = launch<Batchers>({.name = "batcher"});
  std::vector<KernelHandle<Workers>> kernels;
  Batcher::State state{};
  state.batch_size = batch_size;
  for (std::uint32_t rank = 0; rank < std::min(ringray::ranks(), workers_max); ++rank) {
    kernels.push_back(ringray::get(ringray::submit({.placement = ringray::on_rank(ringray::Rank{rank})},
                                                   [] { return launch<Workers>({.name = "workers"}); })));
    state.workers[state.workers_count++] = home.address_of(kernels.back().spawn<Worker>());
  }
  const auto batcher = home.spawn<Batcher>(state);
  // Up to 4096 messages wait for an actor of another kernel: now and then the batches must have been handled.
  const std::uint64_t window = 4000ull * batch_size;
  Total total{};
  for (std::uint64_t first = 0; first < items; first += window) {
    for (auto i = first; i < std::min(items, first + window); ++i) batcher.send(Item{static_cast<double>(i % 1000)});
    total = ringray::get(batcher.call(Flush{}));
  }
  double expected = 0;
  for (std::uint64_t i = 0; i < items; ++i) expected += static_cast<double>((i % 1000) * (i % 1000));
  std::printf("%llu items in %llu batches of up to %u, by %zu worker%s: sum of squares %.0f\n",
              static_cast<unsigned long long>(total.items), static_cast<unsigned long long>(total.batches), batch_size,
              kernels.size(), kernels.size() == 1 ? "" : "s", total.sum_of_squares);
  for (const auto& kernel : kernels)
    std::printf("  rank %u handled %llu batches\n", kernel.rank().value,
                static_cast<unsigned long long>(kernel.telemetry().handled));
  if (total.items != items || total.sum_of_squares != expected)
    throw std::logic_error("items were lost: the sum should be " + std::to_string(expected));
}

int run_program(int argc, char** argv) {
  std::uint64_t items = 100'000;
  std::uint32_t batch_size = 64;
  jobs::CommandLine line("batch_processor", "Batches for device actors on all ranks.");
  line.number<std::uint64_t>("--items", items, 1, std::uint64_t{1} << 32, "how many");
  line.number<std::uint32_t>("--batch", batch_size, 1, batch_max, "items of a full batch");
  if (const auto status = line.read(argc, argv)) return *status;
  process(items, batch_size);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return jobs::run(argc, argv, run_program); }
