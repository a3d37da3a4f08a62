#pragma once
// Which types may be handled under the baton, where nothing of the user's may run and nobody may wait.

#include <array>
#include <complex>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "ringray/wire/codec.hpp"

namespace ringray::wire {

/// To encode, decode or destroy a T runs no code that a user wrote and waits for nothing but memory.
template <class T>
inline constexpr bool harmless = (Bytes<T> || std::is_empty_v<T>)&&std::is_trivially_copyable_v<T>;
template <>
inline constexpr bool harmless<std::string> = true;
template <class T>
inline constexpr bool harmless<std::complex<T>> = harmless<T>;
template <class T>
inline constexpr bool harmless<std::vector<T>> = harmless<T>;
template <class T>
inline constexpr bool harmless<std::optional<T>> = harmless<T>;
template <class T, std::size_t N>
inline constexpr bool harmless<std::array<T, N>> = harmless<T>;
template <class A, class B>
inline constexpr bool harmless<std::pair<A, B>> = harmless<A>&& harmless<B>;
template <class... T>
inline constexpr bool harmless<std::tuple<T...>> = (harmless<T> && ...);

}  // namespace ringray::wire
