// Ranks of the conformance tests on the simulated network: threads that take turns, so that one seed is one run.

#include <gtest/gtest.h>
#include <poll.h>

#include <semaphore>
#include <thread>

#include "conformance.hpp"
#include "ringray/transport/sim/network.hpp"

namespace ringray::transport::conformance {
namespace {

struct Died {};

/// Hands the turn round. Each rank's own semaphore is released when its turn comes.
class Turns {
 public:
  explicit Turns(std::uint32_t ranks) : gates_(ranks), running_(ranks, true) {
    for (auto& gate : gates_) gate = std::make_unique<std::binary_semaphore>(0);
  }
  void wait(std::uint32_t rank) { gates_[rank]->acquire(); }
  void start() { gates_[0]->release(); }
  void pass(std::uint32_t rank) {
    for (std::size_t i = 1; i <= gates_.size(); ++i) {
      const auto next = (rank + i) % gates_.size();
      if (next == rank) return;
      if (!running_[next]) continue;
      gates_[next]->release();
      gates_[rank]->acquire();
      return;
    }
  }
  void leave(std::uint32_t rank) {
    running_[rank] = false;
    for (std::size_t i = 1; i < gates_.size(); ++i) {
      const auto next = (rank + i) % gates_.size();
      if (running_[next]) return gates_[next]->release();
    }
  }

 private:
  std::vector<std::unique_ptr<std::binary_semaphore>> gates_;
  std::vector<bool> running_;
};

class SimJob final : public Job {
 public:
  SimJob(sim::Network& network, Turns& turns, std::uint32_t rank) : network_(network), turns_(turns), rank_(rank) {}
  Transport& transport() override { return network_.endpoint(rank_); }
  bool progress(Receiver& receiver) override {
    const bool moved = transport().progress(receiver);
    if (!moved) turns_.pass(rank_);
    return moved;
  }
  void sleep() override {
    pollfd entry{transport().descriptor(), POLLIN, 0};
    while (::poll(&entry, 1, 0) == 0) {
      network_.step();
      turns_.pass(rank_);
    }
  }
  void die() override {
    network_.kill(rank_);
    throw Died{};
  }
  void close() override { transport().flush(); }
  void inject(Rank target, View packet) override { network_.inject(target, packet); }
  std::uint64_t key() override { return network_.key(); }

 private:
  sim::Network& network_;
  Turns& turns_;
  std::uint32_t rank_;
};

}  // namespace

void run_ranks(std::uint32_t ranks, const std::function<void(Job&)>& body) {
  sim::Network network(2026, ranks, {}, sim::Pace::by_progress);
  Turns turns(ranks);
  std::vector<std::thread> threads;
  for (std::uint32_t rank = 0; rank < ranks; ++rank) {
    threads.emplace_back([&, rank] {
      turns.wait(rank);
      SimJob job(network, turns, rank);
      try {
        body(job);
      } catch (const Died&) {
      } catch (const std::exception& error) {
        ADD_FAILURE() << "rank " << rank << ": " << error.what();
      }
      turns.leave(rank);
    });
  }
  turns.start();
  for (auto& thread : threads) thread.join();
}

}  // namespace ringray::transport::conformance
