find_package(nlohmann_json REQUIRED)
ringray_add_perf(transport RANKS 2
  SOURCES transport.cpp
  USES ringray::transport_ucx ringray::bootstrap_mpi ucx::ucp nlohmann_json::nlohmann_json)
