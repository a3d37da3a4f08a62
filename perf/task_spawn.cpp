// Question: what does a task cost that is submitted, run and waited for on one rank, through the public interface?
//   fib(n): every call above 1 submits one child, runs the other itself, and gets. Tasks: F(n+1) - 1.
//   flat: empty tasks are submitted by one, then all are waited for.
// Model: perf/execution measures the pool alone. A record adds to a work what travels would need: a value, a type, the
//   serial numbers of task and parent. One allocation a task; no lock, no id.
// Baselines: oneTBB task_group and OpenMP tasks in the same process, in turn. The best round counts.

#include <omp.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.hpp"
#include "ringray/ringray.hpp"

namespace {

long fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

long fib_ringray(int n) {
  if (n < 2) return n;
  const auto left = ringray::submit(fib_ringray, n - 1);
  const long right = fib_ringray(n - 2);
  return ringray::get(left) + right;
}

long fib_tbb(int n) {
  if (n < 2) return n;
  long left;
  tbb::task_group group;
  group.run([&left, n] { left = fib_tbb(n - 1); });
  const long right = fib_tbb(n - 2);
  group.wait();
  return left + right;
}

long fib_openmp(int n) {
  if (n < 2) return n;
  long left;
#pragma omp task shared(left) firstprivate(n)
  left = fib_openmp(n - 1);
  const long right = fib_openmp(n - 2);
#pragma omp taskwait
  return left + right;
}

/// The compiler must not drop a task because it is empty.
void nothing() { asm volatile(""); }

void flat_ringray(int count) {
  std::vector<ringray::ObjectRef<void>> tasks;
  tasks.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) tasks.push_back(ringray::submit(nothing));
  for (const auto& task : tasks) ringray::get(task);
}
void flat_tbb(int count) {
  tbb::task_group group;
  for (int i = 0; i < count; ++i) group.run([] { nothing(); });
  group.wait();
}
void flat_openmp(int count) {
  for (int i = 0; i < count; ++i) {
#pragma omp task
    nothing();
  }
#pragma omp taskwait
}

struct Peers {
  int workers;
  template <class Work>
  double tbb(const Work& work) const {
    tbb::global_control limit(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(workers));
    tbb::task_arena arena(workers);
    double seconds = 0;
    arena.execute([&] { seconds = perf::seconds_of(work); });
    return seconds;
  }
  template <class Work>
  double openmp(const Work& work) const {
    double seconds = 0;
#pragma omp parallel num_threads(workers)
#pragma omp single
    seconds = perf::seconds_of(work);
    return seconds;
  }
};

void check(long found, long expected) {
  if (found != expected) throw std::runtime_error("fib came out wrong");
}

void measure(int workers, bool smoke) {
  const Peers peers{workers};
  const int n = smoke ? 18 : 30, count = smoke ? 10'000 : 1'000'000;
  const long expected = fib(n);
  const perf::Effort effort{smoke ? 0.05 : 3, smoke ? 1 : 3};
  const auto compare = [&](const std::string& metric, double tasks, const auto& ours, const auto& tbb,
                           const auto& openmp) {
    const double ns = 1e9 / tasks;
    std::vector<double> of_openmp;
    const auto rounds = perf::take_turns(
        effort, [&] { return perf::seconds_of(ours) * ns; },
        [&] {
          of_openmp.push_back(peers.openmp(openmp) * ns);
          return peers.tbb(tbb) * ns;
        });
    const auto name = metric + (workers == 1 ? "_1_worker" : "_2_workers");
    perf::print(
        {.bench = "task_spawn", .metric = name, .unit = "ns/task", .baseline = "oneTBB task_group", .goal = 1.5},
        rounds);
    perf::print({.bench = "task_spawn", .metric = name, .unit = "ns/task", .baseline = "OpenMP tasks"},
                {rounds.ours, of_openmp});
  };
  compare(
      "fib" + std::to_string(n), static_cast<double>(fib(n + 1) - 1), [&] { check(fib_ringray(n), expected); },
      [&] { check(fib_tbb(n), expected); }, [&] { check(fib_openmp(n), expected); });
  compare(
      "flat", count, [&] { flat_ringray(count); }, [&] { flat_tbb(count); }, [&] { flat_openmp(count); });
}

int run(int argc, char** argv, int workers) {
  setenv("RINGRAY_WORKERS", std::to_string(workers).c_str(), 1);
  setenv("RINGRAY_LOG_LEVEL", "warning", 0);
  return ringray::run(argc, argv, [&] { measure(workers, perf::is_smoke(argc, argv)); });
}

}  // namespace

int main(int argc, char** argv) {
  // A process runs once with one number of workers.
  const pid_t child = fork();
  if (child < 0) return 1;
  if (child == 0) return run(argc, argv, 1);
  int status = 0;
  if (waitpid(child, &status, 0) != child || status != 0) return 1;
  return run(argc, argv, 2);
}
