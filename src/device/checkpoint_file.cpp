#include "ringray/device/checkpoint_file.hpp"

#include <fmt/format.h>
#include <hdf5.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "ringray/base/checksum.hpp"

namespace ringray::device {
namespace {

constexpr char begins[] = "ringray device checkpoint ";
constexpr std::uint32_t version = 1;
constexpr std::size_t block_bytes = 512;  // the smallest user block

/// Inside of this file only.
struct Hdf5Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
void require(bool right, const std::string& what) {
  if (!right) throw Hdf5Error(what);
}

/// HDF5 is used by one thread at a time, and says nothing on the terminal meanwhile.
class Hdf5 {
 public:
  Hdf5() : lock_(one_at_a_time()) {
    H5open();
    H5Eget_auto2(H5E_DEFAULT, &report_, &report_data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  ~Hdf5() { H5Eset_auto2(H5E_DEFAULT, report_, report_data_); }
  Hdf5(const Hdf5&) = delete;
  Hdf5& operator=(const Hdf5&) = delete;

 private:
  static std::mutex& one_at_a_time() {
    static std::mutex mutex;
    return mutex;
  }
  const std::lock_guard<std::mutex> lock_;
  H5E_auto2_t report_ = nullptr;
  void* report_data_ = nullptr;
};

/// Owns an identifier. One thread.
class Handle {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t), const std::string& what) : id_(id), close_(close) { require(id >= 0, what); }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&&) = delete;
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  operator hid_t() const { return id_; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

/// A file in memory: the new one, or that of `image`.
Handle memory_file(const std::uint8_t* image, std::size_t image_bytes) {
  constexpr std::size_t increment = 64 << 10;
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "memory");
  require(H5Pset_fapl_core(access, increment, 0) >= 0, "memory");
  if (image == nullptr)
    return {H5Fcreate("checkpoint", H5F_ACC_EXCL, H5P_DEFAULT, access), H5Fclose, "a file in memory"};
  // HDF5 copies the image and does not change it. Of an empty one it would look for a file on disk.
  require(image_bytes != 0 && H5Pset_file_image(access, const_cast<std::uint8_t*>(image), image_bytes) >= 0, "memory");
  return {H5Fopen("checkpoint", H5F_ACC_RDONLY, access), H5Fclose, "it is no HDF5 file"};
}

Handle text_type(std::size_t bytes) {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose, "strings");
  require(H5Tset_size(type, std::max<std::size_t>(bytes, 1)) >= 0 && H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0,
          "strings");
  return type;
}

// ---- writing

void write_attribute(hid_t file, const char* name, hid_t type, const void* value) {
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose, name);
  const Handle attribute(H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose, name);
  require(H5Awrite(attribute, type, value) >= 0, name);
}
void write_set(hid_t file, const char* name, hid_t type, hsize_t count, const void* values) {
  const Handle space(H5Screate_simple(1, &count, nullptr), H5Sclose, name);
  const Handle set(H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Dclose, name);
  require(count == 0 || H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0, name);
}

/// The data sets.
struct Columns {
  std::vector<std::uint32_t> addresses;
  std::string types;  ///< padded with zeros to one length
  std::vector<std::uint64_t> lengths;
  StateBytes states;
};

// ---- reading

std::string read_text(hid_t file, const char* name) {
  const Handle attribute(H5Aopen(file, name, H5P_DEFAULT), H5Aclose, std::string("it has no ") + name);
  const Handle type(H5Aget_type(attribute), H5Tclose, name);
  const Handle space(H5Aget_space(attribute), H5Sclose, name);
  require(H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0 && H5Sget_simple_extent_npoints(space) == 1,
          std::string("its ") + name + " is no text");
  std::string text(H5Tget_size(type), '\0');
  const Handle wanted = text_type(text.size());
  require(H5Aread(attribute, wanted, text.data()) >= 0, name);
  return text.substr(0, text.find('\0'));
}
/// `bytes_max`: no set of a file is larger than that file, whatever it says.
template <class Values>
void read_set(hid_t file, const char* name, hid_t type, std::size_t bytes_max, Values& values) {
  const Handle set(H5Dopen2(file, name, H5P_DEFAULT), H5Dclose, std::string("it has no ") + name);
  const Handle space(H5Dget_space(set), H5Sclose, name);
  require(H5Sget_simple_extent_ndims(space) == 1, std::string("its ") + name + " is no list");
  const auto count = static_cast<std::size_t>(H5Sget_simple_extent_npoints(space));
  const auto each = H5Tget_size(type);
  require(count <= bytes_max / each, std::string("its ") + name + " is longer than the file");
  values.resize(count * each / sizeof values[0]);
  require(count == 0 || H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) >= 0, name);
}

std::size_t text_bytes(hid_t file, const char* name, std::size_t bytes_max) {
  const Handle set(H5Dopen2(file, name, H5P_DEFAULT), H5Dclose, std::string("it has no ") + name);
  const Handle type(H5Dget_type(set), H5Tclose, name);
  require(H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0 && H5Tget_size(type) <= bytes_max,
          std::string("its ") + name + " is no text");
  return H5Tget_size(type);
}

