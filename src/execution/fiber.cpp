#include "ringray/execution/fiber.hpp"

#include <cxxabi.h>
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <boost/context/detail/fcontext.hpp>
#include <memory>

#include "ringray/base/check.hpp"
#include "ringray/base/thread_local.hpp"
#include "ringray/execution/crew.hpp"
#include "ringray/execution/fiber_pool.hpp"
#include "ringray/execution/worker.hpp"

namespace ringray::execution {
namespace {

namespace fcontext = boost::context::detail;

// The exceptions that are being handled belong to the stack, but libstdc++ keeps them per thread. Not inlined, because
// __cxa_get_globals is declared const: the compiler would use one thread's answer after the switch to another.
struct Exceptions {
  void* caught = nullptr;
  unsigned uncaught = 0;
};
[[gnu::noinline]] void exchange_exceptions(Exceptions& mine) noexcept {
  asm volatile("");
  std::swap(mine, *reinterpret_cast<Exceptions*>(__cxxabiv1::__cxa_get_globals()));
}

RINGRAY_NEAR_THREAD constinit thread_local Contexts foreign_contexts;

}  // namespace

struct Fiber::Switch {
  Fiber* from;
  Fiber* to;
  After after;
  void* argument;
};

struct Entry {
  [[noreturn]] static void start(fcontext::transfer_t transfer) {
    Fiber::arrive(transfer.fctx, transfer.data);
    Worker::loop();
  }
};

Fiber::Fiber(Crew& crew, Worker& home) : Runnable{&Worker::resume}, crew(crew), home(&home) {
  pthread_attr_t attributes;
  void* low = nullptr;
  RINGRAY_ASSERT(pthread_getattr_np(pthread_self(), &attributes) == 0, "stack of the thread");
  RINGRAY_ASSERT(pthread_attr_getstack(&attributes, &low, &bytes_) == 0, "stack of the thread");
  RINGRAY_ASSERT(pthread_attr_destroy(&attributes) == 0, "stack of the thread");
  low_ = static_cast<char*>(low);
  sanitizer::adopt_thread(sanitizer_);
}

Fiber::Fiber(Crew& crew, std::size_t stack_bytes) : Runnable{&Worker::resume}, crew(crew), home(nullptr) {
  stack_.emplace(stack_bytes);
  low_ = stack_->low();
  bytes_ = stack_->bytes();
  point_ = fcontext::make_fcontext(low_ + bytes_, bytes_, &Entry::start);
  sanitizer::create(sanitizer_);
}

Fiber::~Fiber() { sanitizer::destroy(sanitizer_); }

bool Fiber::overflows_at(const void* address) const noexcept {
  const auto* at = static_cast<const char*>(address);
  // Where the main thread's stack ends is known less exactly; but what is left of it does not fault.
  return at >= low_ - Stack::guard_bytes && at < low_ + (stack_ ? 0 : Stack::guard_bytes);
}

void Fiber::switch_to(Fiber& target, After after, void* argument) {
  Switch record{this, &target, after, argument};
  Exceptions exceptions;
  exchange_exceptions(exceptions);
  Worker::here()->fiber = &target;
  sanitizer::leave(sanitizer_, target.sanitizer_, target.low_, target.bytes_);
  const auto transfer = fcontext::jump_fcontext(target.point_, &record);
  arrive(transfer.fctx, transfer.data);
  exchange_exceptions(exceptions);
}

void Fiber::arrive(void* point, void* argument) {
  const auto record = *static_cast<Switch*>(argument);  // on the old stack, which `after` may set free
  sanitizer::arrive(record.to->sanitizer_);
  record.from->point_ = point;
  record.after(record.argument);
}

void Fiber::make_ready() noexcept {
  if (home)
    home->root_ready();
  else
    crew.schedule(*this);
}

FiberPool::~FiberPool() {
  for (auto* fiber : all_) delete fiber;
}

Fiber& FiberPool::take() {
  std::lock_guard lock(mutex_);
  if (!idle_.empty()) {
    auto* fiber = idle_.back();
    idle_.pop_back();
    return *fiber;
  }
  auto fiber = std::make_unique<Fiber>(crew_, stack_bytes_);
  all_.insert(fiber.get());
  return *fiber.release();
}

void FiberPool::give_back(Fiber& fiber) noexcept {
  std::lock_guard lock(mutex_);
  if (idle_.size() < idle_max) return idle_.push_back(&fiber);
  all_.erase(&fiber);
  delete &fiber;
}

std::size_t FiberPool::not_idle() const {
  std::lock_guard lock(mutex_);
  return all_.size() - idle_.size();
}

[[gnu::noinline]] Contexts& contexts() noexcept {
  asm volatile("");
  auto* worker = Worker::here();
  return worker ? worker->fiber->contexts : foreign_contexts;
}

std::size_t stack_left() noexcept {
  auto* worker = Worker::here();
  return worker ? worker->fiber->stack_left() : ~std::size_t{0};
}

bool on_fiber() noexcept { return Worker::here() != nullptr; }

void Resume::operator()() const noexcept { fiber_->make_ready(); }

void yield() {
  auto* worker = Worker::here();
  if (!worker) {
    sched_yield();
    return;
  }
  worker->leave_fiber([](void* argument) noexcept { Worker::yielded(*static_cast<Fiber*>(argument)); }, worker->fiber);
}

void detail::block_on(void (*arrange)(void*, Resume) noexcept, void* argument) {
  auto* worker = Worker::here();
  RINGRAY_ASSERT(worker, "only a fiber can be suspended");
  struct Call {
    void (*arrange)(void*, Resume) noexcept;
    void* argument;
    Fiber* fiber;
  } call{arrange, argument, worker->fiber};
  worker->leave_fiber(
      [](void* raw) noexcept {
        const auto call = *static_cast<Call*>(raw);
        call.arrange(call.argument, Resume(*call.fiber));
      },
      &call);
}

}  // namespace ringray::execution
