#pragma once
// A seeded queue of events in virtual time: messages (in order per pair, bulk unordered), steps of tasks, deaths.
// Cheaper than transport/sim, which packs messages: thousands of ranks run in one test.

#include <functional>
#include <queue>
#include <unordered_map>
#include <vector>

#include "ringray/base/random.hpp"
#include "ringray/owner/owner.hpp"

namespace ringray::sim {

using owner::Carried;
using wire::Envelope;
using wire::Kind;
using wire::View;

struct Event {
  enum class What : std::uint8_t { message, bulk, step, settle, kill, death_notice } what = What::message;
  Rank source, target;
  Envelope envelope;  ///< settle: `subject`
  std::vector<std::byte> payload;
  std::vector<ObjectId> carried;  ///< references inside
  std::uint64_t task = 0;         ///< step
};

/// One thread.
class Network {
 public:
  explicit Network(std::uint64_t seed) : random_(seed) {}
  /// Planted bugs: may change the message; false drops it.
  std::function<bool(Envelope&, std::vector<std::byte>&)> tamper;

  void send(Rank source, Rank target, Envelope envelope, View payload, Event::What what);
  /// A step, settle, kill or death notice, after a random time of at most `within_ns`.
  void later(Event event, std::uint64_t within_ns);
  /// The next event; false: none is left. The references of a message count as carried until delivered(event).
  bool next(Event& event);
  void delivered(const Event& event);
  std::int64_t carried(ObjectId id) const;
  std::uint64_t now_ns() const noexcept { return now_ns_; }
  std::size_t in_flight_max() const noexcept { return in_flight_max_; }

 private:
  struct Due {
    std::uint64_t time_ns, order;
    std::uint32_t slot;
    bool operator>(const Due& other) const noexcept {
      return time_ns != other.time_ns ? time_ns > other.time_ns : order > other.order;
    }
  };
  void schedule(Event event, std::uint64_t time_ns);

  base::Random random_;
  std::uint64_t now_ns_ = 0, order_ = 0;
  std::size_t in_flight_max_ = 0;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> queue_;
  std::vector<Event> events_;
  std::vector<std::uint32_t> free_;
  std::unordered_map<std::uint64_t, std::uint64_t> last_ns_;  // arrival of a pair's latest message
  std::unordered_map<ObjectId, std::int64_t> carried_;
};

}  // namespace ringray::sim
