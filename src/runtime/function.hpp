#pragma once
// What can be submitted, how its parameters are declared, and how it travels.

#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>

#include "ringray/runtime/coroutine.hpp"
#include "ringray/runtime/object_ref.hpp"
#include "ringray/wire/callable.hpp"

namespace ringray {

/// Several results of one task: `Returns<int, int> divide(int, int)`; submit gives one reference each.
template <class... Ts>
struct Returns : std::tuple<Ts...> {
  using std::tuple<Ts...>::tuple;
};

template <class A>
class ActorHandle;

namespace runtime {

using wire::View;
template <class T>
inline constexpr bool is_handle = false;
template <class A>
inline constexpr bool is_handle<ActorHandle<A>> = true;

template <class... P>
struct Parameters {};

/// Result and declared parameters of a callable; absent for callables with templated or overloaded operator().
template <class F>
struct Signature {};
template <class R, class... P>
struct Signature<R (*)(P...)> {
  using result = R;
  using parameters = Parameters<P...>;
};
template <class R, class... P>
struct Signature<R (*)(P...) noexcept> : Signature<R (*)(P...)> {};
#define RINGRAY_MEMBER(qualifiers, object)       \
  template <class R, class C, class... P>        \
  struct Signature<R (C::*)(P...) qualifiers> {  \
    using result = R;                            \
    using parameters = Parameters<object, P...>; \
    using method_parameters = Parameters<P...>;  \
    using owner = C;                             \
  };
RINGRAY_MEMBER(, C&)
RINGRAY_MEMBER(const, const C&)
RINGRAY_MEMBER(noexcept, C&)
RINGRAY_MEMBER(const noexcept, const C&)
RINGRAY_MEMBER(&, C&)
RINGRAY_MEMBER(const&, const C&)
#undef RINGRAY_MEMBER
template <class F>
requires requires { &F::operator(); }
struct Signature<F> {
  using result = typename Signature<decltype(&F::operator())>::result;
  using parameters = typename Signature<decltype(&F::operator())>::method_parameters;
};
template <class F>
concept HasSignature = requires {
  typename Signature<F>::parameters;
};

/// Puts encoded bytes with references into the store as an object of its own; counted for the caller.
ObjectState* store_encoded(View bytes, std::span<void* const> references, const ValueType* type);
std::size_t inline_bytes_max() noexcept;

/// An argument that may be a reference: because the caller gave an ObjectRef<T> where T is expected, or because its
/// value was too large for a message.
template <class T>
struct Argument {
  Argument() = default;
  Argument(ObjectRef<T> r) : ref(std::move(r)) {
    if (ref) Access::state(ref)->begun().check("an ObjectRef");
  }
  template <class... A>
  requires std::is_constructible_v<T, A...> Argument(A&&... a) : value(std::in_place, std::forward<A>(a)...) {}
  ObjectRef<T> ref;
  std::optional<T> value;  ///< also the copy for a parameter that is a non-const reference

