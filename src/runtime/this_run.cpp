#include "ringray/runtime/this_run.hpp"

#include <string>

#include "ringray/base/errors.hpp"

namespace ringray::runtime {

void throw_config(const char* text) { throw ConfigError(text); }

void throw_outside(const char* what) {
  throw ConfigError(std::string(what) +
                    " was used outside of ringray::run (before it begins and after it returned there is no job); use "
                    "it in the driver, a task or an actor");
}

void throw_kept(const char* what) {
  if (is_outside()) throw_outside(what);
  throw ConfigError(std::string(what) +
                    " of an earlier run was used (its job has ended, and what it refers to with it); make a new one "
                    "in this run");
}

}  // namespace ringray::runtime
