// How values of the public headers are written.

#include <fmt/format.h>

#include "ringray/log.hpp"

using Context = fmt::format_context;

Context::iterator fmt::formatter<ringray::Rank>::format(ringray::Rank rank, Context& context) const {
  return fmt::formatter<std::uint32_t>::format(rank.value, context);
}
Context::iterator fmt::formatter<ringray::scheduler::Amount>::format(ringray::scheduler::Amount amount,
                                                                     Context& context) const {
  return fmt::formatter<double>::format(amount.value(), context);
}
Context::iterator fmt::formatter<ringray::scheduler::Resources>::format(const ringray::scheduler::Resources& resources,
                                                                        Context& context) const {
  return fmt::formatter<fmt::string_view>::format(resources.text(), context);
}
