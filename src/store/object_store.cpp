#include "ringray/store/object_store.hpp"

#include <algorithm>

#include "ringray/base/check.hpp"
#include "ringray/store/text.hpp"

namespace ringray::store {

/// What keeps an object in memory while a lease lives.
struct ObjectStore::Pin {
  std::shared_ptr<ObjectStore> store;
  EntryPointer entry;
  Pin(std::shared_ptr<ObjectStore> s, EntryPointer e) : store(std::move(s)), entry(std::move(e)) {}
  Pin(const Pin&) = delete;
  Pin& operator=(const Pin&) = delete;
  ~Pin() { store->unpin(*entry); }
};

ObjectStore::ObjectStore(Options options, std::shared_ptr<Arena> arena, std::shared_ptr<SpillFolder> folder)
    : options_(std::move(options)), arena_(std::move(arena)), folder_(std::move(folder)) {}

Result<std::shared_ptr<ObjectStore>> ObjectStore::open(Options options) {
  auto arena = Arena::create(options.bytes);
  if (!arena) return tl::make_unexpected(arena.error());
  std::shared_ptr<SpillFolder> folder;
  if (!options.spill_directory.empty()) {
    auto opened = SpillFolder::open(options.spill_directory, options.spill_bytes_max);
    if (!opened) return tl::make_unexpected(opened.error());
    folder = std::move(*opened);
  }
  return std::shared_ptr<ObjectStore>(new ObjectStore(std::move(options), std::move(*arena), std::move(folder)));
}

ObjectStore::~ObjectStore() { close(); }

wire::Lease ObjectStore::pinned_lease(EntryPointer entry) {
  const wire::View view(entry->block.bytes());
  return wire::Lease(view, std::make_shared<Pin>(shared_from_this(), std::move(entry)));
}

wire::Lease ObjectStore::seal(ObjectId id, Buffer&& buffer, Copy copy) {
  RINGRAY_ASSERT(buffer, "sealed an empty buffer");
  auto entry = std::make_shared<Entry>();
  entry->id = id;
  entry->bytes = buffer.size();
  entry->copy = copy;
  entry->block = std::move(buffer);
  auto own = entry;  // outlives the lock, because it may hold the bytes that are dropped
  Lock lock(mutex_);
  const auto [found, fresh] = closed_ ? std::pair{objects_.end(), false} : objects_.try_emplace(id, entry);
  if (!fresh && !closed_) {
    auto& known = *found->second;
    if (copy == Copy::primary) promote_entry(known);
    if (known.state == State::resident || known.state == State::spilling) entry = found->second;
  }
  if (!fresh && entry == own) entry->erased = true;  // readable through its lease only
  pin(*entry);
  lock.unlock();
  return pinned_lease(std::move(entry));
}

Result<ObjectStore::EntryPointer> ObjectStore::settle(Lock& lock, ObjectId id, Remains& remains) {
  for (;;) {
    const auto found = objects_.find(id);
    if (found == objects_.end()) {
      lock.unlock();
      return failure(Errc::object_lost, fmt::format("Object {}.{}.{} is not in this rank's store.", id.owner.value,
                                                    id.epoch, id.sequence));
    }
    const EntryPointer entry = found->second;
    if (entry->state == State::resident || entry->state == State::spilling) return entry;
    if (entry->state == State::restoring) {
      changed_.wait(lock);
      continue;
    }
    entry->state = State::restoring;
    remains.entries.push_back(entry);  // it may be erased meanwhile
    remains.files.push_back(entry->file);
    const auto file = entry->file;
    lock.unlock();
    auto block = restore(file, entry->file_offset, entry->bytes);
    lock.lock();
    changed_.notify_all();
    if (!block) {
      entry->state = State::spilled;
      if (!entry->erased && block.error().code == Errc::object_lost) forget(id, remains);
      lock.unlock();
      return tl::make_unexpected(block.error());
    }
    entry->block = std::move(*block);
    entry->state = State::resident;
    if (entry->erased) continue;  // and is not found now
    spilled_bytes_ -= entry->bytes;
    ++restores_;
    return entry;
  }
}

Result<Buffer> ObjectStore::restore(const std::shared_ptr<SpillFile>& file, std::uint64_t offset, std::size_t bytes) {
  if (auto block = claim(bytes)) {
    auto read = file->read(offset, block.bytes());
    if (!read) return tl::make_unexpected(read.error());
    return block;
  }
  auto window = file->map(offset, bytes);  // everything in the arena is in use: read it where it is
  if (!window) return tl::make_unexpected(window.error());
  return Buffer(std::move(window->mapping), window->start, bytes, nullptr);
}

Result<wire::Lease> ObjectStore::lease(ObjectId id) {
  Remains remains;
  Lock lock(mutex_);
  auto entry = settle(lock, id, remains);
  if (!entry) return tl::make_unexpected(entry.error());
  pin(**entry);
  lock.unlock();
  return pinned_lease(std::move(*entry));
}

wire::Lease ObjectStore::lease_at_once(ObjectId id) {
  Lock lock(mutex_);
  const auto found = objects_.find(id);
  if (found == objects_.end() || !found->second->block) return {};
  auto entry = found->second;
  pin(*entry);
  lock.unlock();
  return pinned_lease(std::move(entry));
}

Result<ObjectStore::Position> ObjectStore::lend(ObjectId id, Rank reader) {
  Remains remains;
  Lock lock(mutex_);
  auto entry = settle(lock, id, remains);
  if (!entry) return tl::make_unexpected(entry.error());
  const auto bytes = (*entry)->bytes;
  if (!(*entry)->block.in_arena()) {
    if ((*entry)->pins == 0) rest(**entry, remains);
    return Position{Position::outside, bytes};
  }
  const Position position{(*entry)->block.offset(), bytes};
  auto& loan = loans_[reader][id];
  ++loan.open;
  if (loan.pinned.empty() || loan.pinned.back() != *entry) {
    pin(**entry);
    loan.pinned.push_back(std::move(*entry));
  }
  return position;
}

void ObjectStore::unlend(ObjectId id, Rank reader) {
  Remains remains;
  const std::lock_guard lock(mutex_);
  const auto loans = loans_.find(reader);
  if (loans == loans_.end()) return;  // a late word from a rank that was declared dead
  const auto found = loans->second.find(id);
  if (found == loans->second.end() || --found->second.open > 0) return;
  end_loan(found->second, remains);
  loans->second.erase(found);
  if (loans->second.empty()) loans_.erase(loans);
}

void ObjectStore::unlend_all(Rank reader) {
  Remains remains;
  const std::lock_guard lock(mutex_);
  const auto loans = loans_.find(reader);
  if (loans == loans_.end()) return;
  for (auto& [id, loan] : loans->second) end_loan(loan, remains);
  loans_.erase(loans);
}

void ObjectStore::end_loan(Loan& loan, Remains& remains) {
  for (auto& entry : loan.pinned) {
    drop_pin(*entry, remains);
    remains.entries.push_back(std::move(entry));
  }
}

bool ObjectStore::contains(ObjectId id) const {
  const std::lock_guard lock(mutex_);
  return objects_.contains(id);
}

bool ObjectStore::resident(ObjectId id) const {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(id);
  return found != objects_.end() && static_cast<bool>(found->second->block);
}

bool ObjectStore::promote(ObjectId id) {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(id);
  if (found == objects_.end()) return false;
  promote_entry(*found->second);
  return true;
}

void ObjectStore::promote_entry(Entry& entry) {
  const bool idle = entry.idle;
  leave_list(entry);
  entry.copy = Copy::primary;
  if (idle) enter_list(entry);
}

void ObjectStore::erase(ObjectId id) {
  Remains remains;
  const std::lock_guard lock(mutex_);
  forget(id, remains);
}

bool ObjectStore::untidy() const {
  const std::lock_guard lock(mutex_);
  return folder_ && folder_->untidy();
}

void ObjectStore::tidy() {
  std::shared_ptr<SpillFolder> folder;
  {
    const std::lock_guard lock(mutex_);
    folder = folder_;
  }
  if (folder) folder->tidy();
}

void ObjectStore::close() {
  std::shared_ptr<SpillFolder> folder;
  {
    Remains remains;
    const std::lock_guard lock(mutex_);
    closed_ = true;
    folder.swap(folder_);
    while (!objects_.empty()) forget(objects_.begin()->first, remains);
  }
  if (folder) folder->remove();  // now, because a lease that lives to the end of the process may keep the folder alive
}

void ObjectStore::pin(Entry& entry) {
  leave_list(entry);
  if (entry.pins++ == 0) pinned_bytes_ += entry.bytes;
}

void ObjectStore::unpin(Entry& entry) {
  Remains remains;
  const std::lock_guard lock(mutex_);
  drop_pin(entry, remains);
}

void ObjectStore::drop_pin(Entry& entry, Remains& remains) {
  RINGRAY_ASSERT(entry.pins > 0);
  if (--entry.pins > 0) return;
  pinned_bytes_ -= entry.bytes;
  if (!entry.erased && entry.state == State::resident) rest(entry, remains);
}

void ObjectStore::rest(Entry& entry, Remains& remains) {
  if (entry.block.in_arena())
    enter_list(entry);
  else if (entry.file)
    leave_memory(entry, remains);  // it was read in place; perhaps the next reader finds room
}

void ObjectStore::leave_memory(Entry& entry, Remains& remains) {
  entry.state = State::spilled;
  spilled_bytes_ += entry.bytes;
  remains.blocks.push_back(std::move(entry.block));
}

void ObjectStore::enter_list(Entry& entry) {
  auto& list = idle_[static_cast<std::size_t>(entry.copy)];
  entry.place = list.insert(list.end(), &entry);
  entry.idle = true;
}

void ObjectStore::leave_list(Entry& entry) {
  if (entry.idle) idle_[static_cast<std::size_t>(entry.copy)].erase(entry.place);
  entry.idle = false;
}

void ObjectStore::forget(ObjectId id, Remains& remains) {
  const auto found = objects_.find(id);
  if (found == objects_.end()) return;
  auto& entry = *found->second;
  leave_list(entry);
  entry.erased = true;
  if (entry.state == State::spilled || entry.state == State::restoring) spilled_bytes_ -= entry.bytes;
  remains.files.push_back(std::move(entry.file));  // a reader in the middle of a restore has a reference of its own
  remains.entries.push_back(std::move(found->second));
  objects_.erase(found);
}

Usage ObjectStore::usage() const {
  const std::lock_guard lock(mutex_);
  Usage usage{.capacity_bytes = arena_->capacity(),
              .used_bytes = arena_->used(),
              .pinned_bytes = pinned_bytes_,
              .spilled_bytes = spilled_bytes_,
              .objects = objects_.size(),
              .evictions = evictions_,
              .spills = spills_,
              .restores = restores_,
              .fallbacks = fallbacks_};
  if (folder_) {
    usage.disk_bytes = folder_->bytes();
    usage.files = folder_->files();
  }
  return usage;
}

}  // namespace ringray::store
