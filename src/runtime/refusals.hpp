#pragma once
// What must not compile, and what the compiler says then: its first error is one of the texts here, and what would
// follow from it is not compiled.

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ringray/runtime/bound_record.hpp"

namespace ringray::runtime {

/// Only refers to memory of its rank. What a struct or a lambda holds cannot be seen.
template <class T>
inline constexpr bool is_view = std::is_pointer_v<T>;
template <class C, class Traits>
inline constexpr bool is_view<std::basic_string_view<C, Traits>> = true;
template <class T, std::size_t N>
inline constexpr bool is_view<std::span<T, N>> = true;
template <class T>
inline constexpr bool is_view<std::reference_wrapper<T>> = true;
template <class T, class A>
inline constexpr bool is_view<std::vector<T, A>> = is_view<T>;
template <class T, std::size_t N>
inline constexpr bool is_view<std::array<T, N>> = is_view<T>;
template <class T>
inline constexpr bool is_view<std::optional<T>> = is_view<T>;
template <class T, class U>
inline constexpr bool is_view<std::pair<T, U>> = is_view<T> || is_view<U>;
template <class... T>
inline constexpr bool is_view<std::tuple<T...>> = (is_view<T> || ...);
template <class K, class T, class C, class A>
inline constexpr bool is_view<std::map<K, T, C, A>> = is_view<K> || is_view<T>;
template <class K, class T, class H, class E, class A>
inline constexpr bool is_view<std::unordered_map<K, T, H, E, A>> = is_view<K> || is_view<T>;

template <class... T>
struct Types {};

template <class Stored>
struct Unwrap {
  using type = Stored;
};
template <class T>
struct Unwrap<Argument<T>> {
  using type = T;
};

/// An argument that is given for a parameter.
template <class Parameter, class Given>
struct ArgumentFor {
  static constexpr bool view = is_view<Parameter>;
  static_assert(!view,
                "ringray: a parameter is a pointer, string_view, span or reference_wrapper, which would point into the "
                "memory of another rank: take the value (std::string, std::vector, Array), or an ObjectRef");
  static constexpr bool for_its_value = is_object_ref<std::remove_cvref_t<Given>> && !is_object_ref<Parameter>;
  using Value = typename Referred<std::remove_cvref_t<Given>>::type;
  static constexpr bool fits =
      view || (for_its_value ? std::is_same_v<Value, Parameter> || std::is_convertible_v<Value, Parameter>
                             : std::is_constructible_v<Kept<Parameter>, Given>);
  static_assert(fits,
                "ringray: an argument cannot be converted to its parameter (ArgumentFor<parameter, argument> says "
                "which): check the order and the types of the arguments");
  static constexpr bool travels = view || !fits || Travels<Parameter>;
  static_assert(
      travels,
      "ringray: an argument of this type cannot travel to another rank (ArgumentFor<parameter, argument> says "
      "which): make it trivially copyable without pointers, or give it a cereal serialize() function "
      "(standard containers: include <cereal/types/vector.hpp> and so on)");
  static constexpr bool value = !view && fits && travels;
};
template <class... P, class... A>
constexpr bool check_arguments(Parameters<P...>, Types<A...>) {
  static_assert(sizeof...(P) == sizeof...(A),
                "ringray: the number of arguments is not that of the function's parameters (an ObjectRef counts as its "
                "value; default arguments do not count): give one for each");
  if constexpr (sizeof...(P) == sizeof...(A))
    return std::conjunction_v<ArgumentFor<std::remove_cvref_t<P>, A>...>;
  else
    return false;
}

template <class T>
struct ResultOf {
  static_assert(!is_view<T>,
                "ringray: the result is a pointer, string_view, span or reference_wrapper, which would point into the "
                "memory of another rank: return the value (std::string, std::vector, Array), or an ObjectRef");
  static constexpr bool movable = is_view<T> || std::is_void_v<T> || std::is_move_constructible_v<T>;
  static_assert(movable,
                "ringray: the result can be neither copied nor moved (does it have a mutex or an atomic?): return "
                "what can, or keep it in an actor");
  static constexpr bool travels = is_view<T> || !movable || std::is_void_v<T> || Travels<T>;
  static_assert(travels,
                "ringray: the result of this type cannot travel to another rank: make it trivially copyable without "
                "pointers, or give it a cereal serialize() function (standard containers: include "
                "<cereal/types/vector.hpp> and so on)");
  static constexpr bool value = !is_view<T> && movable && travels;
};
template <class T>
struct ResultOf<Task<T>> : ResultOf<T> {};
template <class T>
struct ResultOf<Generator<T>> : ResultOf<T> {};
template <class... T>
struct ResultOf<Returns<T...>> : std::conjunction<ResultOf<T>...> {};

template <class F, class... A>
constexpr bool check_task() {
  constexpr bool callable =
      std::is_function_v<std::remove_pointer_t<F>> || std::is_member_pointer_v<F> || std::is_class_v<F>;
  constexpr bool travels = !callable || CallableTravels<F>;
  static_assert(callable,
                "ringray: what is submitted is no function, lambda or method: submit(function, arguments...) or "
                "submit(TaskOptions{...}, function, arguments...)");
  static_assert(travels,
                "ringray: this callable cannot travel to another rank: its captures must be trivially copyable, or it "
                "must be a struct with a cereal serialize() function; pass ObjectRefs and handles as arguments");
  if constexpr (!callable || !travels) {
    return false;
  } else if constexpr (HasSignature<F>) {
    if constexpr (check_arguments(typename Signature<F>::parameters{}, Types<A...>{}))
      return ResultOf<std::remove_cvref_t<typename Signature<F>::result>>::value;
    else
      return false;
  } else if constexpr (std::conjunction_v<ArgumentFor<typename Unwrap<typename StoredForAny<A>::type>::type, A>...>) {
    constexpr bool takes = std::is_invocable_v<F&, PassedAs<typename StoredForAny<A>::type>...>;
    static_assert(takes,
                  "ringray: the callable does not take these arguments (they are passed as const references): check "
                  "their number, order and types");
    if constexpr (takes)
      return ResultOf<
          std::remove_cvref_t<std::invoke_result_t<F&, PassedAs<typename StoredForAny<A>::type>...>>>::value;
    else
      return false;
  } else {
    return false;
  }
}

template <class C, auto Method, class... A>
constexpr bool check_call() {
  using Its = Signature<decltype(Method)>;
  constexpr bool has = std::is_base_of_v<typename Its::owner, C>;
  static_assert(
      has, "ringray: the actor of this handle has no such method: call<&Class::method>() names one of its own class");
  if constexpr (!has)
    return false;
  else if constexpr (check_arguments(typename Its::method_parameters{}, Types<A...>{}))
    return ResultOf<std::remove_cvref_t<typename Its::result>>::value;
  else
    return false;
}

template <class Actor, class... A>
constexpr bool check_spawn() {
  if constexpr (std::conjunction_v<ArgumentFor<typename Unwrap<typename StoredForAny<A>::type>::type, A>...>) {
    constexpr bool takes =
        std::is_constructible_v<Actor, const typename Unwrap<typename StoredForAny<A>::type>::type&...>;
    static_assert(takes,
                  "ringray: the actor's class has no constructor for these arguments (they are passed as const "
                  "references, an ObjectRef as its value): spawn<A>(options, constructor arguments...)");
    return takes;
  } else {
    return false;
  }
}

template <class T, class Given>
constexpr bool check_put() {
  constexpr bool kept = std::is_constructible_v<T, Given>;
  static_assert(!is_view<T>,
                "ringray: a pointer, string_view, span or reference_wrapper is put, which would point into the memory "
                "of another rank: put the value (std::string, std::vector, Array)");
  static_assert(is_view<T> || kept,
                "ringray: a value of this type can be neither copied nor moved (does it have a mutex or an atomic?): "
                "put what can, or keep it in an actor");
  constexpr bool travels = is_view<T> || !kept || Travels<T>;
  static_assert(travels,
                "ringray: a value of this type cannot travel to another rank: make it trivially copyable without "
                "pointers, or give it a cereal serialize() function (standard containers: include "
                "<cereal/types/vector.hpp> and so on)");
  return !is_view<T> && kept && travels;
}

/// The reference that a refused task would have given, so that what is done with it compiles.
template <class F>
struct Refused {
  using type = ObjectRef<void>;
};
template <class F>
requires HasSignature<F>
struct Refused<F> {
  using type = ObjectRef<typename Outcome<std::remove_cvref_t<typename Signature<F>::result>>::first>;
};

}  // namespace ringray::runtime
