#pragma once
// The envelope: what every message of Ringray starts with. One cache line, sent as it lies in memory between ranks
// of one architecture (x86-64 and AArch64 are both little endian), followed by `payload_bytes` bytes.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "ringray/base/ids.hpp"

namespace ringray::wire {

// X(name, sentence). Who sends it to whom, and what its payload is.
#define RINGRAY_ENVELOPE_KINDS(X)                                                        \
  X(hello, "first on a connection: the job's key; payload: none")                        \
  X(ready, "bring-up, child to parent: this subtree is up; payload: rank records")       \
  X(welcome, "bring-up, parent to child: everyone is up; payload: rank records")         \
  X(shutdown, "parent to child: the driver is done; leave")                              \
  X(goodbye, "child to parent: this subtree has nothing left to send")                   \
  X(heartbeat, "neighbour to neighbour: alive; payload: load of the sender")             \
  X(submit, "owner to executor: run this task; payload: specification")                  \
  X(reply, "executor to owner: a task or call ended; payload: results, kept references") \
  X(cancel, "owner to executor, or borrower to owner: stop this task")                   \
  X(steal, "hungry rank to victim: give me work; payload: free resources")               \
  X(loot, "victim to hungry rank: tasks, possibly none; payload: specifications")        \
  X(moved, "giver and thief to owner: the task was stolen again, by `argument`")         \
  X(locate, "borrower to owner: tell me when it is ready, and its value or where it is") \
  X(located, "owner to borrower: ready; payload: inline value, error or locations")      \
  X(pull, "reader to holder: give me the bytes of this object")                          \
  X(lend, "holder to reader on the same host: arena position; pinned until unpin")       \
  X(data, "holder to reader: the bytes, bulk")                                           \
  X(unpin, "reader to holder: the lent bytes are no longer read")                        \
  X(borrow, "rank to owner: `argument` now holds a reference")                           \
  X(release, "borrower to owner: my registrations of these objects ended")               \
  X(discard, "owner to holder: the object is garbage, free its bytes")                   \
  X(spawn, "owner to executor: construct this actor; payload: specification")            \
  X(call, "caller to actor's rank: call with a reply; payload: arguments")               \
  X(send, "caller to actor's rank: one-way call; payload: arguments")                    \
  X(publish, "publisher to subscriber's rank: a one-way call; payload: arguments")       \
  X(kill, "owner to actor's rank: end the actor")                                        \
  X(actor_state, "actor's rank to owner, owner to callers: where and how an actor is")   \
  X(item, "executor of a generator to owner: one more item exists")                      \
  X(item_read, "owner to executor of a generator: the consumer has read up to here")     \
  X(control_request, "any rank to rank 0: control store request; payload: request")      \
  X(control_reply, "rank 0 to a rank: the answer; payload: answer")                      \
  X(reserve, "rank 0 to a rank: hold the resources of a bundle")                         \
  X(reserved, "a rank to rank 0: held, or not")                                          \
  X(unreserve, "rank 0 to a rank: free the resources of a bundle")                       \
  X(subscription, "rank 0 to all: who subscribes has changed; payload: that request")    \
  X(subscription_known, "a rank to rank 0: it knows that change")                        \
  X(membership, "rank 0 to all, by tree: ranks that died; payload: ranks and epochs")

enum class Kind : std::uint8_t {
#define X(name, sentence) name,
  RINGRAY_ENVELOPE_KINDS(X)
#undef X
      count
};

std::string_view kind_name(Kind kind) noexcept;

/// Layout of a message's first 64 bytes. `argument`, `correlation` and `callable` mean what the kind says.
struct Envelope {
  std::uint64_t payload_bytes = 0;
  std::uint64_t clock = 0;  ///< hybrid logical time of sending
  ObjectId subject;         ///< object, task or actor that this is about
  std::uint64_t callable = 0;
  std::uint64_t correlation = 0;
  Rank source;
  std::uint32_t sender =
      0;  ///< who in the source: task or actor that calls, in order; control: incarnation of the rank
  std::uint32_t argument = 0;  ///< small operand of the kind
  std::uint16_t error = 0;     ///< an Errc
  std::uint8_t flags = 0;
  Kind kind = Kind::hello;
};
static_assert(sizeof(Envelope) == 64 && alignof(Envelope) == 8);
static_assert(std::is_trivially_copyable_v<Envelope> && std::has_unique_object_representations_v<Envelope>,
              "no padding: the bytes go on the wire");
static_assert(offsetof(Envelope, subject) == 16 && offsetof(Envelope, callable) == 32 &&
              offsetof(Envelope, source) == 48 && offsetof(Envelope, kind) == 63);

}  // namespace ringray::wire
