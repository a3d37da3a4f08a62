#include "shared_write.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <mpi.h>
#include <unistd.h>
#include <ringray/ringray.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <thread>

#include "block_field.hpp"
#include "file.hpp"
#include "result_file.hpp"

namespace ultrasound {
namespace {

std::atomic<bool> left_behind = false;

/// Planes of one field, on the rank that is to write them.
struct PartOrder {
  std::string dataset;
  int first_plane = 0;
  ringray::ObjectRef<PeakPart> values;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(dataset, first_plane, values);
  }
};
/// What one rank is to write.
using Share = std::vector<PartOrder>;

/// The slabs of a share; its objects live as long as the list.
struct HeldSlabs {
  std::vector<PeakPart> parts;
  std::vector<Slab> slabs;
};
HeldSlabs fetch(const Share& share) {
  HeldSlabs held;
  for (const PartOrder& order : share) {
    held.parts.push_back(ringray::get(order.values));
    held.slabs.push_back(
        {order.dataset, order.first_plane, std::span<const float>(std::as_const(held.parts.back()).span())});
  }
  return held;
}

/// This rank's part of a write by all, in a thread of its own, which whoever started it can go on without: MPI waits
/// for ever for a rank that died. Used by one task.
class Aside {
 public:
  Aside(const std::string& file, HeldSlabs held) {
    std::packaged_task<void()> task([file, held = std::make_shared<HeldSlabs>(std::move(held)), write = write_] {
      const HeldSlabs mine = std::move(*held);  // gone when whoever waits goes on
      write_slabs_together(file, mine.slabs, *write);
    });
    result_ = task.get_future();
    std::thread(std::move(task)).detach();
  }
  Aside(const Aside&) = delete;
  ~Aside() {
    if (!ended_) left_behind = true;
  }
  /// Gives it a moment, and then this worker to others. Throws what it threw.
  bool ended() {
    if (!ended_ && result_.wait_for(std::chrono::milliseconds(1)) == std::future_status::ready) {
      ended_ = true;
      result_.get();
    }
    ringray::this_task::yield();
    return ended_;
  }
  bool closing() const { return write_->closing; }
  /// "" for none.
  std::string problem() const { return write_->problem(); }

 private:
  std::shared_ptr<SharedWrite> write_ = std::make_shared<SharedWrite>();
  std::future<void> result_;
  bool ended_ = false;
};

/// On every rank but 0. Gives what went wrong in order, throws when the others may hang.
std::string write_share(const std::string& file, const Share& share) {
  Aside writing(file, fetch(share));
  const auto token = ringray::this_task::stop_token();
  while (!writing.ended()) {
    if (token.stop_requested() || ringray::stop_requested()) throw std::runtime_error("the write was given up");
  }
  return writing.problem();
}

enum class Readiness : std::uint8_t { ready, no_mpi, no_file };

Readiness look(const std::string& file) {
  if (!mpi_serves(static_cast<int>(ringray::this_rank().value), static_cast<int>(ringray::ranks())))
    return Readiness::no_mpi;
  const int opened = open(file.c_str(), O_RDWR | O_CLOEXEC);
  if (opened >= 0) close(opened);
  return opened >= 0 ? Readiness::ready : Readiness::no_file;
}

ringray::TaskOptions on(std::uint32_t rank, const char* name) {
  return {.name = name, .placement = ringray::on_rank(ringray::Rank{rank}), .max_retries = 0};
}

/// Why rank 0 must write alone; "" when all can write.
std::string obstacle(const std::string& file) {
  if (ringray::ranks() == 1) return "the job has one rank";
  std::vector<ringray::ObjectRef<Readiness>> looks;
  for (std::uint32_t rank = 0; rank < ringray::ranks(); ++rank) {
    looks.push_back(ringray::submit(on(rank, "look for the file"), look, file));
  }
  const std::vector<Readiness> ready = ringray::get(looks);
  for (std::size_t rank = 0; rank < ready.size(); ++rank) {
    if (ready[rank] == Readiness::no_mpi)
      return "MPI is not there for use (--ringray.mpi=keep keeps it after the start)";
    if (ready[rank] == Readiness::no_file) return fmt::format("rank {} does not see the folder", rank);
  }
  return "";
}

std::vector<Share> divide(const Treatment& treatment) {
  std::vector<Share> shares(ringray::ranks());
  for (const Outcome& outcome : treatment.outcomes) {
    const auto& field = dynamic_cast<const BlockField&>(*outcome.result.peak_pa);
    for (const BlockPart& part : field.parts()) {
      shares[part.rank.value].push_back({peak_dataset(outcome.scenario), part.planes.first, part.values});
    }
  }
  return shares;
}

/// The writers of the other ranks as the driver sees them.
class Writers {
 public:
  Writers(const std::string& file, const std::vector<Share>& shares) {
    for (std::uint32_t rank = 1; rank < shares.size(); ++rank) {
      pending_.push_back(ringray::submit(on(rank, "write slabs"), write_share, file, shares[rank]));
    }
  }
  ~Writers() {
    for (const auto& writer : pending_) ringray::cancel(writer);
  }
  Writers(const Writers&) = delete;