  template <class Archive>
  void save(Archive& archive) const {
    auto& encoder = archive.encoder();
    auto& buffer = encoder.buffer();
    const auto start = buffer.size();
    const auto first = encoder.references().size();
    buffer.put(static_cast<std::uint8_t>(ref ? 1 : 0));
    if (ref) {
      archive(ref);
      return;
    }
    wire::encode(encoder, *value);
    if (buffer.size() - start <= inline_bytes_max()) return;
    auto* state =
        store_encoded(buffer.view().subspan(start + 1), encoder.references().subspan(first), value_type_of<T>());
    buffer.truncate(start);
    encoder.truncate_references(first);
    buffer.put(std::uint8_t{1});
    archive(encoder.add_counted(state));
  }
  template <class Archive>
  void load(Archive& archive) {
    auto& decoder = archive.decoder();
    if (decoder.template get<std::uint8_t>() != 0)
      archive(ref);
    else
      value.emplace(wire::decode<T>(decoder));
  }
};
}  // namespace runtime
namespace wire {
template <class T>
inline constexpr bool harmless<runtime::Argument<T>> = harmless<T>;
template <class A>
inline constexpr bool harmless<ActorHandle<A>> = true;
}  // namespace wire
namespace runtime {

template <class T>
inline constexpr bool is_argument = false;
template <class T>
inline constexpr bool is_argument<Argument<T>> = true;
/// Small types without indirection are kept as they are.
template <class T>
inline constexpr bool always_inline = (std::is_arithmetic_v<T> || std::is_enum_v<T> || wire::Plain<T> ||
                                       std::is_empty_v<T> || is_object_ref<T>)&&sizeof(T) <= 4096;
template <class T>
using Kept = std::conditional_t<always_inline<T> || is_handle<T>, T, Argument<T>>;

template <class A>
struct StoredPlain {
  using type = std::decay_t<A>;
};
template <>
struct StoredPlain<const char*> {
  using type = std::string;
};
template <>
struct StoredPlain<char*> {
  using type = std::string;
};

/// How an argument of type A for a parameter declared as P is kept until the call.
template <class P, class A>
struct StoredFor {
  using Bare = std::remove_cvref_t<A>;
  using Parameter = std::remove_cvref_t<P>;
  static auto pick() {
    if constexpr (is_object_ref<Bare> && !is_object_ref<Parameter>)
      return std::type_identity<Argument<typename Referred<Bare>::type>>{};
    else
      return std::type_identity<Kept<Parameter>>{};
  }
  using type = typename decltype(pick())::type;
};
template <class A>
struct StoredForAny {
  using Bare = std::remove_cvref_t<A>;
  static auto pick() {
    if constexpr (is_object_ref<Bare>)
      return std::type_identity<Argument<typename Referred<Bare>::type>>{};
    else
      return std::type_identity<Kept<typename StoredPlain<std::decay_t<A>>::type>>{};
  }
  using type = typename decltype(pick())::type;
};

template <class List, class... A>
struct StoredList;
template <class... P, class... A>
struct StoredList<Parameters<P...>, A...> {
  using type = std::tuple<typename StoredFor<P, A>::type...>;
};
template <class F, class... A>
struct StoredArguments {
  using type = std::tuple<typename StoredForAny<A>::type...>;
};
template <class F, class... A>
requires HasSignature<F>
struct StoredArguments<F, A...> {
  using type = typename StoredList<typename Signature<F>::parameters, A...>::type;
};

template <class T>
const T& referred(const Argument<T>& argument) {
  return *static_cast<const T*>(value_here(*Access::state(argument.ref), value_type_of<T>()));
}

/// Passes a stored argument to a parameter declared as P.
template <class P, class Stored>
decltype(auto) pass(Stored& stored) {
  if constexpr (is_argument<Stored>) {
    using T = typename decltype(stored.value)::value_type;
    if constexpr (std::is_lvalue_reference_v<P> && !std::is_const_v<std::remove_reference_t<P>>) {
      if (stored.ref) stored.value.emplace(referred(stored));
      return static_cast<T&>(*stored.value);
    } else if constexpr (std::is_lvalue_reference_v<P> && std::is_same_v<std::remove_cvref_t<P>, T>) {
      return stored.ref ? referred(stored) : static_cast<const T&>(*stored.value);
    } else {
      return stored.ref ? T(referred(stored)) : T(std::move(*stored.value));
    }
  } else if constexpr (std::is_lvalue_reference_v<P>) {
    return static_cast<Stored&>(stored);
  } else {
    return static_cast<Stored&&>(stored);
  }
}

template <class F, class... P, class... Stored, std::size_t... I>
decltype(auto) apply_as(F& f, Parameters<P...>, std::tuple<Stored...>& arguments, std::index_sequence<I...>) {
  return std::invoke(f, pass<P>(std::get<I>(arguments))...);
}
/// How a callable without a signature gets a stored argument.
template <class Stored>
struct PassedAsHelper {
  using type = Stored;
};
template <class T>
struct PassedAsHelper<Argument<T>> {
  using type = const T&;
};
template <class Stored>
using PassedAs = typename PassedAsHelper<Stored>::type;
/// Calls f with its stored arguments.
template <class F, class... Stored>
decltype(auto) apply_stored(F& f, std::tuple<Stored...>& arguments) {
  if constexpr (HasSignature<F>)
    return apply_as(f, typename Signature<F>::parameters{}, arguments, std::index_sequence_for<Stored...>{});
  else
    return apply_as(f, Parameters<PassedAs<Stored>...>{}, arguments, std::index_sequence_for<Stored...>{});
}
template <class F, class Tuple>
using AppliedResult = decltype(apply_stored(std::declval<F&>(), std::declval<Tuple&>()));

// --- travelling

template <class F>
concept CallableTravels = std::is_function_v<std::remove_pointer_t<F>> || std::is_member_function_pointer_v<F> ||
    (std::is_class_v<F>&& Travels<F>);

template <class F>
void encode_callable(wire::Encoder& encoder, const F& f) {
  if constexpr (std::is_pointer_v<F>) {
    encoder.buffer().put(wire::code_to_wire(reinterpret_cast<const void*>(f)));
  } else if constexpr (std::is_member_function_pointer_v<F>) {
    // Itanium C++ ABI 2.3: {address, or 1 + offset in the virtual table; adjustment of this}.
    std::uint64_t words[2];
    static_assert(sizeof(f) == sizeof words);
    std::memcpy(words, &f, sizeof words);
    const bool is_virtual = words[0] & 1;
    encoder.buffer().put(is_virtual ? words[0] : wire::code_to_wire(reinterpret_cast<const void*>(words[0])) << 1);
    encoder.buffer().put(words[1]);
  } else {
    wire::encode(encoder, f);
  }
}
inline const void* checked(Result<const void*> code) {
  if (!code) throw CorruptDataError(code.error().text);
  return *code;
}
template <class F>
F decode_callable(wire::Decoder& decoder) {
  if constexpr (std::is_pointer_v<F>) {
    return reinterpret_cast<F>(const_cast<void*>(checked(wire::code_from_wire(decoder.get<std::uint64_t>()))));
  } else if constexpr (std::is_member_function_pointer_v<F>) {
    std::uint64_t words[2]{decoder.get<std::uint64_t>(), decoder.get<std::uint64_t>()};
    if (!(words[0] & 1)) words[0] = reinterpret_cast<std::uint64_t>(checked(wire::code_from_wire(words[0] >> 1)));
    F f;
    std::memcpy(&f, words, sizeof words);
    return f;
  } else {
    return wire::decode<F>(decoder);
  }
}

}  // namespace runtime
}  // namespace ringray
