#include "ringray/execution/pool.hpp"

#include <pthread.h>

#include <exception>
#include <thread>
#include <vector>

#include "ringray/base/check.hpp"
#include "ringray/execution/crew.hpp"
#include "ringray/execution/topology.hpp"

namespace ringray::execution {
namespace {

using namespace std::chrono_literals;

Pool::Options completed(Pool::Options options) {
  if (options.workers == 0) options.workers = cpuset_size();
  if (!options.spin) options.spin = options.oversubscribed ? 5us : 50us;
  return options;
}

std::uint64_t to_cycles(base::Nanoseconds time) {
  return static_cast<std::uint64_t>(static_cast<double>(time.count()) * 1e-3 * base::cycles_per_microsecond());
}

}  // namespace

Crew::Crew(Pool& pool, const Pool::Options& given, Pool::Poller* poller)
    : pool(pool),
      options(completed(given)),
      spin_cycles(to_cycles(*options.spin)),
      cycles_between_timers(to_cycles(1us)),
      poller(poller),
      fibers(*this, options.stack_bytes),
      timers([this](base::Nanoseconds) {
        if (sleepers.watched())
          sleepers.wake_watcher();
        else
          sleepers.wake_if_needed();
      }),
      helper(*this) {
  for (unsigned i = 0; i < options.workers; ++i) workers.push_back(std::make_unique<Worker>(*this, i));
}

Crew::~Crew() {
  const auto drop = [](Runnable* runnable) {
    if (Work::is(*runnable)) static_cast<Work*>(runnable)->release();
  };
  while (auto* runnable = injection.pop()) drop(runnable);
  for (auto& worker : workers)
    while (auto* runnable = worker->steal()) drop(runnable);
}

void Crew::schedule(Runnable& runnable) {
  if (auto* worker = Worker::here(); worker && &worker->crew == this)
    worker->schedule(runnable);
  else
    inject(runnable);
}

void Crew::inject(Runnable& runnable) {
  injection.push(runnable);
  sleepers.wake_if_needed();
}

Runnable* Crew::steal(Worker& thief, std::uint64_t first_victim) {
  const auto count = workers.size();
  if (count == 1) return nullptr;
  for (std::size_t i = 0; i < count; ++i) {
    auto& victim = *workers[(first_victim + i) % count];
    if (&victim == &thief) continue;
    if (auto* runnable = victim.steal()) return runnable;
  }
  return nullptr;
}

bool Crew::anything_queued() const noexcept {
  if (injection.size() > 0) return true;
  for (const auto& worker : workers)
    if (worker->queued() > 0) return true;
  return false;
}

std::size_t Crew::queued() const noexcept {
  auto sum = injection.size();
  for (const auto& worker : workers) sum += worker->queued();
  return sum;
}

Pool::Pool(Options options, Poller* poller) : crew_(std::make_unique<Crew>(*this, options, poller)) {}

Pool::~Pool() = default;

void Pool::run(std::function<void()> main) {
  auto& workers = crew_->workers;
  const bool pin = crew_->options.pin;
  const CrashWatch watch(crew_->options.crashed);
  if (crew_->poller) crew_->helper.start();
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < workers.size(); ++i) {
    threads.emplace_back([&worker = *workers[i], pin, i] {
      if (pin) pin_this_thread(i);
      worker.run({});
    });
    pthread_setname_np(threads.back().native_handle(), ("ringray-w" + std::to_string(i)).c_str());
  }
  if (pin) pin_this_thread(0);
  std::exception_ptr thrown;
  workers[0]->run([&] {
    try {
      if (main) main();
    } catch (...) {
      thrown = std::current_exception();
      stop();
    }
  });
  for (auto& thread : threads) thread.join();
  crew_->helper.stop();
  if (pin) unpin_this_thread();
  if (thrown) std::rethrow_exception(thrown);
}

void Pool::stop() noexcept {
  crew_->stopping.store(true, std::memory_order_seq_cst);
  crew_->sleepers.wake_all();
}

void Pool::schedule(Runnable& runnable) { crew_->schedule(runnable); }

Work* Pool::steal_for_other_rank() {
  for (auto& worker : crew_->workers) {
    while (worker->queued() > 0) {
      auto* runnable = worker->steal();
      if (!runnable) continue;
      if (!Work::is(*runnable)) {
        crew_->inject(*runnable);
        continue;
      }
      auto* work = static_cast<Work*>(runnable);
      if (!work->claimed()) return work;
      work->release();
    }
  }
  return nullptr;
}

std::size_t Pool::queued_estimate() const noexcept { return crew_->queued(); }
unsigned Pool::workers() const noexcept { return static_cast<unsigned>(crew_->workers.size()); }
unsigned Pool::asleep() const noexcept { return crew_->sleepers.sleeping(); }
std::size_t Pool::fibers() const noexcept { return crew_->fibers.not_idle(); }
Timers& Pool::timers() noexcept { return crew_->timers; }

unsigned Pool::busy() const noexcept {
  const auto idle = crew_->sleepers.sleeping() + crew_->sleepers.searching();
  return idle < workers() ? workers() - idle : 0;
}

bool Pool::poll_for(const Work& work) {
  auto* worker = Worker::here();
  return worker && worker->poll_for(work);
}

void Pool::polled() noexcept {
  if (auto* worker = Worker::here()) worker->polled(base::cycles());
}

Pool* Pool::current() noexcept {
  auto* worker = Worker::here();
  return worker ? &worker->crew.pool : nullptr;
}

}  // namespace ringray::execution
