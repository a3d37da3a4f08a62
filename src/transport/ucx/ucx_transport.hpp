#pragma once
// The UCX transport's parts: ordered packets (ucx_transport.cpp), endpoints and death (peers.cpp), bulk transfers
// (bulk.cpp, and single_copy.cpp within a host).

#include <deque>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ringray/base/time.hpp"
#include "ringray/transport/packet.hpp"
#include "ringray/transport/roster.hpp"
#include "ringray/transport/transport.hpp"
#include "ringray/transport/ucx/buffer.hpp"
#include "ringray/transport/ucx/identity.hpp"
#include "ringray/transport/ucx/watch.hpp"
#include "ringray/transport/ucx/worker.hpp"

namespace ringray::transport::ucx {

/// Ids of our active messages. The UCX worker is ours alone.
enum MessageId : unsigned { packet_message = 1, bulk_message = 2, offer_message = 3, answer_message = 4 };

class UcxTransport;

/// What this rank knows of another. `open` collects messages until the next post.
struct Peer {
  UcxTransport* transport = nullptr;
  ucp_ep_h endpoint = nullptr;
  Buffer* open = nullptr;
  std::uint32_t sequence_sent = 0;
  std::uint32_t sequence_received = 0;
  Rank rank;
  std::uint64_t process_id = 0;  ///< 0: it runs on another host
  bool readable = false;         ///< its memory was read
  Identity shown;                ///< to it, when it reads this rank's memory
  bool refuses_offers = false;
  bool lost = false;  ///< nothing is sent or delivered any more
  bool dirty = false;
  bool flushed = false;  ///< while closing
};

/// Baton holder only.
class UcxTransport final : public Transport {
 public:
  UcxTransport(std::unique_ptr<Worker> worker, Roster roster);
  /// Sends what is waiting and closes; gives up on peers that do not take it in a second.
  ~UcxTransport() override;

  Rank rank() const noexcept override { return roster_.self; }
  std::uint32_t size() const noexcept override { return static_cast<std::uint32_t>(peers_.size()); }
  void send(Rank target, Envelope envelope, View payload) override;
  void send_bulk(Rank target, Envelope envelope, Lease bytes) override;
  void flush() override;
  bool pending() const noexcept override { return !dirty_.empty(); }
  bool progress(Receiver& receiver) override;
  int descriptor() const noexcept override { return wakeup_.descriptor(); }
  bool arm() override;
  void drop(Rank rank) override;
  const Counters& counters() const noexcept override { return counters_; }

 private:
  struct BulkSend;
  struct BulkReceive;
  struct SelfBulk {
    Envelope envelope;
    Lease bytes;
  };
  struct Offered {
    Rank target;
    Envelope envelope;
    Lease bytes;
  };
  struct Reading {
    Envelope envelope;
    std::uint64_t number;    ///< of the sender's offers
    std::uint64_t identity;  ///< address, there
    std::uint64_t from;      ///< address, there
    std::span<std::byte> rest;
  };
  struct Loss {
    Rank rank;
    Errc reason;
  };

  // Ordered packets.
  void open_buffer(Peer& peer, std::size_t bytes);
  void post(Peer& peer);
  void post_buffer(Peer& peer, MessageId id, Buffer* buffer);
  void post_note(Peer& peer, MessageId id, View note);
  void on_packet(View packet);
  bool is_stranger(const PacketHeader& header);
  void corrupt(Rank source, const char* what);
  bool deliver_to_self(Receiver& receiver);

  // Endpoints and death.
  bool connect(Peer& peer);
  void lose(Peer& peer, Errc reason);
  void close_doomed();
  void start_closing(ucp_ep_h endpoint, unsigned flags);
  void look_at_watch();
  bool report_losses(Receiver& receiver);
  void start_flushing(Peer& peer);
  bool progress_until_idle(base::Nanoseconds limit);
  void close();

  // Bulk.
  void push(Peer& peer, const Envelope& envelope, Lease bytes);
  ucs_status_t on_bulk(const BulkHeader& header, void* data, std::size_t bytes, bool rendezvous);
  void end_bulk(BulkReceive* transfer, ucs_status_t status);

  // Bulk within a host.
  bool may_offer(const Peer& peer, std::size_t bytes) const noexcept;
  void offer(Peer& peer, const Envelope& envelope, Lease bytes);
  void on_offer(View note);
  bool reads(const Peer& peer, std::uint64_t identity, std::uint64_t from = 0, std::span<std::byte> to = {}) const;
  bool read_on(Receiver& receiver);
  void answer(Peer& peer, std::uint64_t number, bool done);
  void on_answer(View note);
  void stop_reading();
  void drop_offers(Peer& peer);

  template <void (UcxTransport::*handle)(View)>
  static ucs_status_t arrived(void* self, const void*, size_t, void* data, size_t bytes, const ucp_am_recv_param_t*) {
    (static_cast<UcxTransport*>(self)->*handle)({static_cast<const std::byte*>(data), bytes});
    return UCS_OK;
  }
  static ucs_status_t bulk_arrived(void*, const void*, size_t, void*, size_t, const ucp_am_recv_param_t*);
  static void packet_left(void* request, ucs_status_t status, void* buffer);
  static void bulk_left(void* request, ucs_status_t status, void* transfer);
  static void bulk_received(void* request, ucs_status_t status, size_t bytes, void* transfer);
  static void endpoint_failed(void* peer, ucp_ep_h endpoint, ucs_status_t status);
  static void endpoint_flushed(void* request, ucs_status_t status, void* peer);
  static void endpoint_closed(void* request, ucs_status_t status, void* transport);

  std::unique_ptr<Worker> worker_;
  Roster roster_;
  Watch watch_;
  EitherReadable wakeup_;
  std::uint32_t polls_ = 0;              ///< of UCX since the watch was looked at
  bool armed_ = false;                   ///< since the last progress()
  std::uint64_t watch_next_cycles_ = 0;  ///< when it is looked at again
  std::vector<Peer> peers_;
  std::vector<std::uint32_t> dirty_;  ///< ranks with an open buffer
  BufferPool buffers_;
  std::vector<Buffer*> self_packets_;
  std::vector<SelfBulk> self_bulks_;
  std::unordered_map<std::uint64_t, Offered> offered_;  ///< until they are answered
  std::uint64_t last_offer_ = 0;
  std::deque<Reading> readings_;
  Receiver* receiver_ = nullptr;                 ///< during progress()
  std::vector<Loss> losses_;                     ///< to be reported
  std::vector<ucp_ep_h> doomed_;                 ///< to be closed by force outside of UCX's callbacks
  std::size_t flushing_ = 0;                     ///< endpoints that UCX is flushing
  std::vector<void*> close_requests_;            ///< of endpoints that UCX is closing
  std::size_t bulks_ = 0;                        ///< transfers in flight, both directions
  std::unordered_set<std::uint32_t> strangers_;  ///< sources that were logged
  Counters counters_;
};

}  // namespace ringray::transport::ucx
