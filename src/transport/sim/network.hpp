#pragma once
// A network of simulated ranks in one process, in virtual time, with faults. Same seed and same calls, same sequence.

#include <deque>
#include <memory>
#include <optional>
#include <queue>
#include <unordered_map>
#include <vector>

#include "ringray/base/random.hpp"
#include "ringray/base/time.hpp"
#include "ringray/transport/transport.hpp"

namespace ringray::transport::sim {

using base::Nanoseconds;

struct Faults {
  Nanoseconds delay_min{1'000};
  Nanoseconds delay_max{20'000};
  double straggler_chance = 0.001;              ///< of a packet
  Nanoseconds straggler_delay_max{5'000'000};   ///< what it is late by at most
  std::uint64_t bulk_bytes_per_us = 5'000;      ///< bandwidth of bulk transfers
  Nanoseconds loss_noticed_after{500'000'000};  ///< from a rank's death to on_peer_lost
};

/// Who makes time pass.
enum class Pace {
  by_step,      ///< the user, by step(); progress() only delivers what has arrived
  by_progress,  ///< progress() of a rank for which nothing has arrived takes a step
};

class Endpoint;

/// One thread, all ranks.
class Network {
 public:
  Network(std::uint64_t seed, std::uint32_t ranks, Faults faults = {}, Pace pace = Pace::by_step);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  /// A rank's port. Stays valid while the network lives, also when the rank was killed.
  Transport& endpoint(Rank rank);
  std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(endpoints_.size()); }

  /// Lets the next event happen; returns the rank whose progress() has something to deliver because of it. No event
  /// left: nothing, and no time passes.
  std::optional<Rank> step();
  Nanoseconds now() const noexcept { return now_; }
  /// When the next event happens.
  std::optional<Nanoseconds> next_event() const;
  /// Lets time pass up to `time`. Precondition: no event before it, and not in the past.
  void advance(Nanoseconds time);
  /// Packets and transfers that are under way or held by a cut link.
  std::size_t in_flight() const noexcept { return in_flight_; }

  /// From now on the rank sends and receives nothing. What it had sent may arrive or not, without holes. Whoever sent
  /// to it learns by on_peer_lost, later.
  void kill(Rank rank);
  bool alive(Rank rank) const;
  /// What is sent between the two is held, in both directions.
  void cut(Rank a, Rank b);
  /// What was held goes on.
  void heal(Rank a, Rank b);
  /// The connection broke: what was held is lost, and both learn by on_peer_lost.
  void lose(Rank a, Rank b);
  /// Everything from and to `rank` takes `factor` times as long.
  void slow(Rank rank, double factor);
  /// Delivers arbitrary bytes as a packet, as a stranger would send them.
  void inject(Rank target, wire::View packet);
  /// The key that packets of this network carry.
  std::uint64_t key() const noexcept { return key_; }

 private:
  friend class Endpoint;

  /// A packet, a bulk transfer, or the news that `source` is lost.
  struct Delivery {
    enum class What : std::uint8_t { packet, bulk, loss } what = What::packet;
    Rank source, target;
    std::vector<std::byte> packet;
    Envelope envelope;
    Lease bytes;
  };
  struct Event {
    std::uint64_t time_ns;
    std::uint64_t order;  ///< breaks ties
    std::uint32_t slot;
    bool operator>(const Event& other) const noexcept {
      return time_ns != other.time_ns ? time_ns > other.time_ns : order > other.order;
    }
  };
  /// One direction between two ranks.
  struct Link {
    std::vector<std::byte> open;      ///< messages that wait for a flush
    std::vector<std::uint32_t> held;  ///< deliveries that arrived while cut
    std::uint64_t last_ns = 0;        ///< arrival of the latest packet: later ones arrive after it
    std::uint32_t sequence_sent = 0, sequence_received = 0;
    bool cut = false;
    bool broken = false;          ///< nothing goes through any more
    bool dirty = false;           ///< in the source's list of links with open packets
    bool loss_scheduled = false;  ///< the source will be told of the target's loss
    bool loss_told = false;       ///< it was, or dropped the target itself
  };

  Link& link(Rank source, Rank target) { return links_[std::uint64_t{source.value} << 32 | target.value]; }
  Link* find_link(Rank source, Rank target);
  std::uint32_t store(Delivery delivery);
  void release(std::uint32_t slot);
  void transmit(Link& link, Delivery delivery);
  void schedule(Link& link, std::uint32_t slot);
  void tell_loss(Rank observer, Rank lost, Nanoseconds after);
  bool swallowed(const Delivery& delivery);
  Nanoseconds delay(const Delivery& delivery);
  std::vector<std::byte> take_packet();

  base::Random random_;
  Faults faults_;
  Pace pace_;
  std::uint64_t key_;
  Nanoseconds now_{0};
  std::uint64_t order_ = std::uint64_t{1} << 62;
  std::uint64_t order_of_held_ = 0;  ///< what was held goes before what arrives at the time of healing
  std::size_t in_flight_ = 0;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::vector<Delivery> deliveries_;
  std::vector<std::uint32_t> free_slots_;
  std::vector<std::vector<std::byte>> free_packets_;
  std::unordered_map<std::uint64_t, Link> links_;
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
};

}  // namespace ringray::transport::sim
