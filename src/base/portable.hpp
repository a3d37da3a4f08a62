#pragma once
// Words for code that runs on the host and on a GPU from one source.

#ifdef __CUDACC__
#define RINGRAY_DEVICE __host__ __device__
#else
#define RINGRAY_DEVICE
#endif

/// A function that a GPU calls instead of inlining it: what is inlined everywhere shares the registers of the kernel.
#ifdef __CUDA_ARCH__
#define RINGRAY_CALLED __noinline__
#else
#define RINGRAY_CALLED
#endif
