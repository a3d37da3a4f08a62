#include "harness.hpp"

#include <atomic>
#include <cstdio>
#include <stdexcept>

#include "ringray/runtime/core.hpp"

namespace conformance {

std::string Counts::text() const {
  return std::to_string(owned) + " owned, " + std::to_string(borrowed) + " borrowed, " + std::to_string(requests) +
         " requests, " + std::to_string(actors) + " actors, " + std::to_string(grants) + " grants, " +
         std::to_string(stored_bytes) + " bytes stored, " + std::to_string(subscriptions) + " subscriptions, " +
         std::to_string(executing) + " executing, " + std::to_string(arriving) + " arriving, " +
         std::to_string(transfers) + " transfers, " + std::to_string(granted) + " granted, " + std::to_string(pulls) +
         " pulls, " + std::to_string(fibers) + " fibers";
}

Counts counts_here() {
  auto& core = runtime::core();
  auto counts = core.with([&] {
    const auto unfinished = core.unfinished();
    const auto* now = runtime::running();
    const bool for_another_rank = now && now->record && now->record->origin;  // this itself
    return Counts{.owned = core.owner().owned(),
                  .borrowed = core.owner().borrowed(),
                  .requests = core.owner().requests(),
                  .actors = core.actors().size(),
                  .grants = core.ledger().grants().size(),
                  .subscriptions = core.subscriptions().patterns(),
                  .executing = unfinished.executing - for_another_rank,
                  .arriving = unfinished.arriving,
                  .transfers = unfinished.transfers,
                  .granted = unfinished.granted,
                  .pulls = unfinished.pulls};
  });
  const std::size_t kept = 2 * core.pool().workers(), fibers = core.pool().fibers();
  counts.fibers = fibers > kept ? fibers - kept : 0;
  const auto usage = core.store().usage();
  counts.stored_bytes = usage.used_bytes + usage.spilled_bytes;
  return counts;
}

Counts counts_on(Rank rank) {
  return rank == this_rank() ? counts_here() : get(submit({.placement = on_rank(rank)}, counts_here));
}

bool alive(Rank rank) {
  auto& core = runtime::core();
  return core.with([&] { return core.membership().alive(rank); });
}

namespace {
std::atomic<int> gates_closed{0};  // on this rank, ever
int count_gates() { return gates_closed; }
}  // namespace

int until_opened() {
  ++gates_closed;
  const auto stop = this_task::stop_token();
  while (!stop.stop_requested()) this_task::yield();
  return 1;
}

Gate::Gate(Rank rank) {
  const TaskOptions there{.placement = on_rank(rank)};
  const auto before = get(submit(there, count_gates));
  closed_ = submit(there, until_opened);
  if (!soon([&] { return get(submit(there, count_gates)) > before; })) throw std::runtime_error("a gate did not start");
}

void Ray::TearDown() {
  if (HasFatalFailure()) return;
  for (std::uint32_t r = 0; r < ranks(); ++r) {
    if (!alive(Rank{r})) continue;
    Counts left;
    EXPECT_TRUE(soon([&] { return (left = counts_on(Rank{r})) == Counts{}; }))
        << "rank " << r << " keeps " << left.text();
  }
}

}  // namespace conformance
