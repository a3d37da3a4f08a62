// Preloaded into the job: SABOTAGE=CALL:DEED:RANK lets that rank die in that call of MPI-IO, or fail, or the disk be
// full. It says so on standard error.

#include <mpi.h>
#include <signal.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

/// What is to happen to this call of this rank: "", "die", "fail".
std::string deed_at(const std::string& call) {
  const char *order = std::getenv("SABOTAGE"), *rank = std::getenv("OMPI_COMM_WORLD_RANK");
  if (!order || !rank) return "";
  for (const char* deed : {"die", "fail"}) {
    if (order != call + ":" + deed + ":" + rank) continue;
    std::fprintf(stderr, "sabotage: %s\n", order);
    if (deed == std::string("die")) raise(SIGKILL);
    return deed;
  }
  return "";
}

}  // namespace

extern "C" {

int MPI_File_open(MPI_Comm comm, const char* name, int mode, MPI_Info info, MPI_File* file) {
  return deed_at("open").empty() ? PMPI_File_open(comm, name, mode, info, file) : MPI_ERR_NO_SUCH_FILE;
}
int MPI_File_write_at(MPI_File file, MPI_Offset offset, const void* bytes, int count, MPI_Datatype type,
                      MPI_Status* status) {
  return deed_at("write").empty() ? PMPI_File_write_at(file, offset, bytes, count, type, status) : MPI_ERR_NO_SPACE;
}
int MPI_File_close(MPI_File* file) { return deed_at("close").empty() ? PMPI_File_close(file) : MPI_ERR_IO; }
int posix_fallocate(int file, off_t offset, off_t length) {
  static_cast<void>(file), static_cast<void>(offset), static_cast<void>(length);
  return deed_at("space").empty() ? 0 : ENOSPC;
}
}
