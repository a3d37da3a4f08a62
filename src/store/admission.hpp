#pragma once
// In which order objects are fetched from other ranks, so that a full store never stops the job.

#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "ringray/base/ids.hpp"

namespace ringray::store {

/// Decides which pulls may start. A request names all objects that somebody waits for and is granted as a whole; it
/// then holds their bytes of the budget until it ends, an object that several requests want counting once.
///
/// Order: get, then wait, then task arguments; within a class first come, first served, and nobody overtakes, so that
/// large requests do not starve. A get is granted whatever is free while no other get is: it belongs to a task that
/// runs and holds its arguments, and that task would otherwise wait for itself. So is a wait while no get or wait is.
/// The same holds for the first of any class while nothing is granted, so that a request larger than the budget is not
/// stuck (the store then falls back to the disk). A state machine: one thread, no clock.
class Admission {
 public:
  using RequestId = std::uint64_t;
  enum class Class : std::uint8_t { get, wait, arguments };
  struct Object {
    ObjectId id;
    std::uint64_t bytes = 0;
    bool operator==(const Object&) const = default;
  };
  /// What follows from an event.
  struct Change {
    std::vector<RequestId> granted;
    std::vector<Object> start;   ///< pulls to begin now, each object once
    std::vector<ObjectId> stop;  ///< pulls under way that nobody wants any more
  };

  explicit Admission(std::uint64_t budget_bytes) : budget_(budget_bytes) {}

  /// A new request for objects that exist elsewhere and not here. Precondition: `request` is not known.
  Change activate(RequestId request, Class priority, std::vector<Object> objects);
  /// The pull of an object ended and its bytes are here. They stay counted until the requests for it end.
  void arrived(ObjectId object);
  /// The request got its objects and pinned them (get, wait), or its task ended (arguments).
  Change finish(RequestId request) { return end(request); }
  /// Nobody waits for the request any more. An unknown request is ignored: it may have finished just now.
  Change cancel(RequestId request) { return end(request); }
  /// The store has more or less room for pulled objects than before.
  Change resize(std::uint64_t budget_bytes);

  std::uint64_t held_bytes() const noexcept { return held_; }
  std::size_t waiting() const noexcept { return queue_.size(); }
  std::size_t granted() const noexcept { return granted_.size(); }

 private:
  struct Place {
    Class priority;
    std::uint64_t arrival;
    auto operator<=>(const Place&) const = default;
  };
  struct Request {
    RequestId id;
    std::vector<Object> objects;
  };
  struct Granted {
    Class priority;
    std::vector<Object> objects;
  };
  struct Pull {
    std::uint64_t bytes = 0;
    std::uint32_t wanted_by = 0;
    bool here = false;
  };
  Change end(RequestId request);
  void count(Class priority, int by) noexcept;
  bool must_grant(Class priority) const noexcept;
  void grant_what_fits(Change& change);
  std::uint64_t more_bytes(const Request& request) const;

  std::uint64_t budget_;
  std::uint64_t held_ = 0;
  std::uint64_t arrivals_ = 0;
  std::int64_t gets_granted_ = 0, waits_granted_ = 0;
  std::map<Place, Request> queue_;
  std::unordered_map<RequestId, Place> places_;  ///< of the queue
  std::unordered_map<RequestId, Granted> granted_;
  std::unordered_map<ObjectId, Pull> pulls_;  ///< of the granted requests
};

}  // namespace ringray::store
