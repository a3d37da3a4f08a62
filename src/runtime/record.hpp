#pragma once
// A task or actor call: the state of its first result, what to run, and the arguments.

#include <array>
#include <atomic>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "ringray/execution/fiber.hpp"
#include "ringray/owner/owner.hpp"
#include "ringray/runtime/options.hpp"
#include "ringray/runtime/state.hpp"
#include "ringray/scheduler/ledger.hpp"
#include "ringray/wire/callable.hpp"

namespace ringray::observe {
class Wait;
}

namespace ringray::runtime {

class Record;
class ActorRecord;
class Letter;
struct Running;

/// What lies in an actor's inbox.
struct Mail {
  Mail* next = nullptr;
  void (*deliver)(Mail&, ActorRecord&) = nullptr;  ///< in the actor's turn
};

class ActorState;
struct ActorType;
class StreamState;

/// States of the references among the arguments of a record. The usual few need no memory of their own.
class ArgumentList {
 public:
  void push_back(ObjectState* state) {
    if (count_ < few_.size()) {
      few_[count_++] = state;
      return;
    }
    if (many_.empty()) many_.assign(few_.begin(), few_.end());
    many_.push_back(state);
  }
  ObjectState* const* begin() const noexcept { return many_.empty() ? few_.data() : many_.data(); }
  ObjectState* const* end() const noexcept {
    return many_.empty() ? few_.data() + count_ : many_.data() + many_.size();
  }

 private:
  std::array<ObjectState*, 6> few_;
  std::size_t count_ = 0;
  std::vector<ObjectState*> many_;
};

/// What the runtime knows of a callable with its argument types. One static object per instantiation; its address is
/// its name on the wire.
struct RecordType : wire::Descriptor {
  std::string (*name)(const Record*) = nullptr;  ///< of a call also without its record
  void (*encode)(const Record&, wire::Encoder&) = nullptr;
  Record* (*decode)(wire::Decoder&) = nullptr;        ///< may throw CorruptDataError
  void (*invoke)(Record&, void* instance) = nullptr;  ///< constructs the result; may throw what the user throws
  /// Decodes the arguments of a one-way call, with which no references came, and runs it; null: it needs a record.
  /// Throws Undecodable, and what the method throws.
  void (*apply)(wire::Decoder&, void* instance, Running& now) = nullptr;
  void (*clear)(Record&) noexcept = nullptr;            ///< destroys callable and arguments
  void (*arguments)(Record&, ArgumentList&) = nullptr;  ///< those passed by value; null: none
  unsigned results = 1;
  const ActorType& (*actor)() = nullptr;  ///< constructions: of what
  bool coroutine = false;                 ///< invoke starts it; it completes the record itself
  bool generator = false;
  bool harmless = false;  ///< encode, decode and clear may run under the baton
};

/// A call that nobody waits for, on its way to another rank.
struct OneWayCall {
  const RecordType& type;
  const void* arguments;  ///< a tuple
  void (*encode)(const void* arguments, wire::Encoder& encoder);
};

/// On its way to subscribers.
struct PublishedValue {
  const void* value;  ///< a Kept<T>
  void (*encode)(const void* value, wire::Encoder& encoder);
  const std::string& type;  ///< on the wire
  bool may_wait = true;     ///< for rank 0; else QueueFullError is thrown
};

/// What a user's function threw while the arguments of a call were decoded.
struct Undecodable {
  std::string why;
};
[[noreturn]] void throw_undecodable();  ///< of the exception that is being handled

/// Thrown by the runtime's own actors: an error that is the caller's as it is, not that of a failed task.
struct Relayed {
  Errc code;
  ErrorDetail detail;
};

/// Where a request came from; the reply goes there.
struct Origin : base::Recycled {
  Rank caller;
  std::uint64_t correlation = 0;
  ActorId subject;
  std::vector<owner::Carried> covered;
  bool wants_reply = true;
  bool movable = false;  ///< stolen, and may be stolen again
};

/// What only some records have.
struct RecordExtra : base::Recycled {
  TaskOptions options;
  std::vector<ObjectState*> more_results;  ///< results 1, 2, …; counted
  std::uint64_t pull = 0;                  ///< the request that admission has for its arguments; 0: none
  scheduler::GrantId grant = 0;            ///< resources in use; 0: none
  bool stoppable = false;                  ///< it asked for its stop token
  StreamState* stream = nullptr;           ///< generators; counted
  ActorState* limiter = nullptr;           ///< counts this call as pending; counted
  std::uint32_t lane = 0;                  ///< concurrency group
  bool pooled = false;                     ///< the task queue has it; under the baton
  ~RecordExtra();
};

class Record : public ObjectState, public Mail {
 public:
  Record(const Type& work, const ValueType* value, const RecordType& type, Start start = Start::waiting) noexcept
      : ObjectState(work, value, start), type_(&type) {}
  const RecordType& kind() const noexcept { return *type_; }
  RecordExtra& make_more() {
    if (!more) more = std::make_unique<RecordExtra>();
    return *more;
  }
  std::string name() const { return more && !more->options.name.empty() ? more->options.name : type_->name(this); }
  ObjectState& result(unsigned index) noexcept { return index == 0 ? *this : *more->more_results[index - 1]; }

