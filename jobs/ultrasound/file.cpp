#include "file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "ringray/base/replaced_file.hpp"

namespace ultrasound {
namespace {

/// An open file. One thread.
class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags) : file_(open(path.c_str(), flags | O_CLOEXEC)) {}
  Descriptor(const Descriptor&) = delete;
  ~Descriptor() {
    if (file_ >= 0) close(file_);
  }
  int get() const { return file_; }

 private:
  int file_;
};

[[noreturn]] void refuse(const std::filesystem::path& path, int error) {
  throw std::runtime_error(fmt::format("{}: cannot be written to disk: {}", path.string(), std::strerror(error)));
}

}  // namespace

void sync_to_disk(const std::filesystem::path& path) {
  const Descriptor file(path, O_RDONLY);
  if (file.get() < 0 || fsync(file.get()) != 0) refuse(path, errno);
}

void take_space(const std::filesystem::path& path) {
  const Descriptor file(path, O_RDWR);
  struct stat status {};
  if (file.get() < 0 || fstat(file.get(), &status) != 0) refuse(path, errno);
  const int error = posix_fallocate(file.get(), 0, status.st_size);
  if (error != 0 && error != EINVAL && error != EOPNOTSUPP) refuse(path, error);  // some file systems cannot tell
}

void write_whole(const std::filesystem::path& path,
                 const std::function<void(const std::filesystem::path& partial)>& write) {
  const auto target = ringray::base::replaced_file(path);
  if (!target) throw std::runtime_error(fmt::format("{}: cannot be replaced: {}", path.string(), target.error().text));
  const std::filesystem::path whole = *target, partial = *target + fmt::format(".partial-{}", getpid());
  try {
    write(partial);
    sync_to_disk(partial);
    std::filesystem::rename(partial, whole);
    sync_to_disk(whole.has_parent_path() ? whole.parent_path() : ".");
  } catch (...) {
    std::error_code ignored;  // the error that counts is on its way
    std::filesystem::remove(partial, ignored);
    throw;
  }
}

}  // namespace ultrasound
