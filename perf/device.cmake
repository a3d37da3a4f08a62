ringray_add_perf(device_ring SOURCES device_ring.cpp USES ringray::device)
