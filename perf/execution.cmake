find_package(TBB REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
ringray_add_perf(execution SOURCES execution.cpp USES ringray::execution TBB::tbb OpenMP::OpenMP_CXX)