  ActorRecord* target = nullptr;  ///< calls: the actor, when it is on this rank
  std::unique_ptr<RecordExtra> more;
  std::unique_ptr<Origin> origin;         ///< requests from other ranks
  std::uint64_t remote = 0;               ///< correlation, once it went to another rank; under the baton
  std::atomic<std::uint32_t> missing{0};  ///< arguments that are not here yet, plus one while they are counted
  std::uint32_t caller = 0;               ///< calls: who called, for order
  std::uint64_t serial = 0;               ///< names the running task within this rank, for cancellation
  std::uint64_t parent = 0;               ///< serial of the task that submitted it

 protected:
  ~Record() = default;

 private:
  const RecordType* type_;
};

/// What runs on the current fiber; lives on the stack of whoever runs it.
struct Running {
  /// Of an actor's life, where `record` is its construction.
  enum class Part : std::uint8_t { body, on_stop, destructor };
  Record* record = nullptr;
  ActorRecord* actor = nullptr;
  std::uint64_t serial = 0;
  std::uint32_t caller = 0;
  Letter* letter = nullptr;        ///< instead of a record
  const Running* outer = nullptr;  ///< the one in whose wait it runs
  Part part = Part::body;
  volatile bool inside = false;     ///< users' code runs, and the record stays meanwhile; a signal handler asks
  observe::Wait* yields = nullptr;  ///< since it first yielded, while `inside`; for reports
  bool is_driver() const noexcept { return !record && !letter; }
};
/// What runs as `now` is listed as yielding, until its users' code returns.
void begin_yields(Running& now);
void end_yields(Running& now) noexcept;
/// Null outside of tasks, calls and the driver. Any thread.
Running* running() noexcept;
/// For people: "task 'fft'", "the driver"; of this thread, and only while users' code runs.
std::string who_runs();
std::string name_of(const Running& now);
/// Makes `now` the running one of this fiber for its scope.
class ScopedRunning {
 public:
  explicit ScopedRunning(Running& now) noexcept;
  ~ScopedRunning();
  ScopedRunning(const ScopedRunning&) = delete;
  ScopedRunning& operator=(const ScopedRunning&) = delete;

 private:
  execution::Contexts& contexts_;  ///< of its fiber, whatever thread that goes on on
  void* before_;
};

/// For the scope in which `now` calls what users wrote. While it lasts, the record cannot go.
class InUsersCode {
 public:
  explicit InUsersCode(Running& now) noexcept : now_(now) {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    now_.inside = true;
  }
  ~InUsersCode() {
    if (now_.yields) end_yields(now_);
    now_.inside = false;
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  InUsersCode(const InUsersCode&) = delete;
  InUsersCode& operator=(const InUsersCode&) = delete;

 private:
  Running& now_;
};

/// Runs callable and arguments of its claimed record, stores the result or error, and ends it (a coroutine ends later).
void run_body(Running& now, void* instance);
/// What the exception that is being handled means for the task or call of that name.
struct Thrown {
  Errc code = Errc::task_failed;
  ErrorDetail detail;
};
Thrown current_exception_of(std::string task) noexcept;
/// Stores the exception that is being handled as the record's error (for all its results).
void fail_with_current_exception(Record& record) noexcept;
/// Counts the end of what began on this rank.
void count_end(const Record& record) noexcept;
/// The record ended: tells waiters, or the rank that asked. Arguments were cleared.
void finish(Record& record) noexcept;
/// What a record waits for: that its arguments exist, and it is known where; or that they can be read here.
enum class Until : bool { known, here };
/// Counts arguments that are not so far and arranges that the record goes on when they are; true: all are.
bool attach_arguments(Record& record, Until until = Until::here);
/// For an error line: what() of the stored error.
std::string describe_error(const ObjectState& state);

}  // namespace ringray::runtime
