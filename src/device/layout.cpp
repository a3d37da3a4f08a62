#include "ringray/device/layout.hpp"

#include <fmt/format.h>

namespace ringray::device {

std::string layout_difference(const LayoutReport& report) {
  static constexpr const char* names[] = {
#define X(value) #value,
      RINGRAY_DEVICE_LAYOUT(X)
#undef X
  };
  constexpr auto own = layout_report();
  if (report.magic != own.magic) return fmt::format("the report begins with {:#x}, not {:#x}", report.magic, own.magic);
  if (report.version != own.version)
    return fmt::format("layout version {} of the device, {} of the host", report.version, own.version);
  for (int i = 0; i < layout_values; ++i)
    if (report.values[i] != own.values[i])
      return fmt::format("{} is {} on the device and {} on the host", names[i], report.values[i], own.values[i]);
  return {};
}

}  // namespace ringray::device
