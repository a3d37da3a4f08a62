#pragma once
// Which build this program is. Ranks send each other objects and code addresses of callables by registration order,
// so all ranks must run the same build.

#include <optional>
#include <string>
#include <vector>

namespace ringray::transport {

/// A loaded executable or shared object and its GNU build id in hexadecimal; "" when it was linked without one.
struct Module {
  std::string name;  ///< file name without folders; "" for the executable
  std::string build_id;
  bool operator==(const Module&) const = default;
};

/// The executable, then each loaded shared object that does not belong to the system, by name. Any thread.
std::vector<Module> loaded_modules();

/// The first module that both have in different builds, in words ("libjob.so has build 12ab…, there 34cd…"). Modules
/// that only one has loaded are no mismatch: libraries load plugins by what hardware they find.
std::optional<std::string> build_mismatch(const std::vector<Module>& ours, const std::vector<Module>& theirs);

}  // namespace ringray::transport
