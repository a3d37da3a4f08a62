// A class that another source file has, too.

#include "harness.hpp"

namespace conformance {
namespace {

struct Namesake {
  std::string value() { return "other"; }
};

}  // namespace

bool namesake_finds(const std::string& name);
bool namesake_finds(const std::string& name) {
  try {
    static_cast<void>(get_actor<Namesake>(name));
    return true;
  } catch (const ConfigError&) {
    return false;
  }
}

}  // namespace conformance
