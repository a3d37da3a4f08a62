#pragma once
// The objects of one rank: in its arena, and on disk when the arena is full. README.md tells the life of an object.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "ringray/base/ids.hpp"
#include "ringray/base/result.hpp"
#include "ringray/store/arena.hpp"
#include "ringray/store/buffer.hpp"
#include "ringray/store/spill_files.hpp"
#include "ringray/wire/bytes.hpp"

namespace ringray::store {

/// Whether an object may vanish when room is needed. A secondary copy can be pulled again; the primary may be the
/// only one, so it is spilled instead.
enum class Copy : std::uint8_t { primary, secondary };

struct Usage {
  std::uint64_t capacity_bytes = 0;  ///< size of the arena
  std::uint64_t used_bytes = 0;      ///< of the arena, buffers that are not sealed yet included
  std::uint64_t pinned_bytes = 0;    ///< of objects that are leased or lent now
  std::uint64_t spilled_bytes = 0;   ///< of objects that are on disk only
  std::uint64_t disk_bytes = 0;      ///< what files and disk-backed blocks occupy
  std::uint64_t files = 0;           ///< files and disk-backed blocks
  std::uint64_t objects = 0;         ///< here, in memory or on disk
  std::uint64_t evictions = 0, spills = 0, restores = 0, fallbacks = 0;  ///< objects, since the start
};

/// Any thread. One mutex, which is never held during file access or copying. Calls that need room or a spilled object
/// wait for the disk; resident() tells beforehand whether lease() and lend() would.
class ObjectStore : public std::enable_shared_from_this<ObjectStore> {
 public:
  struct Options {
    std::size_t bytes = std::size_t{1} << 30;  ///< size of the arena
    std::string spill_directory;               ///< node-local; empty: a full store is an error
    double spill_at = 0.8;                     ///< part of the arena above which objects leave it
    std::uint64_t spill_bytes_max = ~std::uint64_t{0};
    std::uint64_t spill_batch_bytes = 8 << 20;  ///< small objects leave together, into one file
  };
  static Result<std::shared_ptr<ObjectStore>> open(Options options);
  ~ObjectStore();

  /// A block to write an object into. Makes room first when need be: secondary copies that nobody reads go, then
  /// primary ones are written to disk, both in the order of their last use. When everything is in use the block is
  /// backed by the disk. Errc::out_of_disk, or out_of_memory when there is no spill directory. Does not wait for
  /// readers: who wants to wait tries again after a lease ended.
  Result<Buffer> create(std::size_t bytes);
  /// The same without waiting for the disk, or an empty buffer.
  Buffer create_at_once(std::size_t bytes);
  /// Makes the bytes an object, readable by all and written by nobody. If the object is here already the bytes are
  /// dropped. The lease keeps it in memory; a caller that has no use for it drops it.
  wire::Lease seal(ObjectId id, Buffer&& buffer, Copy copy);
  /// Keeps the object in memory while the lease lives; reads it from disk first when need be. Errc::object_lost when
  /// it is not here or its file is gone.
  Result<wire::Lease> lease(ObjectId id);
  /// The same for what is in memory, else nothing. Does not wait for the disk.
  wire::Lease lease_at_once(ObjectId id);

  bool contains(ObjectId id) const;
  /// True when the object is in memory, so that a lease waits for no disk.
  bool resident(ObjectId id) const;
  /// Makes a secondary copy the primary one, which no lack of room removes. False when it is not here (any more).
  bool promote(ObjectId id);

  /// Where an object lies for host-mates that map the arena.
  struct Position {
    static constexpr std::uint64_t outside = ~std::uint64_t{0};
    std::uint64_t offset = outside;  ///< outside: not in the arena now and not lent; lease it and send the bytes
    std::uint64_t bytes = 0;
  };
  /// Pins the object for a host-mate until as many unlends; reads it from disk first when need be.
  Result<Position> lend(ObjectId id, Rank reader);
  void unlend(ObjectId id, Rank reader);
  /// For a reader that died.
  void unlend_all(Rank reader);

