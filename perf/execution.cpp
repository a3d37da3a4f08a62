// Question: what does a task cost that is spawned, run and waited for on one rank, without cut-off?
//   fib(n): every call above 1 spawns one child, runs the other itself, and waits. Tasks: F(n+1) - 1.
//   flat: one million empty tasks are spawned by one, then all are waited for.
//   switch: a fiber yields to the loop and comes back (two stack switches, the injection queue, a look outside).
// Model: per task one allocation, one push and pop of the own queue, and five atomic read-modify-writes that miss no
//   cache: 5 x 6 ns + 20 ns; the second worker should halve the time.
// Baselines, in the same run and interleaved: oneTBB task_group, OpenMP tasks (gcc; one worker runs them undeferred, so
//   only oneTBB has a goal). The best of 7 rounds counts: other jobs of the machine only ever add time.
#include <fmt/format.h>
#include <omp.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "ringray/base/check.hpp"
#include "ringray/execution/pool.hpp"

using namespace ringray;
using execution::Pool;
using execution::Work;

namespace {

template <class Body>
struct Job : Work {
  explicit Job(Body body) : Work(type, Start::ready, 2), body(std::move(body)) {}
  Body body;
  static void run(Work& work) {
    static_cast<Job&>(work).body();
    work.complete();
  }
  static void destroy(Work& work) noexcept { delete static_cast<Job*>(&work); }
  static constexpr Type type{.run = &run, .help = nullptr, .destroy = &destroy};
};

template <class Body>
Work& spawn(Pool& pool, Body body) {
  auto* work = new Job<Body>(std::move(body));
  pool.schedule(*work);
  return *work;
}

long fib_ringray(Pool& pool, int n) {
  if (n < 2) return n;
  long a;
  auto& left = spawn(pool, [&a, &pool, n] { a = fib_ringray(pool, n - 1); });
  const long b = fib_ringray(pool, n - 2);
  left.wait();
  left.release();
  return a + b;
}

long fib_tbb(int n) {
  if (n < 2) return n;
  long a;
  tbb::task_group group;
  group.run([&a, n] { a = fib_tbb(n - 1); });
  const long b = fib_tbb(n - 2);
  group.wait();
  return a + b;
}

long fib_openmp(int n) {
  if (n < 2) return n;
  long a;
#pragma omp task shared(a) firstprivate(n)
  a = fib_openmp(n - 1);
  const long b = fib_openmp(n - 2);
#pragma omp taskwait
  return a + b;
}

/// The compiler must not drop a task because it is empty.
inline void nothing() { asm volatile(""); }

long fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

double seconds(const std::function<void()>& what) {
  const auto start = base::now();
  what();
  return std::chrono::duration<double>(base::now() - start).count();
}

/// Runs `what(pool)` as main of a pool; the time is that of `what` alone.
double on_pool(unsigned workers, const std::function<void(Pool&)>& what) {
  double result = 0;
  Pool pool({.workers = workers});
  pool.run([&] {
    result = seconds([&] { what(pool); });
    pool.stop();
  });
  return result;
}

double on_tbb(unsigned workers, const std::function<void()>& what) {
  tbb::global_control limit(tbb::global_control::max_allowed_parallelism, workers);
  tbb::task_arena arena(static_cast<int>(workers));
  double result = 0;
  arena.execute([&] { result = seconds(what); });
  return result;
}

double on_openmp(unsigned workers, const std::function<void()>& what) {
  double result = 0;
#pragma omp parallel num_threads(static_cast <int>(workers))
#pragma omp single
  result = seconds(what);
  return result;
}

struct Contest {
  std::string metric;
  double tasks;
  std::function<double()> ringray, tbb, openmp;
  std::vector<double> times[3] = {};
};

double best(const std::vector<double>& values) {
  return values.empty() ? 0 : *std::min_element(values.begin(), values.end());
}

void report(const Contest& contest) {
  const auto ns = [&](int who) { return 1e9 * best(contest.times[who]) / contest.tasks; };
  fmt::print("{:<28} {:>10.1f} {:>10.1f} {:>10.1f}   ns/task\n", contest.metric, ns(0), ns(1), ns(2));
  for (int who : {1, 2}) {
    if (contest.times[who].empty()) continue;
    const double ratio = ns(0) / ns(who);
    const double goal = 1.5;
    const std::string verdict =
        who == 1 ? fmt::format(R"("goal":{},"met":{})", goal, ratio <= goal) : R"("goal":null,"met":null)";
    fmt::print(R"({{"bench":"execution","metric":"{}","value":{:.2f},"unit":"ns/task","baseline":"{}",)"
               R"("baseline_value":{:.2f},"ratio":{:.3f},{}}})"
               "\n",
               contest.metric, ns(0), who == 1 ? "oneTBB task_group" : "OpenMP tasks", ns(who), ratio, verdict);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = argc > 1 && std::strcmp(argv[1], "--smoke") == 0;
  const int n = smoke ? 20 : 30;
  const int flat = smoke ? 10'000 : 1'000'000;
  const int rounds = smoke ? 1 : 7;
  const long expected = fib(n);
  const double tasks = static_cast<double>(fib(n + 1) - 1);
  std::vector<Contest> contests;
  for (unsigned workers : {1u, 2u}) {
    const auto suffix = std::to_string(workers) + (workers == 1 ? "_worker" : "_workers");
    contests.push_back(
        {"fib" + std::to_string(n) + "_" + suffix, tasks,
         [=] { return on_pool(workers, [=](Pool& pool) { RINGRAY_ASSERT(fib_ringray(pool, n) == expected); }); },
         [=] { return on_tbb(workers, [=] { RINGRAY_ASSERT(fib_tbb(n) == expected); }); },
         [=] { return on_openmp(workers, [=] { RINGRAY_ASSERT(fib_openmp(n) == expected); }); }});
    contests.push_back({"flat_" + suffix, static_cast<double>(flat),
                        [=] {
                          return on_pool(workers, [=](Pool& pool) {
                            std::vector<Work*> works;
                            works.reserve(static_cast<std::size_t>(flat));
                            for (int i = 0; i < flat; ++i) works.push_back(&spawn(pool, [] { nothing(); }));
                            for (auto* work : works) {
                              work->wait();
                              work->release();
                            }
                          });
                        },
                        [=] {
                          return on_tbb(workers, [=] {
                            tbb::task_group group;
                            for (int i = 0; i < flat; ++i) group.run([] { nothing(); });
                            group.wait();
                          });
                        },
                        [=] {
                          return on_openmp(workers, [=] {
                            for (int i = 0; i < flat; ++i) {
#pragma omp task
                              nothing();
                            }
#pragma omp taskwait
                          });
                        }});
  }
  contests.push_back({"yield_1_worker",
                      static_cast<double>(flat),
                      [=] {
                        return on_pool(1, [=](Pool& pool) {
                          // Not waited for by wait(), which would run it on the main fiber.
                          Work* work = nullptr;
                          execution::block_on([&](execution::Resume resume) {
                            work = &spawn(pool, [flat, resume] {
                              for (int i = 0; i < flat; ++i) execution::yield();
                              resume();
                            });
                          });
                          work->release();
                        });
                      },
                      {},
                      {}});
  for (int round = 0; round < rounds; ++round)
    for (auto& contest : contests) {
      contest.times[0].push_back(contest.ringray());
      if (contest.tbb) contest.times[1].push_back(contest.tbb());
      if (contest.openmp) contest.times[2].push_back(contest.openmp());
    }
  fmt::print("{:<28} {:>10} {:>10} {:>10}\n", "best of the rounds", "ringray", "oneTBB", "OpenMP");
  for (const auto& contest : contests) report(contest);
}
