#pragma once
// What ranks ask the control store on rank 0, and what it answers.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ringray/base/ids.hpp"
#include "ringray/base/result.hpp"
#include "ringray/base/topic.hpp"
#include "ringray/control/plan.hpp"
#include "ringray/scheduler/ledger.hpp"
#include "ringray/scheduler/membership.hpp"
#include "ringray/wire/bytes.hpp"
#include "ringray/wire/codec.hpp"

namespace ringray::control {

using scheduler::BundleKey;
using scheduler::GroupId;
using scheduler::RankRecord;
using scheduler::Resources;

// ---- names ----------------------------------------------------------------------------------------------------------

/// A named actor. `space` is its namespace. The owner is actor.owner.
struct ActorRecord {
  std::string space, name;
  ActorId actor;
  Rank location;          ///< where it runs; invalid while unknown
  bool detached = false;  ///< outlives its owner
  std::string type;       ///< its class
  bool operator==(const ActorRecord&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(space, name, actor, location, detached, type);
  }
};

/// First half of creating a named actor: of many concurrent askers exactly one gets NameReserved, creates the actor
/// and sends RegisterActor, or RemoveActor when that failed. The others get NameTaken at once, or with `get_if_exists`
/// ActorFound once the actor is registered (or NameReserved, when its creator gave up or died).
struct ReserveName {
  std::string space, name;
  ActorId actor;  ///< the id that the asker will give its actor
  bool get_if_exists = false;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(space, name, actor, get_if_exists);
  }
};
/// Makes the actor visible, or tells where it is after a restart → Flag{true if it was reserved} | NameTaken. What was
/// removed since it was reserved is not entered.
struct RegisterActor {
  ActorRecord record;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(record);
  }
};
/// → ActorFound; waits while the name is reserved but its actor not registered.
struct LookupActor {
  std::string space, name;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(space, name);
  }
};
/// The actor is dead, or was never made: its name is free, and it subscribes to nothing → Flag{true if it had a name}.
struct RemoveActor {
  ActorId actor;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(actor);
  }
};
/// What the asker's actors on that rank are called is free: the rank is dead, and they come back nowhere → Flag{true if
/// one had a name}.
struct RemoveActorsOn {
  Rank rank;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(rank);
  }
};
struct NameReserved {
  template <class Archive>
  void serialize(Archive&) {}
};
struct NameTaken {
  ActorRecord existing;  ///< only space, name and actor are set while it is reserved
  template <class Archive>
  void serialize(Archive& archive) {
    archive(existing);
  }
};
struct ActorFound {
  std::optional<ActorRecord> record;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(record);
  }
};
// ---- key-value ------------------------------------------------------------------------------------------------------

/// → Flag{true if written}: false when the key exists and `overwrite` is not set.
struct PutValue {
  std::string space, key, value;
  bool overwrite = true;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(space, key, value, overwrite);
  }
};
/// → Value.
struct GetValue {
  std::string space, key;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(space, key);
  }
};
/// → Flag{true if it existed}.
struct DeleteValue {
  std::string space, key;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(space, key);
  }
};
/// → Flag{true if it exists}.
struct HasValue {
  std::string space, key;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(space, key);
  }
};
/// → Keys, sorted.
struct ListKeys {
  std::string space, prefix;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(space, prefix);
  }
};

struct Value {
  std::optional<std::string> value;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(value);
  }
};
struct Keys {
  std::vector<std::string> keys;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(keys);
  }
};

// ---- topics ---------------------------------------------------------------------------------------------------------

/// A method of an actor that gets what is published.
struct Subscriber {
  ActorId actor;
  Rank home;                     ///< where the actor lives
  std::uint64_t callable = 0;    ///< descriptor of calls of the method
  std::string type;              ///< of the values that it takes: the name, then what tells namesakes apart
  std::vector<std::byte> bound;  ///< its first arguments, encoded
  bool takes_topic = false;      ///< then comes the topic, then the value
  bool operator==(const Subscriber&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(actor, home, callable, type, bound, takes_topic);
  }
};
/// → Flag{true}, when every rank knows it. All ranks are told, by the same words. The actor exists.
struct Subscribe {
  std::string pattern;
  Subscriber subscriber;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(pattern, subscriber);
  }
};
/// → Flag{true if it had subscribed}, when every rank knows it. An empty pattern stands for all that it has.
struct Unsubscribe {
  std::string pattern;
  Subscriber subscriber;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(pattern, subscriber);
  }
};
/// What is published, as it travels.
struct Publication {
  std::string topic, type;
  std::vector<std::byte> topic_argument, value;  ///< encoded
  Quality quality = Quality::at_most_once;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(topic, type, topic_argument, value, quality);
  }
};
/// Goes to all subscribers, and to later ones until the next one or a ClearRetained → Flag{true}.
struct Retain {
  Publication publication;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(publication);
  }
};
/// → Flag{true if there was a value}.
struct ClearRetained {
  std::string topic;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(topic);
  }
};

