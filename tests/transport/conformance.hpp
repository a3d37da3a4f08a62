#pragma once
// What a transport's harness gives the conformance tests: ranks to run a body on.

#include <cstdint>
#include <functional>

#include "ringray/transport/transport.hpp"

namespace ringray::transport::conformance {

/// One rank of a test. The body runs on one thread.
class Job {
 public:
  virtual Transport& transport() = 0;
  /// Moves the rank on; when nothing happened, lets the others have the processor.
  virtual bool progress(Receiver& receiver) = 0;
  /// Waits until the armed transport's descriptor is readable.
  virtual void sleep() = 0;
  /// Ends this rank as kill -9 does.
  [[noreturn]] virtual void die() = 0;
  /// Closes the transport.
  virtual void close() = 0;
  /// Sends arbitrary bytes as a packet to `target`, from outside of the job.
  virtual void inject(Rank target, View packet) = 0;
  /// The key of the job.
  virtual std::uint64_t key() = 0;
  Rank rank() { return transport().rank(); }
  std::uint32_t size() { return transport().size(); }

 protected:
  ~Job() = default;
};

/// Runs `body` on `ranks` ranks that are connected by the transport under test and waits for all. A failed
/// expectation on any rank fails the test.
void run_ranks(std::uint32_t ranks, const std::function<void(Job&)>& body);

}  // namespace ringray::transport::conformance
