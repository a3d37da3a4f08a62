// Requests that are answered: a server actor on each rank, thousands of calls under way at once, each answer checked
// against its request; and calls that are not answered in time, or not at all.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ringray/device.hpp>
#include <ringray/ringray.hpp>

#include "../command_line.hpp"

namespace {

using namespace ringray::device;

struct Root {
  static constexpr std::uint16_t id = 1;
  double value;
  std::uint32_t steps;
};
/// The square root of a number that is not negative.
struct Question {
  static constexpr std::uint16_t id = 2;
  using Reply = Root;
  double number;
};
/// Is never answered.
struct Riddle {
  static constexpr std::uint16_t id = 3;
  using Reply = Root;
  std::uint32_t unused;
};
struct Server {
  struct State {
    std::uint64_t answered;
  };
  using Handled = Messages<Question, Riddle>;
  template <class Context>
  RINGRAY_DEVICE static void on(const Context& context, State& state, const Question& question) {
    if (!(question.number >= 0)) return context.fail(1);
    double root = question.number > 1 ? question.number : 1, before = 0;
    std::uint32_t steps = 0;
    for (; root != before && steps < 2000; ++steps) {  // Newton; falls until it is there
      before = root;
      const double next = (root + question.number / root) / 2;
      root = next < root ? next : root;
    }
    if (context.rank() == 0) ++state.answered;
    context.reply(Root{root, steps});
  }
  template <class Context>
  RINGRAY_DEVICE static void on(const Context&, State&, const Riddle&) {}
};
using Servers = Program<Server>;

template <class Expected>
void expect_error(const char* what, const ringray::ObjectRef<Root>& answer) {
  try {
    ringray::get(answer);
  } catch (const Expected& error) {
    std::printf("%s: %s\n", what, error.what());
    return;
  }
  throw std::logic_error(std::string(what) + ": was answered");
}

void ask(std::uint64_t requests) {
  std::vector<KernelHandle<Servers>> kernels;
  std::vector<Actor<Server>> servers;
  for (std::uint32_t rank = 0; rank < ringray::ranks(); ++rank) {
    kernels.push_back(ringray::get(ringray::submit({.placement = ringray::on_rank(ringray::Rank{rank})},
                                                   [] { return launch<Servers>({.name = "servers"}); })));
    servers.push_back(kernels.back().spawn<Server>());
  }
  constexpr std::uint64_t window = 4096;  // calls under way
  const auto begin = std::chrono::steady_clock::now();
  std::uint64_t steps = 0;
  for (std::uint64_t first = 0; first < requests; first += window) {
    const auto end = std::min(requests, first + window);
    std::vector<ringray::ObjectRef<Root>> answers;
    for (auto i = first; i < end; ++i)
      answers.push_back(servers[i % servers.size()].call(Question{static_cast<double>(i)}));
    for (auto i = first; i < end; ++i) {
      const Root root = ringray::get(answers[i - first]);
      const double right = std::sqrt(static_cast<double>(i));
      if (std::abs(root.value - right) > 1e-12 * (right + 1))
        throw std::logic_error("the root of " + std::to_string(i) + " is not " + std::to_string(root.value));
      steps += root.steps;
    }
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  std::printf("%llu requests to %zu server%s, all answered right, in %.2f s (%.1f Newton steps each)\n",
              static_cast<unsigned long long>(requests), servers.size(), servers.size() == 1 ? "" : "s",
              seconds.count(), static_cast<double>(steps) / static_cast<double>(requests));
  const auto& server = servers.back();
  expect_error<ringray::GetTimeoutError>("no answer",
                                         server.call(Riddle{}, {.timeout = std::chrono::milliseconds(10)}));
  expect_error<ringray::ActorDiedError>("a bad request", server.call(Question{-1}));
  server.restart();
  std::printf("restarted: the root of 2 is %.15f\n", ringray::get(server.call(Question{2})).value);
}

int run_program(int argc, char** argv) {
  std::uint64_t requests = 20'000;
  jobs::CommandLine line("request_response", "Requests to device actors on all ranks.");
  line.number<std::uint64_t>("--requests", requests, 1, std::uint64_t{1} << 40, "how many");
  if (const auto status = line.read(argc, argv)) return *status;
  ask(requests);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return jobs::run(argc, argv, run_program); }
