#pragma once
// Files on a node-local disk that take objects which memory has no room for.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "ringray/base/result.hpp"
#include "ringray/store/mapping.hpp"
#include "ringray/wire/bytes.hpp"

namespace ringray::store {

class SpillFolder;

/// Bytes on the disk; they leave it with the last reference. Immutable once written. Any thread.
class SpillFile {
 public:
  SpillFile(std::shared_ptr<SpillFolder> folder, std::string path, std::uint64_t bytes)
      : folder_(std::move(folder)), path_(std::move(path)), bytes_(bytes) {}
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;
  ~SpillFile();

  /// Fills `target` from `offset`. Errc::object_lost when the file is gone or shorter than it was.
  Result<void> read(std::uint64_t offset, std::span<std::byte> target) const;
  /// Maps the pages that hold [offset, offset + bytes), read-only.
  struct Window {
    Mapping mapping;
    std::byte* start;
  };
  Result<Window> map(std::uint64_t offset, std::size_t bytes) const;
  std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  Result<Descriptor> open() const;
  std::shared_ptr<SpillFolder> folder_;
  std::string path_;  ///< empty when the file never had a lasting name
  std::uint64_t bytes_;
};

/// This rank's folder in the spill directory: DIRECTORY/ringray-HOST-NAMESPACE-PID-START-COUNT. Made by the first
/// spill; folders whose process is gone are removed by whoever opens the directory next. Any thread.
class SpillFolder : public std::enable_shared_from_this<SpillFolder> {
 public:
  static Result<std::shared_ptr<SpillFolder>> open(std::string directory, std::uint64_t bytes_max);
  ~SpillFolder();
  /// Removes the folder with all that is in it. What is mapped stays readable.
  void remove() noexcept;

  /// Writes `pieces` one after the other: beside, then renamed. On failure nothing is left on the disk, and the error
  /// is Errc::out_of_disk.
  Result<std::shared_ptr<SpillFile>> write(std::span<const wire::View> pieces);
  /// Memory that the disk backs, for when the arena is full of bytes in use. It has no name and no ghost after kill -9.
  struct Block {
    std::shared_ptr<SpillFile> file;
    Mapping mapping;
  };
  Result<Block> borrow(std::size_t bytes);

  /// Files that nobody refers to any more lie there still, because the last reference went under the baton.
  bool untidy() const;
  void tidy();  ///< removes them

  std::uint64_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }
  std::uint64_t files() const noexcept { return files_.load(std::memory_order_relaxed); }

 private:
  friend class SpillFile;
  SpillFolder(std::string directory, std::string path, std::uint64_t bytes_max)
      : directory_(std::move(directory)), path_(std::move(path)), bytes_max_(bytes_max) {}
  struct Gone {
    std::string path;  ///< empty: it has no name
    std::uint64_t bytes;
  };
  void take_off(const Gone& gone) noexcept;
  void take_off_later(Gone gone);
  /// Takes `bytes` of the allowance, or says why not.
  Result<std::shared_ptr<SpillFile>> reserve(std::uint64_t bytes, std::string path);
  /// A new file, or none and errno. Makes the folder first when need be.
  Descriptor make(const std::string& path) const;
  tl::unexpected<Failure> refuse(std::uint64_t bytes, const std::string& reason) const;

  const std::string directory_, path_;
  const std::uint64_t bytes_max_;
  std::atomic<std::uint64_t> bytes_{0}, files_{0}, names_{0};  // with gone_
  mutable std::mutex mutex_;
  std::vector<Gone> gone_;  // guarded by mutex_
};

}  // namespace ringray::store
