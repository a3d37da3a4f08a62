#pragma once
// Ownership: who knows which object, who keeps it alive, where its value is, and which requests wait for replies.
//
// A pure state machine (baton holder only; no clock, lock, thread or random generator). What it wants to send goes
// to the Outbox, what it wants from its rank to the Environment.
//
// Reference protocol (README.md has the argument why it is exact):
//  - `handles` counts what this rank itself holds: one for the runtime's state of the object, one per request that
//    pins it, one per stored value that contains it.
//  - A request carries references; the caller pins them until the reply. Meanwhile the callee's references are
//    `covered`. The reply lists the references that the callee still holds and had not registered: the caller
//    registers the callee with the owner before it unpins.
//  - A value or one-way call that carries references has no reply, so its sender registers the receiver first.
//  - The owner counts registrations per borrower and per rank that made them; they may pass through negative numbers,
//    because a release may overtake a registration made by a third rank. An object is free when no handle and no
//    non-zero count is left.
//  - When a rank dies, the registrations that it made are void, because some may never arrive and some borrowers may
//    never hear: borrowers that know of one register themselves, and the owner gives those it knows of its own.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ringray/base/ids.hpp"
#include "ringray/wire/bytes.hpp"
#include "ringray/wire/codec.hpp"
#include "ringray/wire/outbox.hpp"

namespace ringray::owner {

using wire::Envelope;
using wire::Kind;
using wire::Lease;
using wire::View;

/// The runtime's name for the state of an object; opaque here.
using Token = void*;

/// A reference inside a message, after the body. `home` is the rank of an actor, else not valid.
struct Carried {
  ObjectId id;
  Rank home;
  std::uint32_t flags = 0;
};
static_assert(sizeof(Carried) == 24 && std::has_unique_object_representations_v<Carried>);

/// Envelope::flags.
inline constexpr std::uint8_t structured = 1;   // reply: results and kept references follow in the long form
inline constexpr std::uint8_t movable = 1;      // submit: it was stolen, and may be stolen again
inline constexpr std::uint8_t has_options = 2;  // submit: the body starts with TaskOptions
inline constexpr std::uint8_t named = 4;        // submit: results had names before; the body ends with their sequences
inline constexpr std::uint8_t ready_only = 4;   // locate, located: the value itself is not wanted
inline constexpr std::uint8_t place_only = 8;   // locate: a small value, or where a large one is
inline constexpr std::uint8_t register_me = 8;  // actor_state query: also count the sender as borrower
inline constexpr std::uint8_t no_restart = 16;  // kill
inline constexpr std::uint8_t graceful = 32;    // kill: after the calls that are queued
inline constexpr std::uint8_t recursive = 64;   // cancel
inline constexpr std::uint8_t streaming = 128;  // submit: a generator; reply: more items come

/// A request's correlation is its slot in the caller's table, which is dense, and the slot's generation.
inline constexpr unsigned slot_bits = 24;
constexpr std::uint32_t slot_of(std::uint64_t correlation) noexcept {
  return static_cast<std::uint32_t>(correlation & ((1u << slot_bits) - 1));
}

/// One result of a task or call, on its way from executor to owner.
struct Outcome {
  Errc error = Errc::none;
  View bytes;                           ///< inline value, or an encoded ErrorDetail
  std::span<const Carried> references;  ///< inside the value
  bool stored = false;                  ///< the value stays in the executor's store
  std::uint64_t stored_bytes = 0;
};

/// How a value of this rank can be given to a reader.
struct Held {
  enum class Form { later, inline_bytes, lent, bulk, failed } form = Form::later;
  Errc error = Errc::none;
  View bytes;                          // inline value or encoded ErrorDetail
  Lease lease;                         // bulk
  std::uint64_t offset = 0, size = 0;  // lent: position in this rank's arena
  std::span<const Carried> references;
};

/// What arrived for somebody who wanted an object.
struct Arrival {
  enum class Form { ready, inline_bytes, lent, stored, local, failed } form = Form::ready;  // local: held here anyway
  Errc error = Errc::none;
  View bytes;
  Rank holder;                         // lent: whose arena
  std::uint64_t offset = 0, size = 0;  // lent
  std::vector<Carried> references;     // handles are the receiver's now
};

/// That it exists; also where a large one is, or the value if it is small; the value.
enum class Want : std::uint8_t { ready, place, value };

struct Request {
  Kind kind = Kind::call;
  Rank target;
  Token token = nullptr;  ///< state that the reply completes; the runtime's affair for several results
  ActorId actor;          ///< call, spawn
  std::vector<Carried> pinned;
  std::uint64_t callable = 0;
  std::uint32_t generation = 0;
  std::uint32_t moves = 0;  ///< of the task between thieves, as far as this rank heard: begun and ended ones
  Rank giver;               ///< of a move that has not ended
  std::optional<std::uint8_t> cancelled{};  ///< flags
  bool active = false;

