#pragma once
// Every error that leaves Ringray: one wire code per exception type, one sentence per code.

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace ringray {

// X(code, exception type, base type, sentence). The README's table is tested against this list.
#define RINGRAY_ERRORS(X)                                                                                             \
  X(task_failed, TaskError, Error, "The task or actor method threw; carries type, text, rank, task name and causes.") \
  X(task_cancelled, TaskCancelledError, Error, "The task was cancelled before it gave a result.")                     \
  X(actor_died, ActorDiedError, Error, "The actor is dead: constructor failed, killed, exited, or its rank died.")    \
  X(actor_unavailable, ActorUnavailableError, Error, "The actor cannot be reached now; a later call may succeed.")    \
  X(rank_died, RankDiedError, Error, "The rank that ran the task died and no retries are left.")                      \
  X(object_lost, ObjectLostError, Error, "The object's last copy is gone and it cannot be rebuilt.")                  \
  X(owner_died, OwnerDiedError, ObjectLostError, "The rank that owns the object died.")                               \
  X(get_timeout, GetTimeoutError, Error, "The object did not exist in time; it is unaffected.")                       \
  X(unschedulable, UnschedulableError, Error, "No rank can ever meet the request's resources or placement.")          \
  X(pending_calls_limit, PendingCallsLimitError, Error, "The actor has max_pending_calls calls waiting already.")     \
  X(out_of_memory, OutOfMemoryError, Error, "The object store is full and nothing can be spilled.")                   \
  X(out_of_disk, OutOfDiskError, Error, "The disk that takes spilled objects is full.")                               \
  X(corrupt_data, CorruptDataError, Error, "Bytes from the wire or a file do not decode.")                            \
  X(config, ConfigError, Error, "An option, file or device is wrong or missing.")                                     \
  X(name_taken, NameTakenError, Error, "Another live actor of the namespace has that name.")                          \
  X(invalid_transition, InvalidTransitionError, Error, "The life cycle does not allow this step now.")                \
  X(queue_full, QueueFullError, Error, "The mailbox is full.")

/// Wire code of an error; `none` is success. The numbers are part of the wire format.
enum class Errc : std::uint16_t {
  none = 0,
#define X(code, type, base, sentence) code,
  RINGRAY_ERRORS(X)
#undef X
      count
};

/// Name of the exception type that `code` maps to, for messages and tables.
std::string_view error_name(Errc code) noexcept;
/// The documented sentence of `code`.
std::string_view error_sentence(Errc code) noexcept;

/// What an error carries besides its code. Travels in replies.
struct ErrorDetail {
  std::string text;                 ///< one line for people
  std::string exception_type;       ///< the user's exception type, demangled; empty when nothing was thrown
  std::string task;                 ///< name of the task or method; may be empty
  std::uint32_t rank = 0;           ///< where it happened
  std::vector<std::string> causes;  ///< outermost first: "TYPE: text" of nested exceptions and failed arguments
  template <class Archive>
  void serialize(Archive& archive) {
    archive(text, exception_type, task, rank, causes);
  }
};

/// Base of everything that Ringray throws at its users.
class Error : public std::runtime_error {
 public:
  Error(Errc code, ErrorDetail detail);
  explicit Error(std::string text);
  Errc code() const noexcept { return code_; }
  const ErrorDetail& detail() const noexcept { return detail_; }

 private:
  Errc code_;
  ErrorDetail detail_;
};

#define X(errc, type, base, sentence)                                                           \
  class type : public base {                                                                    \
   public:                                                                                      \
    explicit type(std::string text) : base(Errc::errc, ErrorDetail{.text = std::move(text)}) {} \
    explicit type(ErrorDetail detail) : base(Errc::errc, std::move(detail)) {}                  \
                                                                                                \
   protected:                                                                                   \
    type(Errc code, ErrorDetail detail) : base(code, std::move(detail)) {}                      \
  };
RINGRAY_ERRORS(X)
#undef X

/// Throws the exception type that `code` maps to. Precondition: code != none.
[[noreturn]] void throw_error(Errc code, ErrorDetail detail);

/// Demangled name of a C++ type.
std::string type_name(const char* mangled);

}  // namespace ringray
