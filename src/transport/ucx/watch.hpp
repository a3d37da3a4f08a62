#pragma once
// Notices at once that a process of this host has ended. UCX needs a keepalive interval for it, and never notices
// while the dead process' receive queue is full.

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "ringray/base/ids.hpp"

namespace ringray::transport::ucx {

/// Baton holder only.
class Watch {
 public:
  Watch();
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  /// Readable when a watched process has ended.
  int descriptor() const noexcept { return set_; }
  /// False: there is no such process. A kernel without process descriptors watches nothing.
  bool add(Rank rank, std::uint64_t process_id);
  void remove(Rank rank);
  /// The ranks whose processes have ended. They are watched no longer.
  std::vector<Rank> ended();

 private:
  int set_ = -1;
  std::unordered_map<Rank, int> processes_;
};

/// A descriptor that is readable when one of two is. One thread.
class EitherReadable {
 public:
  EitherReadable(int first, int second);
  ~EitherReadable();
  EitherReadable(const EitherReadable&) = delete;
  EitherReadable& operator=(const EitherReadable&) = delete;
  int descriptor() const noexcept { return set_; }

 private:
  int set_ = -1;
};

}  // namespace ringray::transport::ucx