  /// The slot serves another request.
  void begin(const Request& request) noexcept {
    kind = request.kind;
    target = request.target;
    token = request.token;
    actor = request.actor;
    callable = request.callable;
    moves = 0;
    giver = {};
    cancelled.reset();
    ++generation;
    active = true;
  }
  /// What it was; the slot is free.
  Request end() noexcept {
    active = false;
    return {kind, target, token, actor, std::exchange(pinned, {}), callable};
  }
};

/// What Owner asks of the rank around it. Called under the baton; must not call back into Owner unless said so.
class Environment {
 public:
  /// A request ended. One Outcome per result; references' handles belong to the callee now. May call Owner.
  virtual void replied(const Request& request, std::uint64_t correlation, std::span<const Outcome> outcomes) = 0;
  /// What `want` asked for is here. May call Owner.
  virtual void arrived(ObjectId id, Token token, Arrival arrival) = 0;
  /// `reader` asks for the value of `id`, which this rank owns, or holds for its owner: then without a token, also when
  /// this rank has a state of its own that refers to it. `later` when it does not exist yet or is
  /// being encoded: Owner::settled(id) is called then.
  virtual Held held(ObjectId id, Token token, Rank reader) = 0;
  /// Nobody refers to an owned object any more, or an object that this rank stored for another owner is garbage.
  virtual void garbage(ObjectId id, Token token, Rank home) = 0;
  /// `reader` no longer reads what it was lent.
  virtual void returned(ObjectId id, Rank reader) = 0;
  /// A borrower asks to cancel the task that makes this owned object.
  virtual void cancel_requested(ObjectId id, Token token, std::uint8_t flags) = 0;

 protected:
  ~Environment() = default;
};

class Owner {
 public:
  Owner(Rank self, std::uint32_t epoch, wire::Outbox& outbox, Environment& environment);

  // References.
  ObjectId create(Token token, Rank home = {});  ///< a new owned object with one handle
  ObjectId next_id() noexcept;                   ///< a name without an object
  void adopt_result(ObjectId id, Token token);   ///< names a result of one of this rank's requests; one handle
  bool known(ObjectId id) const { return table_.contains(id); }
  Token token(ObjectId id) const;
  void set_token(ObjectId id, Token token);
  void acquire(const Carried& carried);  ///< one more handle
  void drop(ObjectId id);
  /// A message that depends on this reference is under way to the actor or the owner: no release may overtake it.
  void sent_one_way(ObjectId id);
  /// A rank that found the object by name holds a reference from now on; false: the object is gone.
  bool register_borrower(ObjectId id, Rank borrower);
  /// The sender's duty for references in a value or one-way call: counts `receiver` as borrower of each.
  void register_receiver(std::span<const Carried> references, Rank receiver);
  /// The receiver's side of it: takes one handle per reference.
  void receive_registered(std::span<const Carried> references, Rank sender);
  /// References in a request: one handle each, covered by `caller` until uncover.
  void receive_covered(std::span<const Carried> references);

  // Requests, caller's side.
  /// Sends a request; `payload` = body followed by `references`. Pins the references until the reply. To a dead rank:
  /// it has ended (Environment::replied) when this returns.
  std::uint64_t request(const Request& request, Envelope envelope, View payload, std::span<const Carried> references);
  /// Result k of the request with this correlation.
  ObjectId result_id(std::uint64_t correlation, unsigned k) const {
    return {self_, epoch_, correlation | std::uint64_t{k} << 56};
  }
  void cancel(std::uint64_t correlation, std::uint8_t flags);
  void cancel_object(ObjectId id, std::uint8_t flags);  ///< asks the owner of a borrowed object to cancel its task
  const Request* find_request(std::uint64_t correlation) const {
    const auto slot = slot_of(correlation);
    if (slot >= requests_.size()) return nullptr;
    const auto& row = requests_[slot];
    return row.active && row.generation == static_cast<std::uint32_t>(correlation >> slot_bits) ? &row : nullptr;
  }
  std::size_t requests() const noexcept { return active_requests_; }
  template <class F>
  void for_each_request(F&& f) const {
    for (std::uint32_t slot = 0; slot < requests_.size(); ++slot)
      if (requests_[slot].active) f(requests_[slot], correlation_of(slot));
  }

  // Requests, executor's side.
  /// Answers a request. `covered`: the references that came with it; handles taken for them must be dropped before.
  /// When the caller is dead nothing is sent: this rank itself registers the references that it holds still.
  void reply(Rank caller, std::uint64_t correlation, ActorId subject, std::span<const Outcome> outcomes,
             std::span<const Carried> covered, std::uint8_t flags = 0);

  // Values.
  void want(ObjectId id, Want what);
  void want_again(ObjectId id);  ///< a transfer that had no room was refused, and has room now
  void settled(ObjectId id);     ///< the value of an owned or held object exists now (or failed)
  /// A reader's part of a lend ended.
  void unpin(ObjectId id, Rank holder);
  /// The transport finished a bulk transfer into memory that the environment gave.
  void bulk_arrived(const Envelope& envelope, Errc status, std::string why = {});
  bool expects(ObjectId id) const;  ///< the value was asked for and is not here yet
  void set_holder(ObjectId id, Rank holder, std::uint64_t bytes);
  /// Of a borrowed object: as far as the owner told; invalid or 0 when that is unknown.
  Rank holder(ObjectId id) const;
  std::uint64_t bytes(ObjectId id) const;

