#pragma once
// The UCX transport's parts: ordered packets (ucx_transport.cpp), endpoints and death (peers.cpp), bulk (bulk.cpp).

#include <memory>
#include <unordered_set>
#include <vector>

#include "ringray/base/time.hpp"
#include "ringray/transport/packet.hpp"
#include "ringray/transport/roster.hpp"
#include "ringray/transport/transport.hpp"
#include "ringray/transport/ucx/buffer.hpp"
#include "ringray/transport/ucx/watch.hpp"
#include "ringray/transport/ucx/worker.hpp"

namespace ringray::transport::ucx {

/// Ids of our active messages. The UCX worker is ours alone.
enum MessageId : unsigned { packet_message = 1, bulk_message = 2 };

class UcxTransport;

/// What this rank knows of another. `open` collects messages until the next post.
struct Peer {
  UcxTransport* transport = nullptr;
  ucp_ep_h endpoint = nullptr;
  Buffer* open = nullptr;
  std::uint32_t sequence_sent = 0;
  std::uint32_t sequence_received = 0;
  Rank rank;
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
  struct Loss {
    Rank rank;
    Errc reason;
  };

  // Ordered packets.
  void open_buffer(Peer& peer, std::size_t bytes);
  void post(Peer& peer);
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
  ucs_status_t on_bulk(const BulkHeader& header, void* data, std::size_t bytes, bool rendezvous);
  void end_bulk(BulkReceive* transfer, ucs_status_t status);

  static ucs_status_t packet_arrived(void*, const void*, size_t, void*, size_t, const ucp_am_recv_param_t*);
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
  Receiver* receiver_ = nullptr;                 ///< during progress()
  std::vector<Loss> losses_;                     ///< to be reported
  std::vector<ucp_ep_h> doomed_;                 ///< to be closed by force outside of UCX's callbacks
  std::size_t closing_ = 0;                      ///< endpoints that UCX is flushing or closing
  std::size_t bulks_ = 0;                        ///< transfers in flight, both directions
  std::unordered_set<std::uint32_t> strangers_;  ///< sources that were logged
  Counters counters_;
};

}  // namespace ringray::transport::ucx
