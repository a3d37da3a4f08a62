#include "ringray/base/kept_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <system_error>

#include "ringray/base/replaced_file.hpp"

namespace ringray::base {
namespace {

namespace files = std::filesystem;

/// Before the number of the writer's process.
std::string partial_name(const std::string& target) {
  utsname host{};
  ::uname(&host);
  return fmt::format("{}.partial-{}-", target, host.nodename);
}

files::path folder_of(const std::string& target) {
  const auto folder = files::path(target).parent_path();
  return folder.empty() ? "." : folder;
}

/// An open file. One thread.
class Descriptor {
 public:
  Descriptor(const std::string& path, int flags) : file_(open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (file_ >= 0) ::close(file_);
  }
  int get() const { return file_; }
  /// False: errno says why.
  bool close() { return ::close(std::exchange(file_, -1)) == 0; }

 private:
  int file_;
};

/// An errno; 0: none.
int write_all(const std::string& path, const FileBytes& bytes) {
  Descriptor file(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (file.get() < 0) return errno;
  for (std::size_t done = 0; done < bytes.size();) {
    const auto count = ::write(file.get(), bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno != EINTR) return errno;
    if (count > 0) done += static_cast<std::size_t>(count);
  }
  return fsync(file.get()) == 0 && file.close() ? 0 : errno;
}

int sync_folder(const files::path& path) {
  const Descriptor folder(path.string(), O_RDONLY | O_DIRECTORY);
  return folder.get() >= 0 && fsync(folder.get()) == 0 ? 0 : errno;
}

/// PATH becomes PATH.1 as well, PATH.1 becomes PATH.2, up to the first number that is free, or keep - 1, which goes.
void shift(const std::string& path, std::uint32_t keep) {
  if (keep == 1 || !files::exists(path)) return;
  const auto older = [&](std::uint32_t i) { return fmt::format("{}.{}", path, i); };
  auto last = std::uint32_t{1};
  while (last < keep - 1 && files::exists(older(last))) ++last;
  for (auto i = last; i > 1; --i) files::rename(older(i - 1), older(i));
  files::remove(older(1));
  std::error_code no_links;
  files::create_hard_link(path, older(1), no_links);
  if (no_links) files::copy_file(path, older(1));
}

/// What writers of this host left when they were killed.
void remove_partial(const std::string& target) {
  const auto name = files::path(partial_name(target)).filename().string();
  std::error_code error;
  for (const auto& entry : files::directory_iterator(folder_of(target), error)) {
    const auto other = entry.path().filename().string();
    const auto pid = other.starts_with(name) ? std::atoi(other.c_str() + name.size()) : 0;
    if (pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH) files::remove(entry.path(), error);
  }
}

}  // namespace

Result<void> write_kept_file(const std::string& path, const FileBytes& bytes, std::uint32_t keep) {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  const auto refuse = [&](int error, const std::string& why) {
    return failure(error == ENOSPC || error == EDQUOT ? Errc::out_of_disk : Errc::config,
                   fmt::format("{} cannot be written: {}", path, why));
  };
  if (keep == 0) return refuse(0, "0 files would be kept; take 1 or more");
  const auto target = replaced_file(path);
  if (!target) return refuse(0, target.error().text);
  remove_partial(*target);
  const auto partial = partial_name(*target) + std::to_string(getpid());
  auto error = write_all(partial, bytes);
  if (error == 0) try {
      shift(*target, keep);
      files::rename(partial, *target);
    } catch (const files::filesystem_error& e) {
      error = e.code().value();
    }
  if (error == 0) error = sync_folder(folder_of(*target));
  if (error == 0) return {};
  std::error_code ignored;  // the error that counts is known
  files::remove(partial, ignored);
  return refuse(error, std::strerror(error));
}

Result<FileBytes> read_file(const std::string& path) {
  const auto refuse = [&](const std::string& why) {
    return failure(Errc::config, fmt::format("{} cannot be read: {}", path, why));
  };
  const Descriptor file(path, O_RDONLY | O_NONBLOCK);
  struct stat status {};
  if (file.get() < 0 || fstat(file.get(), &status) != 0) return refuse(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return refuse("it is no regular file");
  FileBytes bytes(static_cast<std::size_t>(status.st_size));
  for (std::size_t done = 0; done < bytes.size();) {
    const auto count = ::read(file.get(), bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno != EINTR) return refuse(std::strerror(errno));
    if (count == 0) return refuse("it became shorter");
    if (count > 0) done += static_cast<std::size_t>(count);
  }
  return bytes;
}

}  // namespace ringray::base