// ---- placement groups -----------------------------------------------------------------------------------------------

struct GroupSpecification {
  GroupId id;        ///< made by the creator, whose rank is id.owner
  std::string name;  ///< may be empty
  std::vector<Resources> bundles;
  Strategy strategy = Strategy::pack;
  bool detached = false;  ///< outlives its creator's rank
  bool operator==(const GroupSpecification&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(id, name, bundles, strategy, detached);
  }
};
/// pending: resources are in use now; rescheduling: the bundles of a dead rank are being placed again; infeasible: the
/// ranks that live do not have it at all.
enum class GroupState : std::uint8_t { pending, ready, rescheduling, infeasible, count };

struct GroupRecord {
  GroupSpecification specification;
  GroupState state = GroupState::pending;
  std::vector<Rank> ranks;  ///< one per bundle; invalid where not placed. All valid when ready
  std::string reason;       ///< why it is not ready
  bool operator==(const GroupRecord&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(specification, state, ranks, reason);
  }
};

/// → Flag{true if new}: the group is pending then; the same id again changes nothing.
struct CreateGroup {
  GroupSpecification specification;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(specification);
  }
};
/// → GroupFound when it is ready; Refusal unschedulable when infeasible, invalid_transition when there is no such
/// group.
struct WaitGroup {
  GroupId id;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(id);
  }
};
/// → Flag{true if it existed}. The ranks kill its users.
struct RemoveGroup {
  GroupId id;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(id);
  }
};
struct GroupFound {
  std::optional<GroupRecord> record;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(record);
  }
};
// ---- membership -----------------------------------------------------------------------------------------------------

/// The asker found that incarnation dead → Flag{true if that is news}. The control store tells everybody.
struct ReportDeath {
  Rank rank;
  std::uint32_t epoch = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(rank, epoch);
  }
};
struct DeadRank {
  Rank rank;
  std::uint32_t epoch = 0;
  bool operator==(const DeadRank&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(rank, epoch);
  }
};
/// Payload of Kind::membership: all who died so far, so that the latest news makes up for news that were lost in the
/// subtree of a rank that was dying.
struct MembershipNews {
  std::uint64_t version = 0;  ///< counts deaths
  std::vector<DeadRank> dead;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(version, dead);
  }
};

// ---- all ------------------------------------------------------------------------------------------------------------

/// A yes or no; what it says stands at the request.
struct Flag {
  bool value = false;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(value);
  }
};
struct Refusal {
  Errc code = Errc::none;
  std::string text;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(code, text);
  }
};

using Request = std::variant<ReserveName, RegisterActor, LookupActor, RemoveActor, RemoveActorsOn, PutValue, GetValue,
                             DeleteValue, HasValue, ListKeys, Subscribe, Unsubscribe, Retain, ClearRetained,
                             CreateGroup, WaitGroup, RemoveGroup, ReportDeath>;
using Reply = std::variant<Flag, Refusal, NameReserved, NameTaken, ActorFound, Value, Keys, GroupFound>;

/// Set in the flags of a Kind::reserved envelope when the bundle is held; its payload is what the rank has free.
inline constexpr std::uint8_t bundle_held = 1;

/// For people: "the actor named 'hits'".
std::string text_of(const Request& request);

wire::ByteBuffer encode(const Request& request);
wire::ByteBuffer encode(const Reply& reply);
wire::ByteBuffer encode(const MembershipNews& news);
wire::ByteBuffer encode(const Resources& resources);
/// corrupt_data when the bytes are no Request, Reply, MembershipNews or Resources of sound amounts.
template <class T>
Result<T> decode(wire::View bytes);
template <>
Result<Request> decode<Request>(wire::View bytes);
template <>
Result<Reply> decode<Reply>(wire::View bytes);
template <>
Result<MembershipNews> decode<MembershipNews>(wire::View bytes);
template <>
Result<Resources> decode<Resources>(wire::View bytes);

}  // namespace ringray::control