CheckpointFile decode_columns(hid_t file, std::size_t file_bytes) {
  Columns columns;
  const auto type_bytes = text_bytes(file, "actor_type", file_bytes);
  const Handle type = text_type(type_bytes);
  read_set(file, "actor_address", H5T_NATIVE_UINT32, file_bytes, columns.addresses);
  read_set(file, "actor_type", type, file_bytes, columns.types);
  read_set(file, "state_bytes", H5T_NATIVE_UINT64, file_bytes, columns.lengths);
  read_set(file, "state", H5T_NATIVE_UINT8, file_bytes, columns.states);
  const auto actors = columns.addresses.size();
  require(columns.types.size() == actors * type_bytes && columns.lengths.size() == actors,
          "its lists differ in length");
  CheckpointFile checkpoint{.kernel = read_text(file, "kernel"), .actors = {}};
  auto at = columns.states.begin();
  for (std::size_t i = 0; i < actors; ++i) {
    require(columns.lengths[i] <= static_cast<std::uint64_t>(columns.states.end() - at), "states are missing");
    const auto end = at + static_cast<std::ptrdiff_t>(columns.lengths[i]);
    const auto name = columns.types.substr(i * type_bytes, type_bytes);
    checkpoint.actors.push_back({{columns.addresses[i]}, name.substr(0, name.find('\0')), StateBytes(at, end)});
    at = end;
  }
  return checkpoint;
}

std::uint64_t checksum_after_block(const base::FileBytes& bytes) {
  base::Checksum checksum;
  checksum.add(bytes.data() + block_bytes, bytes.size() - block_bytes);
  return checksum.value();
}

}  // namespace

Result<base::FileBytes> encode(const CheckpointFile& checkpoint) {
  Columns columns;
  std::size_t type_bytes = 1;
  for (const auto& actor : checkpoint.actors) type_bytes = std::max(type_bytes, actor.type.size());
  for (const auto& actor : checkpoint.actors) {
    columns.addresses.push_back(actor.address.value);
    columns.types += actor.type + std::string(type_bytes - actor.type.size(), '\0');
    columns.lengths.push_back(actor.state.size());
    columns.states.insert(columns.states.end(), actor.state.begin(), actor.state.end());
  }
  const auto actors = checkpoint.actors.size();
  const Hdf5 used;
  try {
    const Handle file = memory_file(nullptr, 0);
    write_attribute(file, "kernel", text_type(checkpoint.kernel.size()), checkpoint.kernel.c_str());
    write_set(file, "actor_address", H5T_NATIVE_UINT32, actors, columns.addresses.data());
    write_set(file, "actor_type", text_type(type_bytes), actors, columns.types.data());
    write_set(file, "state_bytes", H5T_NATIVE_UINT64, actors, columns.lengths.data());
    write_set(file, "state", H5T_NATIVE_UINT8, columns.states.size(), columns.states.data());
    require(H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0, "the file");
    const auto image_bytes = H5Fget_file_image(file, nullptr, 0);
    require(image_bytes > 0, "the file");
    base::FileBytes bytes(block_bytes + static_cast<std::size_t>(image_bytes));
    require(H5Fget_file_image(file, bytes.data() + block_bytes, bytes.size() - block_bytes) >= 0, "the file");
    const auto line =
        fmt::format("{}{} {} {:016x}\n", begins, version, bytes.size() - block_bytes, checksum_after_block(bytes));
    std::copy(line.begin(), line.end(), bytes.begin());
    return bytes;
  } catch (const Hdf5Error& e) {
    return failure(Errc::out_of_memory,
                   fmt::format("HDF5 cannot make {} of the checkpoint of kernel '{}' (it does so in memory); have less "
                               "state",
                               e.what(), checkpoint.kernel));
  }
}

Result<CheckpointFile> decode_checkpoint(const base::FileBytes& bytes, const std::string& name) {
  try {
    const std::string line(bytes.begin(),
                           bytes.begin() + static_cast<std::ptrdiff_t>(std::min(bytes.size(), block_bytes)));
    std::uint32_t its_version = 0;
    std::uint64_t its_bytes = 0, its_checksum = 0;
    require(line.size() == block_bytes && line.starts_with(begins) &&
                std::sscanf(line.c_str() + sizeof begins - 1, "%" SCNu32 " %" SCNu64 " %16" SCNx64, &its_version,
                            &its_bytes, &its_checksum) == 3,
            "it does not begin like one");
    if (its_version > version)
      return failure(Errc::config, fmt::format("{} is a checkpoint of version {} (this program knows versions up to "
                                               "{}); read it with the program that wrote it",
                                               name, its_version, version));
    require(bytes.size() - block_bytes == its_bytes, "its length is another one");
    require(checksum_after_block(bytes) == its_checksum, "its checksum is another one");
    const Hdf5 used;
    const Handle file = memory_file(bytes.data() + block_bytes, bytes.size() - block_bytes);
    return decode_columns(file, bytes.size());
  } catch (const Hdf5Error& e) {
    return failure(
        Errc::corrupt_data,
        fmt::format("{} is no checkpoint of device actors, or was damaged ({}); take another one", name, e.what()));
  }
}

}  // namespace ringray::device
