#include "file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace ultrasound {
namespace {

void sync_to_disk(const std::filesystem::path& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = file >= 0 && fsync(file) == 0;
  const int error = errno;
  if (file >= 0) close(file);
  if (!synced)
    throw std::runtime_error(fmt::format("{}: cannot be written to disk: {}", path.string(), std::strerror(error)));
}

}  // namespace

void write_whole(const std::filesystem::path& path,
                 const std::function<void(const std::filesystem::path& partial)>& write) {
  std::filesystem::path partial = path;
  partial += fmt::format(".partial-{}", getpid());
  try {
    write(partial);
    sync_to_disk(partial);
    std::filesystem::rename(partial, path);
    sync_to_disk(path.has_parent_path() ? path.parent_path() : ".");
  } catch (...) {
    std::error_code ignored;  // the error that counts is on its way
    std::filesystem::remove(partial, ignored);
    throw;
  }
}

}  // namespace ultrasound
