// How ranks are noticed to be dead, and how the job ends.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "ringray/base/log.hpp"
#include "ringray/base/metrics.hpp"
#include "ringray/control/tree.hpp"
#include "ringray/runtime/cancellation.hpp"
#include "ringray/runtime/core.hpp"
#include "ringray/runtime/stream.hpp"

namespace ringray::runtime {
namespace {

constexpr auto farewell = std::chrono::milliseconds(500);  // after what may take stop_timeout_ms itself

}  // namespace

// A silent rank is noticed by the next one in the ring, a dead process by its host-mates at once: UCX reports a dead
// peer late and a frozen one never.
void Core::watch_ranks(base::Nanoseconds now) {
  if (leaving_ || size() == 1) return;
  for (const auto& [rank, pid] : host_mate_pids_)
    if (membership_.alive(rank) && ::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH)
      declare_dead(rank, "its process is gone");
  if (now < next_heartbeat_) return;
  next_heartbeat_ = now + config_.heartbeat_ms;
  const auto next_alive = [&](std::uint32_t step) {
    auto rank = self_.value;
    do rank = (rank + step) % size();
    while (rank != self_.value && !membership_.alive(rank));
    return Rank{rank};
  };
  // When this rank itself was away, what the other sent meanwhile is unread.
  const bool away = now - std::exchange(watched_at_, now) > config_.rank_dead_after_ms / 2;
  const auto successor = next_alive(1), predecessor = next_alive(size() - 1);
  if (successor == self_) return;
  send(successor, {.kind = Kind::heartbeat}, {});
  if (std::exchange(watched_, predecessor) != predecessor || std::exchange(heard_any_, false) || away) heard_ = now;
  if (now - heard_ > config_.rank_dead_after_ms) declare_dead(predecessor, "it gave no sign of life in time");
}

void Core::on_peer_lost(Rank rank, Errc) {
  if (leaving_) {
    // When the second shutdown is slow to come, ranks that have it are gone before. Its sender is not, and children
    // wait for this rank's.
    const auto alive = [&](Rank other) { return membership_.alive(other); };
    const auto children = control::live_tree_children(self_, size(), alive);
    const bool waits_with_us = rank == control::live_tree_parent(self_, alive) ||
                               std::find(children.begin(), children.end(), rank) != children.end();
    if (!goodbye_sent_ || (!departed_ && waits_with_us)) lost_ranks_ = true;
    if (membership_.alive(rank)) owner_.on_rank_died(rank);  // what still runs here waits for no answer from it
    std::erase(goodbyes_missing_, rank);
    return maybe_goodbye();
  }
  declare_dead(rank, "its connection broke");
}

void Core::declare_dead(Rank rank, const char* how) {
  if (!membership_.alive(rank)) return;
  log::error("rank {} is dead: {}", rank.value, how);
  if (rank == Rank{0}) {
    log::flush();
    std::fputs("ringray: rank 0 died, and with it the driver and the control store; the job ends. Start it again.\n",
               stderr);
    _exit(1);
  }
  const auto epoch = membership_.find(rank)->epoch;
  if (control_)
    control_->rank_died(rank, epoch, base::now(), *this);
  else
    client_.ask(control::ReportDeath{rank, epoch}, 0, base::now(), *this);
  if (membership_.declare_dead(rank, epoch)) forget_rank(rank);
}

void Core::forget_rank(Rank rank) {
  if (rank == self_) {
    std::fputs("ringray: this rank was declared dead by the others and leaves\n", stderr);
    _exit(1);
  }
  base::count(Metric::ranks_lost);
  lost_ranks_ = true;
  transport_->drop(rank);
  neighbours_.drop(rank);
  store_->unlend_all(rank);
  stealing_.on_rank_died(rank);
  owner_.on_rank_died(rank);
  subscriptions_.rank_died(rank);
  if (has_named_actors_) client_.ask(control::RemoveActorsOn{rank}, 0, base::now(), *this);
  std::vector<ObjectId> gone;
  for (const auto& [id, home] : detached_actors_)
    if (home == rank) gone.push_back(id);
  for (const auto& id : gone) detached_is_gone(id);
  for (auto at = arriving_tasks_.begin(); at != arriving_tasks_.end();) {
    const auto task = at++;
    if (task->first.first != rank) continue;
    task->second.cancelled = task->second.recursively = true;
    if (!task->second.decoding) turn_away(task, Errc::rank_died, "the rank that owned the task died");
  }
  executing_.for_each_of(rank, [this](Record& record) {  // nobody reads what these give
    record.retain();
    if (record.more && record.more->stream) record.more->stream->close();
    afterwards_.push_back([this, record = &record] {
      cancel(*record, true);
      record->release();
    });
  });
  std::vector<ObjectId> ownerless;  // values that were made here for it
  for (const auto& [id, references] : stored_references_)
    if (id.owner == rank) ownerless.push_back(id);
  for (const auto& id : ownerless) garbage(id, nullptr, {});
  std::erase_if(lookups_, [&](const auto& row) {
    if (row.first.owner != rank) return false;
    for (const auto& lookup : row.second) {
      lookup.event->complete();
      lookup.event->release();
    }
    return true;
  });
  std::vector<ObjectId> never_coming;
  for (const auto& [id, calls] : early_calls_)
    if (id.owner == rank) never_coming.push_back(id);
  for (const auto& id : never_coming) deliver_early(id);
  std::erase_if(groups_, [&](const auto& group) {  // its lost bundles get another rank
    return std::find(group.second.ranks.begin(), group.second.ranks.end(), rank) != group.second.ranks.end();
  });
  std::vector<ObjectId> orphans;  // actors die with the rank that owns them, unless detached
  for (const auto& [id, actor] : actors_)
    if (id.owner == rank && !actor->options().detached) orphans.push_back(id);
  for (const auto& id : orphans)
    if (const auto at = actors_.find(id); at != actors_.end())
      at->second->end(ActorRecord::Ending::now, "the rank that owned it died");
  std::erase(goodbyes_missing_, rank);
  maybe_goodbye();
}

void Core::leave() {
  if (std::exchange(leaving_, true)) return;
  stop_requested.store(true, std::memory_order_relaxed);
  afterwards_.push_back([] { cancellations().cancel_all(); });
  for (auto* event : pauses_) event->complete();
  left_at_ = base::now();
  leave_before_ = left_at_ + config_.stop_timeout_ms + farewell;
  for (const auto child :
       control::live_tree_children(self_, size(), [&](Rank rank) { return membership_.alive(rank); })) {
    goodbyes_missing_.push_back(child);
    send(child, {.kind = Kind::shutdown}, {});
  }
  for (auto& [id, messages] : arriving_)  // behind the calls that are still being decoded
    messages.push_back({{.subject = id, .flags = owner::graceful, .kind = Kind::kill}, {}});
  for (auto* actor : live_actors()) {
    if (!arriving_.contains(actor->id)) actor->end(ActorRecord::Ending::after_queued, "the job ends");
    actor->release();
  }
  maybe_goodbye();
}

// No rank leaves before the actors of all have ended, because they may need each other for that: goodbyes go up the
// tree, then the second shutdown comes down.
void Core::maybe_goodbye() {
  if (!leaving_ || goodbye_sent_ || departed_ || !goodbyes_missing_.empty() || !arriving_.empty() || any_live_actors())
    return;
  goodbye_sent_ = true;
  if (before_goodbye_) before_goodbye_();
  if (self_ == Rank{0}) return depart();
  send(control::live_tree_parent(self_, [&](Rank rank) { return membership_.alive(rank); }), {.kind = Kind::goodbye},
       {});
  transport_->flush();
}

void Core::depart() {
  if (std::exchange(departed_, true)) return;
  if (!std::exchange(goodbye_sent_, true) && before_goodbye_) before_goodbye_();
  for (const auto child :
       control::live_tree_children(self_, size(), [&](Rank rank) { return membership_.alive(rank); }))
    send(child, {.kind = Kind::shutdown}, {});
  transport_->flush();
  leave_before_ = base::now() + farewell;
  for (auto* service : live_services()) {
    service->end(ActorRecord::Ending::now, "the job ends");
    service->release();
  }
  kernels_.begin_end();  // whoever waits for a device actor learns that it ended
  pool_.stop();
}

// What was waited for did not happen in time.
void Core::stop_waiting(base::Nanoseconds now) {
  if (!departed_) {
    const auto actors = live_actors();
    for (auto* actor : actors) {
      log::error("{} did not end within {} ms (--ringray.stop_timeout_ms); leaving without it", actor->title(),
                 config_.stop_timeout_ms.count());
      actor->release();
    }
    if (!goodbyes_missing_.empty() || actors.empty())
      log::error("other ranks did not say goodbye within {} ms (--ringray.stop_timeout_ms); leaving without them",
                 config_.stop_timeout_ms.count());
    lost_ranks_ = true;
    depart();
    leave_before_ = now + farewell;
  } else if (now > leave_before_ + config_.stop_timeout_ms) {
    std::string what;
    for (const auto& name : names_of_running()) what += (what.empty() ? "" : ", ") + name;
    if (what.empty()) what = "a task or an actor's on_stop";
    std::fprintf(stderr,
                 "ringray: rank %u: %s still runs %.1f s after the job's end (it ignores its stop token); it is "
                 "abandoned\n",
                 self_.value, what.c_str(), std::chrono::duration<double>(now - left_at_).count());
    log::flush();
    _exit(1);
  }
}

}  // namespace ringray::runtime
