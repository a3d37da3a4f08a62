// Actors of the tests and the ultrasound job's as a program for GPUs: must compile without a warning and, in the
// resident kernel, without a spill. What runs it is script/gpu-check.

#include "../kernel_actors.hpp"
#include "ringray/kernels/resident.cuh"
#include "ringray/kernels/wave_actor.hpp"

RINGRAY_RESIDENT_KERNEL(ringray_test_kernel,
                        ringray::device::Program<ringray::test::Echo, ringray::test::Ring, ringray::kernels::WaveBlock>)
