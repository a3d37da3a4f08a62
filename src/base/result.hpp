#pragma once
// Result<T>: a value, or the error that the world gave us. Bugs are asserted instead; user errors are exceptions.

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "ringray/base/errors.hpp"

namespace ringray {

struct Failure {
  Errc code = Errc::none;
  std::string text;  ///< what, why it matters, what to do
};

template <class T>
using Result = tl::expected<T, Failure>;

inline auto failure(Errc code, std::string text) { return tl::make_unexpected(Failure{code, std::move(text)}); }

}  // namespace ringray
