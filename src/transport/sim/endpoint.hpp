#pragma once
// One simulated rank's port.

#include <vector>

#include "ringray/transport/sim/network.hpp"

namespace ringray::transport::sim {

/// The network's thread.
class Endpoint final : public Transport {
 public:
  Endpoint(Network& network, Rank rank) : network_(network), rank_(rank) {}
  ~Endpoint() override;
  Rank rank() const noexcept override { return rank_; }
  std::uint32_t size() const noexcept override { return network_.size(); }
  void send(Rank target, Envelope envelope, View payload) override;
  void send_bulk(Rank target, Envelope envelope, Lease bytes) override;
  void flush() override;
  bool pending() const noexcept override { return !dirty_.empty(); }
  bool progress(Receiver& receiver) override;
  int descriptor() const noexcept override;
  bool arm() override;
  void drop(Rank rank) override;
  const Counters& counters() const noexcept override { return counters_; }

 private:
  friend class Network;
  void post(Network::Link& link, Rank target);
  void arrive(std::uint32_t slot);
  void deliver(Receiver& receiver, const Network::Delivery& delivery);
  void deliver_packet(Receiver& receiver, wire::View packet);
  void lose(Receiver& receiver, Rank rank, Errc reason);
  bool is_lost(Rank rank) const;

  Network& network_;
  Rank rank_;
  std::vector<std::uint32_t> inbox_;
  std::vector<Rank> dirty_;
  double slowness_ = 1;
  bool alive_ = true;
  bool armed_ = false;
  bool in_progress_ = false;
  mutable int descriptor_ = -1;
  Counters counters_;
};

}  // namespace ringray::transport::sim
