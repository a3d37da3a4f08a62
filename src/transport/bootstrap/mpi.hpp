#pragma once
// Bootstrap by MPI: for programs that mpirun or srun started. Link ringray::bootstrap_mpi.

#include <mpi.h>

#include <memory>

#include "ringray/transport/bootstrap/bootstrap.hpp"

namespace ringray::transport {

/// Bootstrap over MPI_COMM_WORLD. Initialises MPI (MPI_THREAD_MULTIPLE) when nobody has, and then finish(together)
/// finalizes it; an MPI that the user started is the user's to finalize.
Result<std::unique_ptr<Bootstrap>> bootstrap_by_mpi();
/// Bootstrap over the user's communicator. MPI must be initialised.
Result<std::unique_ptr<Bootstrap>> bootstrap_by_mpi(MPI_Comm communicator);

}  // namespace ringray::transport
