# Build vocabulary of Ringray: one word per kind of thing that can be added to the project.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)  # a room finds its libraries itself; who links the room sees them too
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
string(REPLACE "-DNDEBUG" "" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

set(RINGRAY_SANITIZE "" CACHE STRING "address,undefined or thread")
add_library(ringray_flags INTERFACE)
target_compile_options(ringray_flags INTERFACE -Wall -Wextra -Wno-missing-field-initializers -fno-omit-frame-pointer)
if(NOT RINGRAY_SANITIZE)  # GCC's own instrumentation makes it warn of code that is right (stringop-overflow, maybe-uninitialized)
  target_compile_options(ringray_flags INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC bugs 105651 (std::string = "text") and 80635 (moved std::optional): false alarms.
  target_compile_options(ringray_flags INTERFACE -Wno-restrict -Wno-maybe-uninitialized)
endif()
if(CMAKE_UNITY_BUILD)  # GCC takes files that are compiled together for headers, whose unnamed namespaces it warns of
  target_compile_options(ringray_flags INTERFACE -Wno-subobject-linkage)
endif()
if(RINGRAY_SANITIZE)
  # -Og takes some three quarters of -O1's time to compile. The checks taken out treble it; they find null and dangling
  # pointers that the address sanitizer finds too, and misaligned ones, for which what lays out bytes is checked (ringray_check_alignment).
  add_compile_options(-fsanitize=${RINGRAY_SANITIZE} -Og -g1)
  if(RINGRAY_SANITIZE MATCHES undefined)
    add_compile_options(-fno-sanitize=null,vptr,object-size,alignment)
  endif()
  add_link_options(-fsanitize=${RINGRAY_SANITIZE})
endif()

include(CheckLinkerFlag)
check_linker_flag(CXX -fuse-ld=mold RINGRAY_MOLD)  # links in a tenth of the time
if(RINGRAY_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# The build id tells two builds of one program apart; ranks compare it at start-up.
add_link_options(-Wl,--build-id=sha1)

include(CTest)
include(GNUInstallDirs)
enable_testing()

# The folders of src/ and tests/ that lay out bytes.
function(ringray_check_alignment target)
  if(RINGRAY_SANITIZE MATCHES undefined AND CMAKE_CURRENT_SOURCE_DIR MATCHES "/(wire|transport|device)$")
    target_compile_options(${target} PRIVATE -fsanitize=alignment)
  endif()
endfunction()

# A room of src/. Its headers are seen as <ringray/ROOM/...> only by targets that link it, because each
# room has an include root of its own: a wrong include does not build.
#   ringray_add_room(NAME SOURCES files... USES targets... [PRIVATE_USES targets...])
function(ringray_add_room name)
  cmake_parse_arguments(room "" "" "SOURCES;USES;PRIVATE_USES" ${ARGN})
  set(root ${PROJECT_BINARY_DIR}/rooms/${name})
  file(MAKE_DIRECTORY ${root}/ringray)
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/src/${name} ${root}/ringray/${name} SYMBOLIC)
  if(room_SOURCES)
    add_library(ringray_${name} STATIC ${room_SOURCES})
    set(visibility PUBLIC)
    target_link_libraries(ringray_${name} PRIVATE $<BUILD_INTERFACE:ringray_flags> ${room_PRIVATE_USES})
  else()
    add_library(ringray_${name} INTERFACE)
    set(visibility INTERFACE)
  endif()
  if(room_SOURCES)
    ringray_check_alignment(ringray_${name})
  endif()
  add_library(ringray::${name} ALIAS ringray_${name})
  set_target_properties(ringray_${name} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(ringray_${name} ${visibility}
    $<BUILD_INTERFACE:${root}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(ringray_${name} ${visibility} cxx_std_20)
  target_link_libraries(ringray_${name} ${visibility} ${room_USES})
  set_property(GLOBAL APPEND PROPERTY RINGRAY_ROOMS ${name})
  set_property(GLOBAL PROPERTY RINGRAY_USES_OF_${name} ${room_USES} ${room_PRIVATE_USES})
  install(TARGETS ringray_${name} EXPORT ringray)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/src/${name} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/ringray
    FILES_MATCHING PATTERN "*.hpp")
endfunction()

# A transport: src/transport/NAME, as the library ringray::transport_NAME. The conformance tests are linked to it with
# tests/transport/NAME_harness.cpp, which says how ranks are started on it.
#   ringray_add_transport(NAME [FOR_TESTS] SOURCES files... [PRIVATE_USES targets...])
function(ringray_add_transport name)
  cmake_parse_arguments(transport "FOR_TESTS" "" "SOURCES;PRIVATE_USES" ${ARGN})
  add_library(ringray_transport_${name} STATIC ${transport_SOURCES})
  add_library(ringray::transport_${name} ALIAS ringray_transport_${name})
  set_target_properties(ringray_transport_${name} PROPERTIES EXPORT_NAME transport_${name})
  target_link_libraries(ringray_transport_${name} PUBLIC ringray::transport
    PRIVATE $<BUILD_INTERFACE:ringray_flags> ${transport_PRIVATE_USES})
  ringray_check_alignment(ringray_transport_${name})
  if(NOT transport_FOR_TESTS)
    install(TARGETS ringray_transport_${name} EXPORT ringray)
  endif()
  set_property(GLOBAL APPEND PROPERTY RINGRAY_TRANSPORTS ${name})
endfunction()

# What the files of many targets include is read once for all of them, in builds that compile files together anyway.
# GCC takes a header's precompiled form only with the options that it was made with: one form per kind.
#   ringray_share_headers(TARGET KIND USES targets... OPTIONS options... HEADERS <header>...)
function(ringray_share_headers target kind)
  if(NOT CMAKE_UNITY_BUILD)
    return()
  endif()
  cmake_parse_arguments(shared "" "" "USES;OPTIONS;HEADERS" ${ARGN})
  set(holder ringray_headers_of_${kind})
  if(NOT TARGET ${holder})
    file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/empty.cpp CONTENT "")
    add_library(${holder} OBJECT ${PROJECT_BINARY_DIR}/empty.cpp)
    target_link_libraries(${holder} PRIVATE ringray_flags ${shared_USES})
    set_target_properties(${holder} PROPERTIES POSITION_INDEPENDENT_CODE OFF)  # an executable's is -fPIE
    target_compile_options(${holder} PRIVATE -fPIE ${shared_OPTIONS} -fpch-preprocess)
    target_precompile_headers(${holder} PRIVATE ${shared_HEADERS})
  endif()
  target_precompile_headers(${target} REUSE_FROM ${holder})
  target_compile_options(${target} PRIVATE -fpch-preprocess)  # ccache wants it
endfunction()

# A GoogleTest binary. RANKS n runs it under mpirun; ENVIRONMENT VAR=value...
#   ringray_add_test(NAME SOURCES files... USES targets... [RANKS n] [TIMEOUT s] [LABELS l...] [ARGUMENTS a...])
function(ringray_add_test name)
  cmake_parse_arguments(test "NO_MAIN" "RANKS;TIMEOUT" "SOURCES;USES;LABELS;ENVIRONMENT;ARGUMENTS" ${ARGN})
  find_package(GTest REQUIRED)
  if(NOT test_TIMEOUT)
    set(test_TIMEOUT 120)
  endif()
  if(RINGRAY_SANITIZE)
    math(EXPR test_TIMEOUT "4 * ${test_TIMEOUT}")
  endif()
  add_executable(${name} ${test_SOURCES})
  target_link_libraries(${name} PRIVATE ringray_flags ${test_USES} GTest::gtest)
  ringray_compile_as_test(${name} ${test_USES})
  if(NOT test_NO_MAIN)
    target_link_libraries(${name} PRIVATE GTest::gtest_main)
  endif()
  if(test_RANKS)
    ringray_mpirun(command ${test_RANKS})
    add_test(NAME ${name} COMMAND ${command} $<TARGET_FILE:${name}> ${test_ARGUMENTS})
  else()
    add_test(NAME ${name} COMMAND ${name} ${test_ARGUMENTS})
  endif()
  # script/test has stacks unwound slowly, else leaks of libraries without frame pointers are not recognised
  # (tests/leaks-of-libraries.txt). Not of tests without such libraries.
  if(NOT "${test_USES}" MATCHES "ringray::(ringray|runtime|transport_ucx|bootstrap_mpi)|ultrasound")
    list(APPEND test_ENVIRONMENT ASAN_OPTIONS=fast_unwind_on_malloc=1)
  endif()
  # Labels: those given, the folder, and "mpi" for what runs under mpirun. script/test selects by them.
  get_filename_component(folder ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  list(APPEND test_LABELS ${folder})
  if(test_RANKS)
    list(APPEND test_LABELS mpi)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${test_TIMEOUT} LABELS "${test_LABELS}" ENVIRONMENT "${test_ENVIRONMENT}")
endfunction()

# How the files of tests are compiled. They are compiled more often than run: with little optimisation, half the time.
#   ringray_compile_as_test(TARGET what it uses...)
function(ringray_compile_as_test target)
  if(RINGRAY_SANITIZE)
    set(options -O0)
  else()  # GCC 12 takes a size of unknown origin for one that is too large
    set(options -Og -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds)
  endif()
  target_compile_options(${target} PRIVATE ${options})
  ringray_check_alignment(${target})
  get_target_property(all_options ${target} COMPILE_OPTIONS)
  if("-fsanitize=alignment" IN_LIST all_options)
    ringray_share_headers(${target} aligned_tests USES ringray::base GTest::gtest OPTIONS ${all_options}
      HEADERS <gtest/gtest.h> <fmt/format.h>)
  elseif("ringray::ringray" IN_LIST ARGN)
    ringray_share_headers(${target} job_tests USES ringray::ringray GTest::gtest OPTIONS ${options}
      HEADERS <gtest/gtest.h> <ringray/device.hpp> <ringray/ringray.hpp>)
  elseif(ARGN MATCHES "ringray::")
    ringray_share_headers(${target} room_tests USES ringray::base GTest::gtest OPTIONS ${options}
      HEADERS <gtest/gtest.h> <fmt/format.h>)
  endif()
endfunction()

# The files of jobs and benchmarks.
#   ringray_compile_as_program(TARGET what it uses...)
function(ringray_compile_as_program target)
  if("ringray::ringray" IN_LIST ARGN AND NOT "OpenMP::OpenMP_CXX" IN_LIST ARGN)
    ringray_share_headers(${target} programs USES ringray::ringray
      HEADERS <ringray/device.hpp> <ringray/ringray.hpp> <ringray/run.hpp>)
  endif()
endfunction()

# The mpirun command line that tests and smoke runs use, for `ranks` ranks on this host.
function(ringray_mpirun out ranks)
  find_program(MPIRUN mpirun REQUIRED)
  set(${out} ${MPIRUN} --allow-run-as-root --oversubscribe --bind-to none -n ${ranks} PARENT_SCOPE)
endfunction()

# A program that people run: jobs/NAME. A two-rank smoke test comes with it.
#   ringray_add_job(NAME SOURCES files... [USES targets...] [SMOKE arguments...])
function(ringray_add_job name)
  cmake_parse_arguments(job "NO_SMOKE" "TIMEOUT" "SOURCES;USES;SMOKE" ${ARGN})
  if(NOT job_TIMEOUT)
    set(job_TIMEOUT 120)
  endif()
  add_executable(${name} ${job_SOURCES})
  target_link_libraries(${name} PRIVATE ringray_flags ringray::ringray ${job_USES})
  ringray_compile_as_program(${name} ringray::ringray)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/jobs)
  if(NOT job_NO_SMOKE AND BUILD_TESTING)
    ringray_mpirun(command 2)
    add_test(NAME job_${name}_smoke COMMAND ${command} $<TARGET_FILE:${name}> ${job_SMOKE})
    set_tests_properties(job_${name}_smoke PROPERTIES TIMEOUT ${job_TIMEOUT} LABELS smoke)
  endif()
endfunction()

# A benchmark: perf/NAME.cpp, built by the target "perf" and no other. A 2-second smoke test comes with it; it asserts no time.
#   ringray_add_perf(NAME SOURCES files... [USES targets...] [RANKS n])
function(ringray_add_perf name)
  cmake_parse_arguments(perf "" "RANKS" "SOURCES;USES" ${ARGN})
  add_executable(perf_${name} EXCLUDE_FROM_ALL ${perf_SOURCES})
  add_dependencies(perf perf_${name})
  target_link_libraries(perf_${name} PRIVATE ringray_flags ${perf_USES})
  ringray_compile_as_program(perf_${name} ${perf_USES})
  set_target_properties(perf_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/perf OUTPUT_NAME ${name})
  if(BUILD_TESTING)
    set(command "")
    if(perf_RANKS)
      ringray_mpirun(command ${perf_RANKS})
    endif()
    add_test(NAME perf_${name}_smoke COMMAND ${command} $<TARGET_FILE:perf_${name}> --smoke)
    set_tests_properties(perf_${name}_smoke PROPERTIES TIMEOUT 120 LABELS "smoke;perf" FIXTURES_REQUIRED perf)
  endif()
  if(perf_RANKS)
    set_property(GLOBAL APPEND PROPERTY RINGRAY_PERF "${name} ${perf_RANKS}")
  else()
    set_property(GLOBAL APPEND PROPERTY RINGRAY_PERF "${name} 0")
  endif()
endfunction()

# perf/list.txt in the build folder: a line "NAME RANKS" per benchmark, for script/bench.
function(ringray_write_perf_list)
  get_property(benchmarks GLOBAL PROPERTY RINGRAY_PERF)
  list(SORT benchmarks)
  list(TRANSFORM benchmarks APPEND "\n")
  list(JOIN benchmarks "" text)
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/perf/list.txt CONTENT "${text}" @ONLY)
endfunction()
cmake_language(DEFER DIRECTORY ${CMAKE_SOURCE_DIR} CALL ringray_write_perf_list)
