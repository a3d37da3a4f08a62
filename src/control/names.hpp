#pragma once
// Names of actors.

#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "ringray/control/messages.hpp"
#include "ringray/scheduler/membership.hpp"

namespace ringray::control {

/// Who is to get an answer.
struct Asker {
  Rank rank;
  std::uint32_t epoch = 0;
  std::uint64_t correlation = 0;
  bool operator==(const Asker&) const = default;
};
using Answers = std::vector<std::pair<Asker, Reply>>;

/// A name is free, then reserved by a creator, then live, then free again. Answers may come later, to other askers than
/// the one whose request it was; all are appended to `answers`. One thread.
class Names {
 public:
  void reserve(const Asker& asker, const ReserveName& request, Answers& answers);
  void enter(const Asker& asker, const RegisterActor& request, Answers& answers);
  void look_up(const Asker& asker, const LookupActor& request, Answers& answers);
  void remove(const Asker& asker, const RemoveActor& request, Answers& answers);
  void remove_on(const Asker& asker, const RemoveActorsOn& request, Answers& answers);
  /// `membership` knows of the death. Names become free unless an owner lives who may restart the actor.
  void rank_died(Rank rank, const scheduler::Membership& membership, Answers& answers);
  std::size_t size() const { return entries_.size(); }

 private:
  using Key = std::pair<std::string, std::string>;  // namespace, name
  struct Waiter {
    Asker asker;
    std::variant<ReserveName, LookupActor> request;
  };
  struct Entry {
    ActorRecord record;
    bool live = false;
    std::vector<Waiter> waiters;  // while not live
  };
  void insert(Key key, Entry entry);
  void free(const Key& key, Answers& answers);

  std::map<Key, Entry> entries_;
  std::unordered_map<ActorId, Key> key_of_;
};

}  // namespace ringray::control
