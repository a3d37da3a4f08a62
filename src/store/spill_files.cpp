#include "ringray/store/spill_files.hpp"
#include "ringray/base/check.hpp"
#include "ringray/store/disk_waits.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "ringray/store/stale_folders.hpp"
#include "ringray/store/text.hpp"

namespace ringray::store {
namespace {

/// 0, or the errno of the write that failed.
int write_all(int file, wire::View bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return 0;
}

}  // namespace

SpillFile::~SpillFile() {
  if (may_wait_for_disk || path_.empty())
    folder_->take_off({std::move(path_), bytes_});
  else
    folder_->take_off_later({std::move(path_), bytes_});
}

Result<Descriptor> SpillFile::open() const {
  RINGRAY_ASSERT(may_wait_for_disk, "the disk is waited for under the baton");
  Descriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (file) return file;
  return failure(Errc::object_lost, fmt::format("Cannot open the spill file {} ({}), so its objects are lost; keep "
                                                "other programs out of the spill directory.",
                                                path_, error_text(errno)));
}

Result<void> SpillFile::read(std::uint64_t offset, std::span<std::byte> target) const {
  auto file = open();
  if (!file) return tl::make_unexpected(file.error());
  while (!target.empty()) {
    const auto got = ::pread(file->value(), target.data(), target.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      return failure(Errc::object_lost, fmt::format("Cannot read the spill file {} ({}), so its objects are lost.",
                                                    path_, got < 0 ? error_text(errno) : "it was cut short"));
    offset += static_cast<std::uint64_t>(got);
    target = target.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

Result<SpillFile::Window> SpillFile::map(std::uint64_t offset, std::size_t bytes) const {
  auto file = open();
  if (!file) return tl::make_unexpected(file.error());
  struct stat status {};
  if (::fstat(file->value(), &status) != 0 || static_cast<std::uint64_t>(status.st_size) < offset + bytes)
    return failure(Errc::object_lost, fmt::format("The spill file {} was cut short, so its objects are lost.", path_));
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const auto first = offset / page * page;
  auto mapping = Mapping::map(file->value(), first, std::max<std::size_t>(1, bytes + (offset - first)), Access::read);
  if (!mapping) return tl::make_unexpected(mapping.error());
  auto* start = mapping->start() + (offset - first);
  return Window{std::move(*mapping), start};
}

Result<std::shared_ptr<SpillFolder>> SpillFolder::open(std::string directory, std::uint64_t bytes_max) {
  std::error_code error;
  std::filesystem::create_directory(directory, error);  // a misspelt path must not become a tree of folders
  if (error || ::access(directory.c_str(), W_OK | X_OK) != 0)
    return failure(
        Errc::config,
        fmt::format("--ringray.spill_directory: '{}' cannot be written in: {} (a full object store could not "
                    "make room); accepted: a writable folder, or a new one in an existing folder",
                    directory, error ? error.message() : error_text(errno)));
  remove_stale_folders(directory);
  auto path = directory + "/" + own_folder_name();
  return std::shared_ptr<SpillFolder>(new SpillFolder(std::move(directory), std::move(path), bytes_max));
}

SpillFolder::~SpillFolder() { remove(); }

void SpillFolder::remove() noexcept {
  std::error_code ignored;  // a folder that stays is removed by the next start
  std::filesystem::remove_all(path_, ignored);
}

void SpillFolder::take_off(const Gone& gone) noexcept {
  if (!gone.path.empty()) ::unlink(gone.path.c_str());  // already gone after close(): nothing is left either way
  bytes_ -= gone.bytes;
  --files_;
}

void SpillFolder::take_off_later(Gone gone) {
  const std::lock_guard lock(mutex_);
  gone_.push_back(std::move(gone));
}

bool SpillFolder::untidy() const {
  const std::lock_guard lock(mutex_);
  return !gone_.empty();
}

void SpillFolder::tidy() {
  RINGRAY_ASSERT(may_wait_for_disk, "the disk is waited for under the baton");
  std::vector<Gone> all;
  {
    const std::lock_guard lock(mutex_);
    all.swap(gone_);
  }
  for (const auto& gone : all) take_off(gone);
}

tl::unexpected<Failure> SpillFolder::refuse(std::uint64_t bytes, const std::string& reason) const {
  return failure(
      Errc::out_of_disk,
      fmt::format("Cannot spill {} to {} ({}), so the object store cannot make room; free space there, choose "
                  "another --ringray.spill_directory, or keep fewer objects.",
                  readable_bytes(bytes), directory_, reason));
}

Result<std::shared_ptr<SpillFile>> SpillFolder::reserve(std::uint64_t bytes, std::string path) {
  auto taken = bytes_.load();
  do {
    if (bytes > bytes_max_ || taken > bytes_max_ - bytes)
      return refuse(bytes,
                    fmt::format("{} of the allowed {} are taken", readable_bytes(taken), readable_bytes(bytes_max_)));
  } while (!bytes_.compare_exchange_weak(taken, taken + bytes));
  ++files_;
  return std::make_shared<SpillFile>(shared_from_this(), std::move(path), bytes);
}

Descriptor SpillFolder::make(const std::string& path) const {
  const auto attempt = [&] { return Descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)); };
  auto file = attempt();
  if (!file && errno == ENOENT && (::mkdir(path_.c_str(), 0700) == 0 || errno == EEXIST)) file = attempt();
  return file;
}

Result<std::shared_ptr<SpillFile>> SpillFolder::write(std::span<const wire::View> pieces) {
  tidy();
  std::uint64_t bytes = 0;
  for (const auto& piece : pieces) bytes += piece.size();
  const auto path = fmt::format("{}/{}", path_, ++names_);
  auto reserved = reserve(bytes, path);
  if (!reserved) return reserved;
  const auto beside = path + ".part";
  auto file = make(beside);
  if (!file) return refuse(bytes, error_text(errno));
  int error = 0;
  for (const auto& piece : pieces)
    if (error == 0) error = write_all(file.value(), piece);
  if (!file.close() && error == 0) error = errno;
  if (error == 0 && ::rename(beside.c_str(), path.c_str()) != 0) error = errno;
  if (error == 0) return reserved;
  ::unlink(beside.c_str());
  return refuse(bytes, error_text(error));
}

Result<SpillFolder::Block> SpillFolder::borrow(std::size_t bytes) {
  tidy();
  auto reserved = reserve(bytes, "");
  if (!reserved) return tl::make_unexpected(reserved.error());
  const auto path = fmt::format("{}/{}.block", path_, ++names_);
  auto file = make(path);
  if (!file) return refuse(bytes, error_text(errno));
  ::unlink(path.c_str());
  // Reserved now, because a full disk would be a SIGBUS later.
  if (const int error = ::posix_fallocate(file.value(), 0, static_cast<off_t>(bytes)); error != 0)
    return refuse(bytes, error_text(error));
  auto mapping = Mapping::map(file.value(), 0, bytes, Access::read_write);
  if (!mapping) return tl::make_unexpected(mapping.error());
  return Block{std::move(*reserved), std::move(*mapping)};
}

}  // namespace ringray::store
