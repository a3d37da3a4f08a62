#pragma once
// Works made from lambdas, counted, and a fixture that asserts that all of them are gone at the end.

#include <gtest/gtest.h>

#include <atomic>
#include <utility>

#include "ringray/execution/pool.hpp"

namespace ringray::execution {

inline std::atomic<long> live_works{0};

/// Runs `body` and completes. One reference for who makes it, one for the queue.
template <class Body>
struct Job : Work {
  explicit Job(Body body, Start start = Start::ready) : Work(type, start, 2), body(std::move(body)) { ++live_works; }
  Body body;
  static void run(Work& work) {
    static_cast<Job&>(work).body();
    work.complete();
  }
  static void destroy(Work& work) noexcept {
    delete static_cast<Job*>(&work);
    --live_works;
  }
  static constexpr Type type{.run = &run, .help = nullptr, .destroy = &destroy};
};

/// An event without body, one reference.
struct Event : Work {
  Event() : Work(type) { ++live_works; }
  static void gone(Work& work) noexcept {
    delete static_cast<Event*>(&work);
    --live_works;
  }
  static constexpr Type type{.run = nullptr, .help = nullptr, .destroy = &gone};
};

/// Owns one reference.
class Held {
 public:
  explicit Held(Work* work) : work_(work) {}
  Held(const Held& other) : work_(other.work_) { work_->retain(); }
  Held(Held&& other) noexcept : work_(std::exchange(other.work_, nullptr)) {}
  ~Held() {
    if (work_) work_->release();
  }
  Work* operator->() const { return work_; }
  Work& operator*() const { return *work_; }

 private:
  Work* work_;
};

template <class Body>
Held spawn(Pool& pool, Body body) {
  auto* work = new Job<Body>(std::move(body));
  Held held(work);
  pool.schedule(*work);
  return held;
}

inline Held event() { return Held(new Event); }

/// Every work that a test made is gone at its end.
class ExecutionTest : public testing::Test {
 protected:
  void SetUp() override { before_ = live_works; }
  void TearDown() override { EXPECT_EQ(live_works, before_); }

  /// Runs `main` on a pool of `workers` and stops it.
  template <class Main>
  static void on_pool(unsigned workers, Main main, Pool::Poller* poller = nullptr) {
    Pool pool({.workers = workers}, poller);
    pool.run([&] {
      main(pool);
      pool.stop();
    });
  }

 private:
  long before_ = 0;
};

}  // namespace ringray::execution
