ringray_add_perf(device_ring SOURCES device_ring.cpp USES ringray::device)
ringray_add_perf(device_kernel SOURCES device_kernel.cpp USES ringray::device)
