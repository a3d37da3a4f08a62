#pragma once
// Options of tasks and actors (public; see <ringray/task.hpp> and <ringray/actor.hpp>).

#include <cstdint>
#include <string>
#include <vector>

#include "ringray/base/topic.hpp"
#include "ringray/scheduler/placement.hpp"
#include "ringray/scheduler/resources.hpp"

namespace ringray {

using scheduler::Placement;
using scheduler::Resources;

/// How a task is to run. All members are optional.
struct TaskOptions {
  std::string name{};     ///< for errors, logs and the timeline
  Resources resources{};  ///< nothing: one worker for as long as it computes
  Placement placement{};  ///< where
  static constexpr int usual_retries = 3;
  int max_retries = usual_retries;  ///< re-executions after the death of its rank; -1: without limit
  bool retry_exceptions = false;    ///< also re-execute when it throws
  std::string durable{};            ///< key under which the result is checkpointed; empty: not
  std::uint32_t backpressure = 0;   ///< generators: items made ahead of the reader; 0: without limit

  template <class Archive>
  void serialize(Archive& archive) {
    archive(name, resources, placement, max_retries, retry_exceptions, durable, backpressure);
  }
};

/// A set of methods of an actor that run beside those of other groups.
struct ConcurrencyGroup {
  std::string name{};
  std::uint32_t max_concurrency = 1;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(name, max_concurrency);
  }
};

/// How an actor is to live. All members are optional.
struct ActorOptions {
  std::string name{};          ///< unique among live actors of the namespace; empty: none
  std::string name_space{};    ///< empty: the job's
  bool get_if_exists = false;  ///< spawn returns the actor of that name when there is one
  Resources resources{};       ///< held for its lifetime
  Placement placement{};
  int max_restarts = 0;               ///< after its death or kill(.restart); -1: without limit
  int max_task_retries = 0;           ///< of calls that were under way when it died
  std::uint32_t max_concurrency = 1;  ///< calls outside groups that run at the same time
  std::vector<ConcurrencyGroup> concurrency_groups{};
  /// Per handle and rank; more throw PendingCallsLimitError. And so many published values may wait: of more, those that
  /// are at_most_once are dropped. 0: no limit.
  std::uint32_t max_pending_calls = 0;
  bool detached = false;  ///< lives until the job ends
  std::uint64_t checkpoint_every = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(name, name_space, get_if_exists, resources, placement, max_restarts, max_task_retries, max_concurrency,
            concurrency_groups, max_pending_calls, detached, checkpoint_every);
  }
};

/// How a value is to be published.
struct PublishOptions {
  Quality quality = Quality::at_most_once;
  bool retain = false;  ///< rank 0 keeps it for later subscribers
};

}  // namespace ringray
