// How the object store makes room: evict, then spill, in the order of last use.

#include <algorithm>

#include "ringray/base/time.hpp"
#include "ringray/store/object_store.hpp"
#include "ringray/store/text.hpp"

namespace ringray::store {
namespace {
constexpr std::uint64_t file_of_its_own_bytes = 1 << 20;
constexpr auto pause_after_full_disk = std::chrono::seconds(1);
}  // namespace

Result<Buffer> ObjectStore::create(std::size_t bytes) {
  if (auto block = claim(bytes)) return block;
  std::shared_ptr<SpillFolder> folder;
  {
    const std::lock_guard lock(mutex_);
    folder = folder_;
  }
  if (!folder)
    return failure(
        Errc::out_of_memory,
        fmt::format("No room for an object of {}: the object store has {} and {} of it are in use; choose a "
                    "larger store (--ringray.arena_bytes), name a --ringray.spill_directory, or keep fewer objects.",
                    readable_bytes(bytes), readable_bytes(arena_->capacity()), readable_bytes(arena_->used())));
  auto borrowed = folder->borrow(std::max<std::size_t>(bytes, 1));
  if (!borrowed) return tl::make_unexpected(borrowed.error());
  const std::lock_guard lock(mutex_);
  ++fallbacks_;
  auto* start = borrowed->mapping.start();
  return Buffer(std::move(borrowed->mapping), start, bytes, std::move(borrowed->file));
}

Buffer ObjectStore::create_at_once(std::size_t bytes) {
  if (static_cast<double>(arena_->used() + bytes) > options_.spill_at * static_cast<double>(arena_->capacity()))
    return {};
  const auto offset = arena_->allocate(bytes);
  return offset ? Buffer(arena_, *offset, bytes) : Buffer();
}

/// A block of the arena, or an empty buffer when everything in it is in use.
Buffer ObjectStore::claim(std::size_t bytes) {
  if (bytes > arena_->capacity()) return {};
  relieve(bytes);
  for (;;) {
    if (const auto offset = arena_->allocate(bytes)) return Buffer(arena_, *offset, bytes);
    if (!give_up(bytes, Effort::needed)) return {};
  }
}

/// Keeps the arena below the line, as far as that is easy, so that readers and pulls find room.
void ObjectStore::relieve(std::size_t bytes) {
  const auto line = static_cast<std::uint64_t>(options_.spill_at * static_cast<double>(arena_->capacity()));
  const auto wanted = arena_->used() + bytes;
  if (wanted <= line) return;
  std::uint64_t leaving;
  {
    const std::lock_guard lock(mutex_);
    if (base::now() < spill_again_at_) return;
    leaving = spilling_bytes_;
  }
  if (wanted - line > leaving) give_up(wanted - line - leaving, Effort::voluntary);
}

/// Takes about `bytes` of objects that nobody reads out of the arena. False: there are none, or the disk is full.
bool ObjectStore::give_up(std::uint64_t bytes, Effort effort) {
  std::vector<EntryPointer> victims;
  std::uint64_t freed = 0;
  {
    Remains remains;
    Lock lock(mutex_);
    victims = choose_victims(bytes, remains, freed);
    if (victims.empty() && freed == 0) {
      if (effort == Effort::voluntary || spilling_bytes_ == 0) return false;
      changed_.wait(lock, [&, seen = spills_ended_] { return spills_ended_ != seen; });
      return true;
    }
  }
  return spill(victims) || freed > 0 || (effort == Effort::needed && drop_spare_files());
}

/// Evicts at once what needs no writing; the rest is returned, marked as spilling.
std::vector<ObjectStore::EntryPointer> ObjectStore::choose_victims(std::uint64_t bytes, Remains& remains,
                                                                   std::uint64_t& freed) {
  auto& secondaries = idle_[static_cast<std::size_t>(Copy::secondary)];
  while (freed < bytes && !secondaries.empty()) {
    freed += secondaries.front()->bytes;
    ++evictions_;
    forget(secondaries.front()->id, remains);
  }
  std::vector<EntryPointer> victims;
  if (freed >= bytes || !folder_) return victims;
  const auto batch =
      std::max(bytes - freed, std::min<std::uint64_t>(options_.spill_batch_bytes, arena_->capacity() / 16));
  std::uint64_t chosen = 0;
  auto& primaries = idle_[static_cast<std::size_t>(Copy::primary)];
  while (chosen < batch && !primaries.empty()) {
    auto& entry = *primaries.front();
    leave_list(entry);
    chosen += std::max(entry.bytes, FreeSpace::alignment);
    if (entry.file) {
      freed += entry.bytes;
      leave_memory(entry, remains);
    } else {
      entry.state = State::spilling;
      spilling_bytes_ += entry.bytes;
      victims.push_back(objects_.at(entry.id));
    }
  }
  return victims;
}

/// Large objects get a file each; small ones share one. True when anything was written.
bool ObjectStore::spill(const std::vector<EntryPointer>& victims) {
  std::vector<EntryPointer> together;
  bool any = false;
  for (const auto& victim : victims) {
    if (victim->bytes >= file_of_its_own_bytes)
      any |= write_out({victim});
    else
      together.push_back(victim);
  }
  if (!together.empty()) any |= write_out(together);
  return any;
}

bool ObjectStore::write_out(const std::vector<EntryPointer>& batch) {
  std::vector<wire::View> pieces;
  std::shared_ptr<SpillFolder> folder;
  {
    const std::lock_guard lock(mutex_);
    folder = folder_;
  }
  for (const auto& entry : batch) pieces.emplace_back(entry->block.bytes());
  const auto written = folder ? folder->write(pieces) : failure(Errc::out_of_disk, "The store is closed.");

  Remains remains;
  const std::lock_guard lock(mutex_);
  std::uint64_t offset = 0;
  for (const auto& entry : batch) {
    spilling_bytes_ -= entry->bytes;
    entry->state = State::resident;
    if (!entry->erased) {
      if (written) {
        entry->file = *written;
        entry->file_offset = offset;
        ++spills_;
      }
      if (entry->pins == 0 && written)
        leave_memory(*entry, remains);
      else if (entry->pins == 0)
        enter_list(*entry);
    }
    offset += entry->bytes;
  }
  if (!written) spill_again_at_ = base::now() + pause_after_full_disk;
  ++spills_ended_;
  changed_.notify_all();
  return written.has_value();
}

/// Objects that were read back keep their file, so that they can leave again for free; on a full disk that ends.
bool ObjectStore::drop_spare_files() {
  Remains remains;
  const std::lock_guard lock(mutex_);
  for (auto& [id, entry] : objects_)
    if (entry->state == State::resident && entry->file && entry->block.in_arena())
      remains.files.push_back(std::move(entry->file));
  return !remains.files.empty();
}

}  // namespace ringray::store
