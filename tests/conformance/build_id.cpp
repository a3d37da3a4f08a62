// Half of test 15: the same source is built twice, and ranks that run different builds must not start.

#include <ringray/ringray.hpp>

int main(int argc, char** argv) {
  return ringray::run(argc, argv, [] { ringray::log::info("this is build {}", BUILD); });
}