  /// The object is garbage: it is not found any more, and its bytes go with the last pin.
  void erase(ObjectId id);
  /// Files of objects that were erased under the baton are still there.
  bool untidy() const;
  void tidy();  ///< removes them; waits for the disk
  /// Erases all objects, so that no file is left; what is still leased stays readable. Nothing can be created after.
  void close();

  Usage usage() const;
  Arena& arena() noexcept { return *arena_; }

 private:
  enum class State : std::uint8_t { resident, spilling, spilled, restoring };
  struct Entry {
    ObjectId id;
    std::uint64_t bytes = 0;
    Copy copy = Copy::primary;
    State state = State::resident;
    bool erased = false;
    bool idle = false;  ///< in the list of its copy: in the arena and unpinned
    std::uint32_t pins = 0;
    std::list<Entry*>::iterator place;
    Buffer block;                     ///< empty while spilled or restoring
    std::shared_ptr<SpillFile> file;  ///< has the bytes too, from file_offset on
    std::uint64_t file_offset = 0;
  };
  using EntryPointer = std::shared_ptr<Entry>;
  /// Ends with the last unlend. More than one entry only if the object was rebuilt while it was lent.
  struct Loan {
    std::uint32_t open = 0;
    std::vector<EntryPointer> pinned;  ///< each once
  };
  struct Pin;
  using Lock = std::unique_lock<std::mutex>;
  /// What is destroyed after the lock is released, because that frees memory, unmaps or removes files.
  struct Remains {
    std::vector<EntryPointer> entries;
    std::vector<Buffer> blocks;
    std::vector<std::shared_ptr<SpillFile>> files;
  };

  ObjectStore(Options options, std::shared_ptr<Arena> arena, std::shared_ptr<SpillFolder> folder);

  // object_store.cpp
  /// The entry of an object that is in memory, with the lock held; or an error with the lock released.
  Result<EntryPointer> settle(Lock& lock, ObjectId id, Remains& remains);
  Result<Buffer> restore(const std::shared_ptr<SpillFile>& file, std::uint64_t offset, std::size_t bytes);
  wire::Lease pinned_lease(EntryPointer entry);
  void unpin(Entry& entry);
  void pin(Entry& entry);
  void drop_pin(Entry& entry, Remains& remains);
  void rest(Entry& entry, Remains& remains);
  void enter_list(Entry& entry);
  void leave_list(Entry& entry);
  void promote_entry(Entry& entry);
  void leave_memory(Entry& entry, Remains& remains);
  void end_loan(Loan& loan, Remains& remains);
  void forget(ObjectId id, Remains& remains);

  // room.cpp: how room is made
  Buffer claim(std::size_t bytes);
  void relieve(std::size_t bytes);
  enum class Effort { voluntary, needed };
  bool give_up(std::uint64_t bytes, Effort effort);
  std::vector<EntryPointer> choose_victims(std::uint64_t bytes, Remains& remains, std::uint64_t& freed);
  bool spill(const std::vector<EntryPointer>& victims);
  bool write_out(const std::vector<EntryPointer>& batch);
  bool drop_spare_files();

  const Options options_;
  const std::shared_ptr<Arena> arena_;

  mutable std::mutex mutex_;         // guards all below
  std::condition_variable changed_;  ///< a spill or a restore ended
  bool closed_ = false;
  std::shared_ptr<SpillFolder> folder_;  ///< null: nothing can be spilled
  std::unordered_map<ObjectId, EntryPointer> objects_;
  std::list<Entry*> idle_[2];  ///< by Copy; least recently used first
  std::unordered_map<Rank, std::unordered_map<ObjectId, Loan>> loans_;
  std::uint64_t pinned_bytes_ = 0, spilled_bytes_ = 0, spilling_bytes_ = 0, spills_ended_ = 0;
  std::uint64_t evictions_ = 0, spills_ = 0, restores_ = 0, fallbacks_ = 0;
  std::chrono::nanoseconds spill_again_at_{0};  ///< after a full disk, nothing is spilled in advance for a while
};

}  // namespace ringray::store
