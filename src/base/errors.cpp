#include "ringray/base/errors.hpp"

#include <cxxabi.h>

#include <array>
#include <cstdlib>
#include <memory>

#include "ringray/base/check.hpp"

namespace ringray {
namespace {

struct Row {
  std::string_view name, sentence;
};
constexpr std::array rows = {Row{"success", "Nothing is wrong."},
#define X(code, type, base, sentence) Row{#type, sentence},
                             RINGRAY_ERRORS(X)
#undef X
};
static_assert(rows.size() == static_cast<std::size_t>(Errc::count));

std::string describe(Errc code, const ErrorDetail& detail) {
  std::string text = detail.text.empty() ? std::string(error_sentence(code)) : detail.text;
  if (!detail.exception_type.empty()) text = detail.exception_type + ": " + text;
  if (!detail.task.empty()) text += " (in '" + detail.task + "' on rank " + std::to_string(detail.rank) + ")";
  for (const auto& cause : detail.causes) text += "; caused by " + cause;
  return text;
}

}  // namespace

std::string_view error_name(Errc code) noexcept {
  return code < Errc::count ? rows[static_cast<std::size_t>(code)].name : "unknown error";
}
std::string_view error_sentence(Errc code) noexcept {
  return code < Errc::count ? rows[static_cast<std::size_t>(code)].sentence : "The code is not of this version.";
}

Error::Error(Errc code, ErrorDetail detail)
    : std::runtime_error(describe(code, detail)), code_(code), detail_(std::move(detail)) {}
Error::Error(std::string text) : std::runtime_error(text), code_(Errc::none), detail_{.text = std::move(text)} {}

void throw_error(Errc code, ErrorDetail detail) {
  switch (code) {
#define X(errc, type, base, sentence) \
  case Errc::errc:                    \
    throw type(std::move(detail));
    RINGRAY_ERRORS(X)
#undef X
    default:
      break;
  }
  base::fail_assertion("throw_error(code)", __FILE__, __LINE__, "a success code was thrown");
}

std::string type_name(const char* mangled) {
  int status = 0;
  std::unique_ptr<char, void (*)(void*)> name(abi::__cxa_demangle(mangled, nullptr, nullptr, &status), std::free);
  if (status != 0) return mangled;
  std::string text = name.get();
  constexpr std::string_view spelled =
      "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >";
  for (auto at = text.find(spelled); at != text.npos; at = text.find(spelled, at))
    text.replace(at, spelled.size(), "std::string");
  return text;
}

}  // namespace ringray
