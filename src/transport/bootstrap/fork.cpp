#include "ringray/transport/bootstrap/fork.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "ringray/base/check.hpp"

namespace ringray::transport {
namespace {

bool write_all(int socket, const void* data, std::size_t size) {
  const auto* at = static_cast<const char*>(data);
  while (size != 0) {
    const auto written = ::send(socket, at, size, MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    at += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

bool read_all(int socket, void* data, std::size_t size) {
  auto* at = static_cast<char*>(data);
  while (size != 0) {
    const auto got = ::recv(socket, at, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

bool write_record(int socket, wire::View bytes) {
  const std::uint64_t size = bytes.size();
  return write_all(socket, &size, sizeof size) && write_all(socket, bytes.data(), bytes.size());
}

bool read_record(int socket, std::vector<std::byte>& bytes) {
  std::uint64_t size = 0;
  if (!read_all(socket, &size, sizeof size) || size > (1u << 30)) return false;
  bytes.resize(size);
  return read_all(socket, bytes.data(), size);
}

/// A forked rank's end of the star. One thread.
class ForkBootstrap final : public Bootstrap {
 public:
  ForkBootstrap(Rank rank, std::uint32_t size, int hub) : rank_(rank), size_(size), hub_(hub) {}
  ~ForkBootstrap() override { ::close(hub_); }
  Rank rank() const noexcept override { return rank_; }
  std::uint32_t size() const noexcept override { return size_; }
  Result<std::vector<std::vector<std::byte>>> exchange(wire::View bytes) override {
    std::vector<std::vector<std::byte>> all(size_);
    bool whole = write_record(hub_, bytes);
    for (auto& record : all) whole = whole && read_record(hub_, record);
    if (!whole) return failure(Errc::rank_died, "a rank died before the ranks knew each other");
    return all;
  }
  void finish(Leave) override {}
  void abort(int exit_code) override {
    // The hub ends the others when one rank says so.
    ::shutdown(hub_, SHUT_RDWR);
    std::_Exit(exit_code == 0 ? 1 : exit_code);
  }

 private:
  Rank rank_;
  std::uint32_t size_;
  int hub_;
};

int run_rank(const std::function<int(Bootstrap&)>& body, ForkBootstrap& bootstrap) {
  try {
    return body(bootstrap);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "rank %u ends by an exception: %s\n", bootstrap.rank().value, error.what());
    return 1;
  }
}

/// The parent's side: collects one record of each rank, gives all to all, then only waits.
class Hub {
 public:
  Hub(std::uint32_t ranks, base::Nanoseconds limit)
      : deadline_(base::now() + limit), processes_(ranks, -1), sockets_(ranks, -1), endings_(ranks) {}

  void start(const std::function<int(Bootstrap&)>& body) {
    std::fflush(nullptr);
    const auto parent = ::getpid();
    for (std::uint32_t rank = 0; rank < processes_.size(); ++rank) {
      int ends[2];
      RINGRAY_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
      const auto process = ::fork();
      RINGRAY_ASSERT(process >= 0, "fork failed");
      if (process == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) std::_Exit(1);
        ::close(ends[0]);
        for (const int other : sockets_)
          if (other >= 0) ::close(other);
        int code;
        {
          ForkBootstrap bootstrap(rank, static_cast<std::uint32_t>(processes_.size()), ends[1]);
          code = run_rank(body, bootstrap);
        }
        std::fflush(nullptr);
        std::_Exit(code);  // the parent's exit handlers are not ours
      }
      ::close(ends[1]);
      processes_[rank] = process;
      sockets_[rank] = ends[0];
    }
  }

  void serve() {
    std::vector<std::vector<std::byte>> records(sockets_.size());
    bool whole = true;
    for (std::size_t rank = 0; rank < sockets_.size() && whole; ++rank)
      whole = wait_readable(sockets_[rank]) && read_record(sockets_[rank], records[rank]);
    for (const int socket : sockets_) {
      for (const auto& record : records)
        if (!whole || !write_record(socket, record)) break;
      if (!whole) ::shutdown(socket, SHUT_RDWR);
    }
  }

  std::vector<Ending> wait() {
    for (std::size_t left = processes_.size(); left != 0;) {
      int status = 0;
      const auto process = ::waitpid(-1, &status, WNOHANG);
      if (process > 0) {
        left -= record(process, status) ? 1 : 0;
        continue;
      }
      RINGRAY_ASSERT(process == 0 || errno == EINTR, "waitpid failed");
      if (base::now() > deadline_) kill_rest();
      ::poll(nullptr, 0, 1);
    }
    for (const int socket : sockets_) ::close(socket);
    return endings_;
  }

 private:
  bool wait_readable(int socket) {
    pollfd entry{socket, POLLIN, 0};
    while (base::now() < deadline_) {
      const int ready = ::poll(&entry, 1, 100);
      if (ready > 0) return true;
      if (ready < 0 && errno != EINTR) return false;
    }
    return false;
  }

  bool record(pid_t process, int status) {
    for (std::size_t rank = 0; rank < processes_.size(); ++rank) {
      if (processes_[rank] != process) continue;
      processes_[rank] = -1;
      if (WIFSIGNALED(status))
        endings_[rank].signal = WTERMSIG(status);
      else
        endings_[rank].exit_code = WEXITSTATUS(status);
      return true;
    }
    return false;
  }

  void kill_rest() {
    for (std::size_t rank = 0; rank < processes_.size(); ++rank) {
      if (processes_[rank] < 0 || endings_[rank].overdue) continue;
      endings_[rank].overdue = true;
      ::kill(processes_[rank], SIGKILL);
    }
  }

  base::Nanoseconds deadline_;
  std::vector<pid_t> processes_;
  std::vector<int> sockets_;
  std::vector<Ending> endings_;
};

}  // namespace

std::vector<Ending> run_forked(std::uint32_t ranks, const std::function<int(Bootstrap&)>& body,
                               base::Nanoseconds limit) {
  Hub hub(ranks, limit);
  hub.start(body);
  hub.serve();
  return hub.wait();
}

}  // namespace ringray::transport
