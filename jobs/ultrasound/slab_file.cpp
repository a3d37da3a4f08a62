#include "slab_file.hpp"

#include <fmt/format.h>
#include <mpi.h>

#include <array>

#include "file.hpp"
#include "hdf5_handle.hpp"

namespace ultrasound {
namespace {

void check_mpi(int status, const char* call) {
  if (status == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  if (MPI_Error_string(status, text, &length) != MPI_SUCCESS) length = 0;
  throw std::runtime_error(
      fmt::format("MPI refuses {}: {}", call, std::string(text, static_cast<std::size_t>(length))));
}

void write_slab(hid_t file, const Slab& slab) {
  const Handle set(H5Dopen2(file, slab.dataset.c_str(), H5P_DEFAULT), H5Dclose, slab.dataset);
  const Handle on_disk(H5Dget_space(set), H5Sclose, slab.dataset);
  std::array<hsize_t, 3> whole{};
  if (H5Sget_simple_extent_ndims(on_disk) != 3) throw std::runtime_error(slab.dataset + " does not have planes");
  check_hdf5(H5Sget_simple_extent_dims(on_disk, whole.data(), nullptr) < 0 ? -1 : 0, slab.dataset);
  std::visit(
      [&](const auto& values) {
        using Value = typename std::decay_t<decltype(values)>::value_type;
        const hsize_t plane = whole[1] * whole[2];
        const std::array<hsize_t, 3> start{static_cast<hsize_t>(slab.first_plane), 0, 0},
            count{values.size() / plane, whole[1], whole[2]};
        if (count[0] * plane != values.size() || start[0] + count[0] > whole[0])
          throw std::runtime_error(slab.dataset + " has other planes");
        const Handle in_memory(H5Screate_simple(3, count.data(), nullptr), H5Sclose, slab.dataset);
        check_hdf5(H5Sselect_hyperslab(on_disk, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr),
                   slab.dataset);
        const hid_t type = hdf5_type_of<std::remove_const_t<Value>>();
        check_hdf5(H5Dwrite(set, type, in_memory, on_disk, H5P_DEFAULT, values.data()), slab.dataset);
      },
      slab.values);
}

}  // namespace

void write_slabs(const std::filesystem::path& path, std::span<const Slab> slabs) {
  prepare_hdf5();
  Handle file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose, "to be opened");
  for (const Slab& slab : slabs) write_slab(file, slab);
  file.close();
  sync_to_disk(path);
}

bool mpi_serves(int rank, int ranks) {
  int begun = 0, over = 0, level = 0, own = 0, all = 0;
  if (MPI_Initialized(&begun) != MPI_SUCCESS || MPI_Finalized(&over) != MPI_SUCCESS || !begun || over) return false;
  return MPI_Query_thread(&level) == MPI_SUCCESS && level >= MPI_THREAD_SERIALIZED &&
         MPI_Comm_rank(MPI_COMM_WORLD, &own) == MPI_SUCCESS && MPI_Comm_size(MPI_COMM_WORLD, &all) == MPI_SUCCESS &&
         own == rank && all == ranks;
}

void write_slabs_together(const std::filesystem::path& path, std::span<const Slab> slabs, SharedWrite& write) {
  prepare_hdf5();
  check_mpi(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "to return errors");
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "MPI-IO");
  check_hdf5(H5Pset_fapl_mpio(access, MPI_COMM_WORLD, MPI_INFO_NULL), "MPI-IO");
  Handle file(H5Fopen(path.c_str(), H5F_ACC_RDWR, access), H5Fclose, "to be opened by all ranks");
  try {
    for (const Slab& slab : slabs) write_slab(file, slab);
    sync_to_disk(path);  // a network file system would do it in the close
  } catch (const std::exception& error) {
    write.fail(error.what());
  }
  check_mpi(MPI_Barrier(MPI_COMM_WORLD), "to wait for the others");
  write.closing = true;
  file.close();
  write.closing = false;
  try {
    sync_to_disk(path);
  } catch (const std::exception& error) {
    write.fail(error.what());
  }
}

}  // namespace ultrasound
