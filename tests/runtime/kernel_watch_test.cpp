// Handlers that do not return, in time that the test makes.

#include "ringray/runtime/kernel_watch.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <string>

#include "ringray/base/metrics.hpp"
#include "ringray/device/cpu_kernel.hpp"

namespace ringray::test::kernel_watch {

using namespace device;
using namespace std::chrono_literals;
using runtime::KernelWatch;

/// The actor makes it 1 and goes on when it is 2.
struct Wait {
  static constexpr std::uint16_t id = 9;
  std::atomic<int>* gate;
};
struct Gate {
  struct State {};
  using Handled = Messages<Wait>;
  template <class Context>
  static void on(const Context&, State&, const Wait& wait) {
    wait.gate->store(1);
    wait.gate->notify_all();
    wait.gate->wait(1);
  }
};
/// Shifts the index of the other.
struct Idle {
  struct State {};
  using Handled = Messages<Wait>;
  template <class Context>
  static void on(const Context&, State&, const Wait&) {}
};

class Watched : public testing::Test {
 protected:
  Watched() {
    kernel = std::move(*CpuKernel::create<Program<Idle, Gate>>({.name = "sim", .blocks = 2}, {}));
    EXPECT_TRUE(kernel->launch() && kernel->activate());
    const Gate::State state{};
    for (auto& actor : actors) actor = *kernel->spawn({.type = 1, .state = &state, .state_bytes = sizeof state});
  }
  ~Watched() override {
    for (auto& gate : gates) release(gate);
  }
  /// Its handler runs when it returns.
  void hold(std::size_t actor) {
    auto& gate = gates[actor];
    gate = 0;
    Packed<Wait> packed;
    pack(packed.words, {.target = actors[actor]}, Wait{&gate});
    ASSERT_EQ(kernel->send(packed.words), Delivery::accepted);
    gate.wait(0);
  }
  static void release(std::atomic<int>& gate) {
    gate = 2;
    gate.notify_all();
  }
  /// What it logs and counts.
  struct Said {
    std::string text;
    std::ptrdiff_t lines;
    std::uint64_t counted;
  };
  template <class F>
  Said said(const F& f) {
    const auto before = base::metric_total(Metric::handlers_overdue);
    testing::internal::CaptureStderr();
    f();
    const auto text = testing::internal::GetCapturedStderr();
    return {text, std::count(text.begin(), text.end(), '\n'), base::metric_total(Metric::handlers_overdue) - before};
  }

  const std::shared_ptr<const std::string> name = std::make_shared<const std::string>("sim");
  const ProgramNames program{{{"Idle", {}}, {"Gate", {{Wait::id, "Wait"}}}}};
  std::array<std::atomic<int>, 2> gates{};
  std::array<Address, 2> actors;
  std::shared_ptr<CpuKernel> kernel;
  static constexpr base::Nanoseconds start = 100s;
  static constexpr auto first = "a handler of device actor 'Gate' (slot 0, message 'Wait') of kernel 'sim'";
};

TEST_F(Watched, AHandlerThatOutrunsTheWatchdogIsLoggedOnceAndAgainAfterTwiceTheTime) {
  KernelWatch watch(kernel, name, program, 10s);
  hold(0);
  EXPECT_EQ(said([&] { watch.look(start); }).lines, 0);
  EXPECT_EQ(said([&] { watch.look(start + 9999ms); }).lines, 0);
  const auto warning = said([&] { watch.look(start + 10s); });
  EXPECT_NE(warning.text.find(std::string("warning] ") + first + " has run for 10.0 s; "), warning.text.npos)
      << warning.text;
  EXPECT_EQ(warning.lines, 1);
  EXPECT_EQ(warning.counted, 1);
  EXPECT_EQ(said([&] { watch.look(start + 19s); }).lines, 0);
  const auto second = said([&] { watch.look(start + 45s); });  // nobody looked for a while
  EXPECT_NE(second.text.find("has run for 45.0 s"), second.text.npos) << second.text;
  EXPECT_EQ(second.lines, 1);
  EXPECT_EQ(second.counted, 0) << "one handler counts once";
  EXPECT_EQ(said([&] { watch.look(start + 79s); }).lines, 0);
  EXPECT_EQ(said([&] { watch.look(start + 80s); }).lines, 1);
}

TEST_F(Watched, TheNextHandlerOfTheSameActorBeginsAnew) {
  KernelWatch watch(kernel, name, program, 10s);
  hold(0);
  watch.look(start);
  release(gates[0]);
  hold(0);
  EXPECT_EQ(said([&] { watch.look(start + 20s); }).lines, 0);
  EXPECT_EQ(watch.report(start + 20500ms), "");
  EXPECT_EQ(said([&] { watch.look(start + 30s); }).lines, 1);
}

TEST_F(Watched, WithoutAWatchdogNothingIsLoggedButReported) {
  KernelWatch watch(kernel, name, program, 0s);
  hold(0);
  EXPECT_EQ(said([&] {
              watch.look(start);
              watch.look(start + 1000s);
            }).lines,
            0);
  EXPECT_EQ(watch.report(start + 1000s), std::string("  ") + first + " runs, for 1000.000 s\n");
}

TEST_F(Watched, AReportListsTheHandlersOfAllBlocksThatRunForASecond) {
  KernelWatch watch(kernel, name, program, 10s);
  EXPECT_EQ(watch.report(start), "");
  EXPECT_EQ(watch.what_runs(), "kernel 'sim'");
  hold(0);
  EXPECT_EQ(watch.report(start), "");
  EXPECT_EQ(watch.report(start + 999ms), "");
  EXPECT_EQ(watch.what_runs(), first);
  hold(1);
  EXPECT_EQ(watch.report(start + 1s), std::string("  ") + first + " runs, for 1.000 s\n");
  const auto both = watch.report(start + 2500ms);
  EXPECT_EQ(both, std::string("  ") + first +
                      " runs, for 2.500 s\n  a handler of device actor 'Gate' (slot 256, message 'Wait') of kernel "
                      "'sim' runs, for 1.500 s\n");
}

}  // namespace ringray::test::kernel_watch
