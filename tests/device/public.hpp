#pragma once
// What the tests of <ringray/device.hpp> share.

#include <gtest/gtest.h>

#include <chrono>
#include <initializer_list>
#include <ringray/device.hpp>
#include <ringray/ringray.hpp>
#include <string>

namespace ringray::test {

using namespace std::chrono_literals;

/// What `work` throws, as "TYPE: text"; empty when it throws nothing.
template <class Work>
std::string thrown(const Work& work) {
  try {
    work();
  } catch (const Error& e) {
    return std::string(error_name(e.code())) + ": " + e.what();
  }
  return "";
}
inline testing::AssertionResult has(const std::string& text, std::initializer_list<const char*> parts) {
  for (const auto* part : parts)
    if (text.find(part) == std::string::npos) return testing::AssertionFailure() << "no '" << part << "' in: " << text;
  return testing::AssertionSuccess();
}
template <class T>
std::string error_of(const ObjectRef<T>& ref) {
  return thrown([&] { get(ref, 20s); });
}
template <class Condition>
bool soon(const Condition& condition) {
  for (const auto end = std::chrono::steady_clock::now() + 20s; std::chrono::steady_clock::now() < end;
       this_task::yield())
    if (condition()) return true;
  return false;
}

}  // namespace ringray::test
