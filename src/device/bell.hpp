#pragma once
// The bell of host threads: who waits for a condition on words of the device protocol sleeps until somebody who may
// have changed it rings. No ring is lost, and a ring that nobody waits for costs one read-modify-write.
//
// Right because both sides end in a read-modify-write of one word: if the ring is first, the listener sees what was
// done before it; if the listener is first, the ring sees that somebody listens.

#include <atomic>
#include <cstdint>

#include "ringray/base/time.hpp"

namespace ringray::device {

/// Any thread.
class Bell {
 public:
  /// Call after the change.
  void ring() noexcept {
    if ((word_.fetch_and(~listening, std::memory_order_acq_rel) & listening) != 0) wake();
  }
  /// Waits until `ready()` is true: the result; false when it was not by `deadline` (base::now()).
  template <class Ready>
  bool wait(const Ready& ready, base::Nanoseconds deadline = base::Nanoseconds::max()) {
    for (;;) {
      if (ready()) return true;
      const auto seen = word_.fetch_or(listening, std::memory_order_acq_rel) | listening;
      if (ready()) return true;
      if (!sleep(seen, deadline)) return ready();
    }
  }

 private:
  static constexpr std::uint32_t listening = 1;
  void wake() noexcept;
  bool sleep(std::uint32_t seen, base::Nanoseconds deadline) noexcept;

  std::atomic<std::uint32_t> word_{0};
};

}  // namespace ringray::device
