#include "ringray/observe/signals.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <memory>
#include <mutex>

#include "ringray/observe/waits.hpp"

namespace ringray::observe {
namespace {

using namespace std::chrono_literals;

TEST(SignalWatch, ReactsOnAThreadOfItsOwn) {
  std::promise<std::pair<int, std::thread::id>> reacted;
  {
    SignalWatch watch([&](int signal) { reacted.set_value({signal, std::this_thread::get_id()}); });
    kill(getpid(), SIGUSR2);
    auto result = reacted.get_future();
    ASSERT_EQ(result.wait_for(30s), std::future_status::ready);
    const auto [signal, thread] = result.get();
    EXPECT_EQ(signal, SIGUSR2);
    EXPECT_NE(thread, std::this_thread::get_id());
  }
}

TEST(SignalWatch, ReportCanBeMadeWhileTheInterruptedThreadHoldsALock) {
  std::mutex mutex;
  std::promise<std::string> report;
  SignalWatch watch([&](int) {
    std::lock_guard lock(mutex);  // would deadlock inside a handler that interrupted its holder
    report.set_value(hang_report());
  });
  std::unique_lock lock(mutex);
  Wait wait("get object");
  raise(SIGTERM);
  lock.unlock();
  auto result = report.get_future();
  ASSERT_EQ(result.wait_for(30s), std::future_status::ready);
  EXPECT_NE(result.get().find("get object"), std::string::npos);
}

TEST(SignalWatch, RestoresWhatTheSignalsDidBefore) {
  std::signal(SIGUSR2, SIG_IGN);
  {
    SignalWatch watch([](int) {});
  }
  EXPECT_EQ(std::signal(SIGUSR2, SIG_DFL), SIG_IGN);
  SignalWatch again([](int) {});  // one after the other is fine
}

TEST(SignalWatch, EverySignalOfABurstArrivesBeforeTheEnd) {
  std::atomic<int> count{0};
  {
    SignalWatch watch([&](int) { ++count; });
    for (int i = 0; i < 10; ++i) raise(SIGUSR2);
  }
  EXPECT_EQ(count, 10);
}

}  // namespace
}  // namespace ringray::observe
