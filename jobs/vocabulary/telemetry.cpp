// What is to be seen of device actors at work: rates, mailbox depths, the time of handlers, and alerts when a queue
// fills, messages are dropped or handlers fail. A slow worker is given more than it can do, then as much as it can.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ringray/device.hpp>
#include <ringray/ringray.hpp>
#include <thread>

#include "../command_line.hpp"

namespace {

using namespace ringray::device;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

struct Done {
  static constexpr std::uint16_t id = 1;
  std::uint64_t jobs;
};
/// Takes a while.
struct Job {
  static constexpr std::uint16_t id = 2;
  using Reply = Done;
  std::uint32_t rounds;
};
struct Flaw {
  static constexpr std::uint16_t id = 3;
  using Reply = Done;
  std::uint32_t code;
};
struct Worker {
  struct State {
    std::uint64_t jobs;
    double value;
  };
  using Handled = Messages<Job, Flaw>;
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State& state, const Job& job) {
    if (context.rank() == 0) {
      for (std::uint32_t i = 0; i < job.rounds; ++i) state.value = state.value * 0.999 + 1;
      ++state.jobs;
    }
    context.sync();
    context.reply(Done{state.jobs});
  }
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State&, const Flaw& flaw) {
    context.fail(flaw.code);
  }
};
using Workers = Program<Worker>;

const char* name_of(Severity severity) { return severity == Severity::critical ? "CRITICAL" : "warning"; }

class Watch {
 public:
  explicit Watch(const KernelHandle<Workers>& kernel) : kernel_(kernel), before_(kernel.telemetry()) {
    std::printf("%10s %10s %10s %7s %16s %16s  %s\n", "phase", "handled/s", "dropped/s", "depth", "handler p50",
                "p99 [ticks]", "alerts");
  }
  void show(const char* phase) {
    const auto now = kernel_.telemetry();
    const auto time = Clock::now();
    const double seconds = std::chrono::duration<double>(time - since_).count();
    const auto interval = now.since(before_);
    std::printf("%10s %10.0f %10.0f %7llu %16llu %16llu ", phase, static_cast<double>(interval.handled) / seconds,
                static_cast<double>(interval.dropped) / seconds, static_cast<unsigned long long>(interval.depth),
                static_cast<unsigned long long>(interval.busy.quantile(0.5)),
                static_cast<unsigned long long>(interval.busy.quantile(0.99)));
    for (const auto& alert : alerts(interval, {})) {
      std::printf(" %s %s (%.2f)", name_of(alert.severity), alert.rule.c_str(), alert.value);
      alerted_ = true;
    }
    std::printf("\n");
    std::fflush(stdout);
    before_ = now;
    since_ = time;
  }
  bool alerted() const { return alerted_; }

 private:
  const KernelHandle<Workers> kernel_;
  Telemetry before_;
  Clock::time_point since_ = Clock::now();
  bool alerted_ = false;
};

/// Sends jobs of a phase: `per_burst` at once, then a pause.
std::uint64_t burden(const Actor<Worker>& worker, int per_burst, Clock::duration time) {
  std::uint64_t sent = 0;
  for (const auto end = Clock::now() + time; Clock::now() < end; std::this_thread::sleep_for(1ms))
    for (int i = 0; i < per_burst; ++i, ++sent) worker.send(Job{10'000});
  return sent;
}

void observe(double seconds) {
  const auto kernel = launch<Workers>({.name = "workers"});
  const auto worker = kernel.spawn<Worker>({.queue_capacity = 64, .overflow = Overflow::drop_oldest}, {});
  Watch watch(kernel);
  const auto phase = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds / 6));
  std::uint64_t sent = 0;
  for (int i = 0; i < 3; ++i) sent += burden(worker, 1000, phase), watch.show("too much");
  if (!watch.alerted()) throw std::logic_error("nobody was told that messages are dropped");
  for (int i = 0; i < 3; ++i) sent += burden(worker, 2, phase), watch.show("enough");
  try {
    ringray::get(worker.call(Flaw{3}));
  } catch (const ringray::ActorDiedError&) {
    watch.show("a fault");
  }
  worker.restart();
  ringray::get(worker.call(Job{1}));  // all that was sent before was handled, or dropped
  kernel.suspend();                   // and the handler that answered has ended: it is counted
  const auto all = kernel.telemetry();
  std::printf("%llu sent, %llu handled, %llu dropped, %llu failed, fullest mailbox %llu of %llu cells\n",
              static_cast<unsigned long long>(sent + 2), static_cast<unsigned long long>(all.handled),
              static_cast<unsigned long long>(all.dropped), static_cast<unsigned long long>(all.failed),
              static_cast<unsigned long long>(all.depth_max), static_cast<unsigned long long>(all.capacity));
  if (all.handled + all.dropped != sent + 2) throw std::logic_error("a message is not accounted for");
}

int run_program(int argc, char** argv) {
  double seconds = 1.2;
  jobs::CommandLine line("telemetry", "Telemetry of a device actor under load.");
  line.number("--seconds", seconds, 0.1, 86400.0, "how long it works");
  if (const auto status = line.read(argc, argv)) return *status;
  observe(seconds);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return jobs::run(argc, argv, run_program); }
