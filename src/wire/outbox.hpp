#pragma once
// Where state machines put what they want to send.

#include "ringray/wire/bytes.hpp"
#include "ringray/wire/envelope.hpp"

namespace ringray::wire {

/// Takes messages in order per target. Baton holder only.
class Outbox {
 public:
  /// Copies both; fills in source, clock and payload_bytes.
  virtual void send(Rank target, Envelope envelope, View payload) = 0;
  /// Sends without copying; unordered.
  virtual void send_bulk(Rank target, Envelope envelope, Lease bytes) = 0;

 protected:
  ~Outbox() = default;
};

}  // namespace ringray::wire
