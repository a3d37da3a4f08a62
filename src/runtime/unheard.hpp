#pragma once
// Errors that reach nobody: of one-way calls, and of results that were dropped. They come by the thousand.

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "ringray/base/errors.hpp"
#include "ringray/base/time.hpp"
#include "ringray/wire/bytes.hpp"

namespace ringray::wire {
struct Envelope;
}

namespace ringray::runtime {

/// Warnings of which the first about a subject is logged in full, and those that follow are counted: a line a second
/// says how many. Any thread.
class Repeated {
 public:
  void warn(std::string subject, const std::string& why);
  /// Whether tick() has something to do.
  bool is_due(base::Nanoseconds now);
  /// Logs counts that are a second old. Not under the baton: whoever reads the log may be slow.
  void tick(base::Nanoseconds now);
  /// Logs all counts, and begins anew: the job ends.
  void end();

 private:
  struct Row {
    std::uint64_t more = 0;  // than what was logged
    base::Nanoseconds since{};
  };
  using Rows = std::map<std::string, Row>;
  static void log(const Rows& rows);
  std::mutex mutex_;  // guards rows_
  Rows rows_;
};
Repeated& repeated() noexcept;

/// `actor`: ActorRecord::title().
void warn_failed_send(const std::string& method, const std::string& actor, Errc code, const ErrorDetail& detail);
void warn_dropped_send(const wire::Envelope& envelope, const std::string& actor, const std::string& why);
/// A published value is of another type than its subscriber takes; `payload` says which.
void warn_mismatch(const wire::Envelope& envelope, wire::View payload);
void warn_mismatch(std::uint64_t callable, const std::string& why);
/// The result of a task or call that threw is gone, and nobody looked at it.
void warn_unseen(const ErrorDetail& detail);
/// The same of an actor: its handles are gone, and nobody here called it.
void warn_uncalled(const ErrorDetail& detail);

struct Extra;
/// Users' code threw it.
bool is_due_when_unseen(const Extra& extra) noexcept;

/// The error of several results, which all hold it. Any thread.
class SharedError {
 public:
  explicit SharedError(ErrorDetail detail) : detail_(std::move(detail)) {}
  SharedError(const SharedError&) = delete;
  SharedError& operator=(const SharedError&) = delete;
  ~SharedError();  ///< warns unless `seen`
  std::atomic<bool> seen = false;

 private:
  const ErrorDetail detail_;
};

/// What the call that leaves says of itself: no error if nobody asked.
inline constexpr const char* left_by_exit = "the actor left by exit_actor";

}  // namespace ringray::runtime