  void on_message(const Envelope& envelope, View payload);
  void on_rank_died(Rank rank);

  std::size_t owned() const noexcept { return owned_; }
  std::size_t borrowed() const noexcept { return table_.size() - owned_; }
  template <class F>
  void for_each_token(F&& f) const {
    for (const auto& [id, entry] : table_)
      if (entry.token) f(entry.token);
  }
  bool empty() const noexcept { return table_.empty() && active_requests_ == 0; }

  struct Counts {
    std::int64_t handles = 0, registrations = 0, cover = 0;
    std::int64_t borrowers = 0;
  };
  std::optional<Counts> counts(ObjectId id) const;

 private:
  struct Asker {
    Rank rank;
    Want what;
  };
  /// Registrations of `borrower` that rank `by` made, so that those of a rank that died can be told from others.
  struct Registered {
    Rank borrower, by;
    std::int32_t count = 0;
  };
  struct Fetch {
    bool asked_value = false, asked_place = false, asked_ready = false;
    bool references_done = false, bytes_done = false;  // bulk: both parts must be here
    std::vector<Carried> references;
  };
  struct Entry {
    std::int32_t handles = 0;
    std::uint32_t cover = 0;
    bool sent = false;
    bool lost = false;  // owned, freed too early because a rank died: nothing to count any more
    Rank home, holder;
    std::uint64_t bytes = 0;
    Token token = nullptr;
    std::vector<Registered> registered;  // owned: of all borrowers, as far as heard; borrowed: of this rank
    std::unique_ptr<Fetch> fetch;
  };
  using Table = std::unordered_map<ObjectId, Entry>;

  std::uint64_t correlation_of(std::uint32_t slot) const noexcept {
    return std::uint64_t{requests_[slot].generation} << slot_bits | slot;
  }
  bool mine(ObjectId id) const noexcept { return id.owner == self_ && id.epoch == epoch_; }
  bool existed(ObjectId id) const noexcept;  ///< whether this rank gave out that name of its own
  Entry& entry(const Carried& carried);
  void collect(Table::iterator row);
  void add_borrower(ObjectId id, Rank borrower, Rank by, std::int32_t count);
  void register_other(const Carried& carried, Rank borrower);
  void register_self(ObjectId id, Entry& entry);
  static void count_registered(Entry& entry, Rank borrower, Rank by, std::int32_t count);
  void forget_registrar(ObjectId id, Entry& entry, Rank by);
  void replace_registrar(ObjectId id, Entry& entry, Rank by);
  void on_registered_by_owner(const Envelope& envelope);
  void send_ready(ObjectId id, Rank asker, Rank holder, std::uint64_t bytes);
  void answer(ObjectId id, Asker asker);
  void route(ObjectId id, Rank home, Envelope envelope);
  bool dead(Rank rank) const noexcept { return rank.value < dead_.size() && dead_[rank.value] != 0; }
  void finish(std::uint64_t correlation, std::span<const Outcome> outcomes, std::span<const ObjectId> kept);

  void fail_request(std::uint32_t slot);

  void on_moved(const Envelope& envelope);
  void on_reply(const Envelope& envelope, View payload);
  void on_structured_reply(const Envelope& envelope, View payload);
  void on_located(const Envelope& envelope, View payload);
  void on_lend(const Envelope& envelope, View payload);
  void bulk_complete(ObjectId id, Entry& entry);
  void fail_fetch(ObjectId id, Entry& entry, Errc error, std::string text);
  void fail_asker(ObjectId id, Rank asker, std::string text);
  void abandon(std::unique_ptr<Fetch> fetch);

  const Rank self_;
  const std::uint32_t epoch_;
  wire::Outbox& outbox_;
  Environment& environment_;
  Table table_;
  std::unordered_map<ObjectId, std::vector<Asker>> askers_;   // of objects whose value does not exist yet
  std::unordered_map<ObjectId, std::vector<Rank>> directed_;  // owned objects: who was sent to the holder
  std::size_t owned_ = 0;
  std::size_t covers_ = 0;  // of all entries together
  std::uint64_t next_ = 0;
  std::vector<Request> requests_;
  std::vector<std::uint32_t> free_requests_;
  std::size_t active_requests_ = 0;
  std::vector<std::uint8_t> dead_;  // by rank
  bool any_died_ = false;
  wire::ByteBuffer scratch_;
};

/// The references that follow the body of a message.
std::span<const Carried> references_of(View payload, std::uint32_t count, std::vector<Carried>& aligned);
/// The body before them.
inline View body_of(View payload, std::uint32_t count) {
  return payload.first(payload.size() - count * sizeof(Carried));
}

}  // namespace ringray::owner
