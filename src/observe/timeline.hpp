#pragma once
// What ran when on which thread of which rank. Recording takes about 50 ns and one branch when it is off; every
// thread writes to memory of its own and never waits for another. The file opens in Perfetto (ui.perfetto.dev).
//
// A span begins and ends on one thread, and spans of a thread nest. A task that suspends is therefore one span per
// stretch in which it ran; flow_out and flow_in draw the arrows between stretches, threads and ranks.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "ringray/base/ids.hpp"
#include "ringray/observe/timeline_format.hpp"

namespace ringray::observe {

class Timeline {
 public:
  /// Starts to record; what was recorded before is forgotten. One thread, while no other records.
  static void start(Rank rank);
  /// Ends recording; the events stay until the next start. One thread, while no other records.
  static void stop();
  static bool recording() noexcept { return recording_.load(std::memory_order_relaxed); }

  // All below: any thread. They do nothing while recording is off.

  /// `name` of all four: a literal, or a result of intern().
  static void instant(const char* name, ObjectId subject = {}) noexcept {
    if (recording()) record(Kind::instant, name, subject, now_ns(), 0);
  }
  /// The start of an arrow; call it inside a span. `id` is unique in the job: an envelope's clock and source.
  static void flow_out(std::uint64_t id) noexcept {
    if (recording()) record(Kind::flow_out, "envelope", {.sequence = id}, now_ns(), 0);
  }
  /// The end of the arrow with this id; call it inside a span.
  static void flow_in(std::uint64_t id) noexcept {
    if (recording()) record(Kind::flow_in, "envelope", {.sequence = id}, now_ns(), 0);
  }
  /// Names the calling thread in the file: "worker 3".
  static void name_thread(std::string_view name);
  /// A copy of `name` that lives as long as the process; equal names share one. Meant for names that repeat.
  static const char* intern(std::string_view name);

  /// Everything recorded so far, as bytes for timeline_json(). Threads may go on recording.
  static std::string serialize();

 private:
  friend class Span;
  using Kind = TimelineKind;

  /// Nanoseconds of the monotonic clock.
  static std::uint64_t now_ns() noexcept {
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  }
  static void record(Kind kind, const char* name, ObjectId subject, std::uint64_t begin_ns,
                     std::uint64_t duration_ns) noexcept;
  static std::atomic<bool> recording_;
};

/// Records the time of its scope. One thread: the one that made it must destroy it.
class Span {
 public:
  /// `name`: a literal, or a result of Timeline::intern(). `subject`: the task, object or actor it is about.
  explicit Span(const char* name, ObjectId subject = {}) noexcept
      : name_(Timeline::recording() ? name : nullptr), subject_(subject), begin_ns_(name_ ? Timeline::now_ns() : 0) {}
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;
  ~Span() {
    if (name_ && Timeline::recording())
      Timeline::record(Timeline::Kind::span, name_, subject_, begin_ns_, Timeline::now_ns() - begin_ns_);
  }

 private:
  const char* name_;
  ObjectId subject_;
  std::uint64_t begin_ns_;
};

}  // namespace ringray::observe
