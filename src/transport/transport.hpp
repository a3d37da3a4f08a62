#pragma once
// What the runtime needs from a network: ordered small messages and unordered bulk transfers between the ranks of
// one job, on one thread at a time (the baton holder).
//
// Promised: messages between one pair of ranks, sent by `send`, arrive once, whole and in order, or the peer is
// reported lost. Small messages to one rank are coalesced until `flush` or until enough are waiting.
// Not promised: any order between pairs, between `send` and `send_bulk`, or that a silent peer is ever noticed
// (the runtime has its own heartbeats).

#include <cstddef>
#include <cstdint>
#include <span>

#include "ringray/base/errors.hpp"
#include "ringray/base/ids.hpp"
#include "ringray/wire/bytes.hpp"
#include "ringray/wire/envelope.hpp"

namespace ringray::transport {

using wire::Envelope;
using wire::Lease;
using wire::View;

/// Largest payload that `send` takes; more goes by `send_bulk`.
inline constexpr std::size_t payload_bytes_max = 128 * 1024;

/// Gets what arrives, always inside progress() and on its thread. May call send, send_bulk and flush, not progress.
class Receiver {
 public:
  /// An ordered message. `payload` is valid during the call only.
  virtual void on_message(const Envelope& envelope, View payload) = 0;
  /// A bulk transfer is about to start: where to put `envelope.payload_bytes` bytes. The memory must stay valid
  /// until on_bulk. An empty span refuses the transfer.
  virtual std::span<std::byte> on_bulk_begin(const Envelope& envelope) = 0;
  /// The transfer that began with this envelope ended: `none`, or why it failed.
  virtual void on_bulk(const Envelope& envelope, Errc status) = 0;
  /// Nothing can be sent to `rank` any more, and nothing will arrive from it. Once per rank.
  virtual void on_peer_lost(Rank rank, Errc reason) = 0;

 protected:
  ~Receiver() = default;
};

struct Counters {
  std::uint64_t envelopes_sent = 0, envelopes_received = 0;
  std::uint64_t packets_sent = 0, packets_received = 0;  ///< what the network saw: coalesced envelopes count once
  std::uint64_t bytes_sent = 0, bytes_received = 0;
  std::uint64_t strangers_refused = 0;  ///< connections without this job's key
  std::uint64_t corrupt_packets = 0;
  std::uint64_t bulks_read = 0;  ///< bulk transfers that were read from the memory of a process of this host
  std::uint64_t endpoints = 0;
};

/// One rank's port to the network. Baton holder only.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual Rank rank() const noexcept = 0;
  virtual std::uint32_t size() const noexcept = 0;

  /// Copies envelope and payload; never blocks. Sets payload_bytes and source. Sending to oneself is allowed and is
  /// delivered by a later progress(). To a lost rank: dropped.
  /// Precondition: payload.size() <= payload_bytes_max.
  virtual void send(Rank target, Envelope envelope, View payload) = 0;
  /// Sends without copying; `bytes` is kept until the transfer ended. Any size from 1 byte.
  virtual void send_bulk(Rank target, Envelope envelope, Lease bytes) = 0;
  /// Hands all coalesced messages to the network.
  virtual void flush() = 0;
  /// True when coalesced messages wait for a flush.
  virtual bool pending() const noexcept = 0;
  /// Moves the network on and delivers what arrived; true when anything happened.
  virtual bool progress(Receiver& receiver) = 0;
  /// A descriptor that becomes readable when progress() has something to do, once arm() has returned true.
  virtual int descriptor() const noexcept = 0;
  /// Prepares the descriptor for sleeping; false: call progress() first.
  virtual bool arm() = 0;
  /// From now on nothing is sent to `rank`, and nothing from it is delivered: membership has declared it dead.
  virtual void drop(Rank rank) = 0;
  virtual const Counters& counters() const noexcept = 0;
};

}  // namespace ringray::transport