  /// Looks at those that ended. Throws what one of them threw.
  bool ended() {
    while (!pending_.empty()) {
      auto [ready, others] = ringray::wait(pending_, {.count = 1, .timeout = std::chrono::nanoseconds(0)});
      if (ready.empty()) return false;
      pending_ = std::move(others);
      keep(ringray::get(ready.front()));
    }
    return true;
  }
  void keep(const std::string& problem) {
    if (problem_.empty()) problem_ = problem;
  }
  /// What went wrong first, in order; "" for nothing.
  const std::string& problem() const { return problem_; }

 private:
  std::vector<ringray::ObjectRef<std::string>> pending_;
  std::string problem_;
};

void write_all_together(const std::string& file, const Plan& plan, const std::vector<Share>& shares) {
  HeldSlabs own = fetch(shares[0]);
  for (Slab& slab : medium_slabs(plan)) own.slabs.push_back(std::move(slab));
  Writers others(file, shares);
  Aside writing(file, std::move(own));
  // A rank that failed in a collective may have left the others in there for ever.
  constexpr auto patience = std::chrono::seconds(5);
  std::optional<std::chrono::steady_clock::time_point> late_after;
  for (bool own_ended = false, others_ended = false; !own_ended || !others_ended;) {
    bool suspect = writing.closing();
    try {
      own_ended = writing.ended();
      others_ended = others.ended();
    } catch (const ringray::RankDiedError& error) {
      throw std::runtime_error(fmt::format(
          "{}: a rank died while all ranks wrote it (a part is missing: {}); start the job again", file, error.what()));
    } catch (const ringray::TaskError& error) {
      others.keep(error.detail().text);
    } catch (const std::runtime_error& error) {
      others.keep(error.what());
    }
    suspect = suspect || !others.problem().empty();
    if (!suspect) late_after.reset();
    if (suspect && !late_after) late_after = std::chrono::steady_clock::now() + patience;
    if (!late_after || std::chrono::steady_clock::now() < *late_after) continue;
    if (writing.closing()) others.keep(writing.problem());
    others.keep("the ranks cannot close the result file");
    throw WriteStuck(others.problem() + " (the other ranks wait for it in MPI); the job is aborted");
  }
  others.keep(writing.problem());
  if (!others.problem().empty()) throw std::runtime_error(others.problem());
}

void write_alone(const std::string& file, const Plan& plan, const std::vector<Share>& shares) {
  write_slabs(file, medium_slabs(plan));
  for (const Share& share : shares) {
    for (const PartOrder& order : share) write_slabs(file, fetch({order}).slabs);
  }
}

}  // namespace

std::string write_from_blocks(const std::filesystem::path& path, const Config& config, const Treatment& treatment) {
  std::string how;
  write_whole(path, [&](const std::filesystem::path& partial) {
    const std::string file = std::filesystem::absolute(partial);
    create_result(file, config, treatment);
    const std::vector<Share> shares = divide(treatment);
    const std::string why_not = obstacle(file);
    if (why_not.empty()) {
      write_all_together(file, treatment.plan, shares);
      how = fmt::format("by {} ranks together", shares.size());
    } else {
      write_alone(file, treatment.plan, shares);
      how = "by rank 0 alone: " + why_not;
    }
  });
  return how;
}

bool write_left_behind() { return left_behind; }

void abort_stuck_job() {
  MPI_Abort(MPI_COMM_WORLD, 1);  // returns only when it fails
  _exit(1);
}

}  // namespace ultrasound
