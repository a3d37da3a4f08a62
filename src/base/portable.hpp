#pragma once
// The word for code that runs on the host and on a GPU from one source.

#ifdef __CUDACC__
#define RINGRAY_DEVICE __host__ __device__
#else
#define RINGRAY_DEVICE
#endif
