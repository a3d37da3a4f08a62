if(TARGET ultrasound_numerics)
  find_package(Kokkos REQUIRED)
  # Debian's package names a directory that it does not install.
  set_target_properties(Kokkos::kokkos PROPERTIES INTERFACE_INCLUDE_DIRECTORIES /usr/include/trilinos)
  find_package(nlohmann_json REQUIRED)
  ringray_add_perf(stencil SOURCES stencil.cpp stencil_loops.cpp USES ultrasound_numerics nlohmann_json::nlohmann_json Kokkos::kokkos)
  ringray_add_perf(device_wave SOURCES device_wave.cpp stencil_loops.cpp USES ultrasound_host Kokkos::kokkos)
  # The baselines get what a user's own loop would get: all instructions of the machine, fused multiply-add included.
  set_source_files_properties(stencil_loops.cpp PROPERTIES COMPILE_OPTIONS "-O3;-march=x86-64-v3")
endif()
