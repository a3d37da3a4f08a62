#pragma once
// Records of one callable with its stored arguments: tasks, method calls, constructions.

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "ringray/base/symbols.hpp"
#include "ringray/runtime/actor.hpp"
#include "ringray/runtime/function.hpp"
#include "ringray/runtime/record.hpp"
#include "ringray/runtime/stream.hpp"

namespace ringray::runtime {

/// What a return type R means: type of the first result, of the others, and how the callable ends.
template <class R>
struct Outcome {
  using first = R;
  static constexpr unsigned count = 1;
  static constexpr bool coroutine = false, generator = false;
};
template <class T>
struct Outcome<Task<T>> : Outcome<T> {
  static constexpr bool coroutine = true;
};
template <class T>
struct Outcome<Generator<T>> : Outcome<void> {
  static constexpr bool generator = true;
  using item = T;
};
template <class A, class... Rest>
struct Outcome<Returns<A, Rest...>> {
  using first = A;
  static constexpr unsigned count = 1 + sizeof...(Rest);
  static constexpr bool coroutine = false, generator = false;
  static ObjectState* make(unsigned index) {
    static constexpr ObjectState* (*makers[])(){+[]() -> ObjectState* { return new EventState<Rest>; }...};
    return makers[index - 1]();
  }
};

/// Derived supplies: work_type(), `result`, call(instance), encode_code, decode(Decoder), name().
template <class Derived, class R, class Tuple>
class BoundRecord : public WithRoom<typename Outcome<R>::first, Record> {
 public:
  using Base = WithRoom<typename Outcome<R>::first, Record>;
  using Kind = Outcome<R>;

  template <class... A>
  explicit BoundRecord(A&&... arguments)
      : Base(Derived::work_type(), value_type_of<typename Kind::first>(), type),
        body_{Tuple(std::forward<A>(arguments)...)} {
    if constexpr (Kind::count > 1) {
      auto& more = this->make_more();
      for (unsigned i = 1; i < Kind::count; ++i) more.more_results.push_back(Kind::make(i));
    }
  }

  static void invoke(Record& record, void* instance) {
    auto& self = static_cast<Derived&>(record);
    if constexpr (Kind::generator) {
      produce<typename Kind::item>(record, self.call(instance));
    } else if constexpr (Kind::coroutine) {
      auto handle = self.call(instance).release();
      auto& promise = handle.promise();
      promise.record = &record;
      if constexpr (std::is_void_v<typename Kind::first>)
        promise.store = [](Record& r) { static_cast<Derived&>(r).construct(); };
      else
        promise.store = [](Record& r, typename Kind::first&& value) {
          static_cast<Derived&>(r).construct(std::move(value));
        };
      handle.resume();
    } else if constexpr (std::is_void_v<R>) {
      self.call(instance);
      self.construct();
    } else if constexpr (Kind::count > 1) {
      auto values = self.call(instance);
      store_rest(record, values, std::make_index_sequence<Kind::count - 1>{});
      self.construct(std::get<0>(std::move(values)));
    } else {
      self.construct(self.call(instance));
    }
  }
  static void clear(Record& record) noexcept {
    auto& self = static_cast<Derived&>(record);
    if (std::exchange(self.cleared_, true)) return;
    self.clear_code();
    std::destroy_at(&self.body_.arguments);
  }
  static void encode(const Record& record, wire::Encoder& encoder) {
    const auto& self = static_cast<const Derived&>(record);
    self.encode_code(encoder);
    encode_arguments(&self.body_.arguments, encoder);
  }
  /// `tuple`: a Tuple.
  static void encode_arguments(const void* tuple, wire::Encoder& encoder) {
    std::apply([&](const auto&... argument) { (wire::encode(encoder, argument), ...); },
               *static_cast<const Tuple*>(tuple));
  }
  static void arguments(Record& record, ArgumentList& out) {
    auto& self = static_cast<Derived&>(record);
    std::apply(
        [&](auto&... argument) {
          [[maybe_unused]] const auto add = [&](auto& one) {
            if constexpr (is_argument<std::remove_reference_t<decltype(one)>>)
              if (one.ref) out.push_back(Access::state(one.ref));
          };
          (add(argument), ...);
        },
        self.body_.arguments);
  }
  static constexpr bool has_references() {
    return []<class... S>(std::type_identity<std::tuple<S...>>) {
      return (is_argument<S> || ...);
    }(std::type_identity<Tuple>{});
  }
  static Tuple decode_arguments(wire::Decoder& decoder) {
    return []<class... S>(std::type_identity<std::tuple<S...>>, wire::Decoder& d) {
      return Tuple{wire::decode<S>(d)...};
    }(std::type_identity<Tuple>{}, decoder);
  }

  /// Neither users' destructors nor a name in the job: it may go at once, wherever the last reference is let go.
  bool is_bare() const noexcept {
    using First = typename Kind::first;
    return (std::is_void_v<First> || std::is_trivially_destructible_v<First>)&&cleared_ && !this->more &&
           !this->extra();
  }

  static const RecordType type;
  static constexpr bool harmless_code = true;

 protected:
  ~BoundRecord() {
    clear(*this);
    this->clear_value();
  }
  void clear_code() noexcept {}
  void encode_code(wire::Encoder&) const {}
  union Body {
    explicit Body(Tuple&& tuple) : arguments(std::move(tuple)) {}
    ~Body() {}
    Tuple arguments;
  } body_;
  bool cleared_ = false;

 private:
  template <class Values, std::size_t... I>
  static void store_rest(Record& record, Values& values, std::index_sequence<I...>) {
    (static_cast<EventState<std::remove_cvref_t<decltype(std::get<I + 1>(values))>>&>(*record.more->more_results[I])
         .construct(std::get<I + 1>(std::move(values))),
     ...);
  }
};

// Constant-initialized, so that its bytes are in the file and its magic can be checked.
template <class Derived, class R, class Tuple>
constinit const RecordType BoundRecord<Derived, R, Tuple>::type = [] {
  RecordType t;
  t.name = [](const Record* record) { return Derived::code_name(static_cast<const Derived*>(record)); };
  t.encode = &BoundRecord::encode;
  t.decode = [](wire::Decoder& decoder) -> Record* { return Derived::decode(decoder); };
  t.invoke = &BoundRecord::invoke;
  if constexpr (requires { &Derived::apply; } && !Kind::coroutine) t.apply = &Derived::apply;
  t.clear = &BoundRecord::clear;
  t.arguments = has_references() ? &BoundRecord::arguments : nullptr;
  t.results = Kind::count;
  if constexpr (requires { Derived::actor_type(); }) t.actor = &Derived::actor_type;
  t.coroutine = Kind::coroutine;
  t.generator = Kind::generator;
  t.harmless = wire::harmless<Tuple> && Derived::harmless_code;
  return t;
}();

/// Work types of tasks and calls; defined by the runtime.
void run_task(execution::Work& work);
bool help_call(execution::Work& work);

template <class F, class Tuple>
class TaskRecord final : public BoundRecord<TaskRecord<F, Tuple>, std::remove_cvref_t<AppliedResult<F, Tuple>>, Tuple> {
 public:
  using Base = BoundRecord<TaskRecord<F, Tuple>, std::remove_cvref_t<AppliedResult<F, Tuple>>, Tuple>;
  static constexpr bool harmless_code = std::is_pointer_v<F> || std::is_member_pointer_v<F> || wire::harmless<F>;

  template <class G, class... A>
  TaskRecord(std::in_place_t, G&& f, A&&... arguments)
      : Base(std::forward<A>(arguments)...), code_(std::forward<G>(f)) {}
  ~TaskRecord() = default;

  static const execution::Work::Type& work_type() noexcept {
    static constexpr execution::Work::Type type{
        .run = &run_task, .destroy = [](execution::Work& work) noexcept {
          auto& record = static_cast<TaskRecord&>(work);
          if (record.is_bare()) return delete &record;
          retire(record, [](ObjectState& state) noexcept { delete static_cast<TaskRecord*>(&state); });
        }};
    return type;
  }
  decltype(auto) call(void*) { return apply_stored(code_.f, this->body_.arguments); }
  void encode_code(wire::Encoder& encoder) const { encode_callable(encoder, code_.f); }
  void clear_code() noexcept { std::destroy_at(&code_.f); }
  static std::string code_name(const TaskRecord* self) {
    if constexpr (std::is_pointer_v<F>)
      if (auto name = base::function_name(reinterpret_cast<const void*>(self->code_.f)); !name.empty()) return name;
    return type_name(typeid(F).name());
  }
  static Record* decode(wire::Decoder& decoder) {
    F f = decode_callable<F>(decoder);
    return new TaskRecord(std::in_place, std::move(f), Base::decode_arguments(decoder));
  }

 private:
  union Code {
    template <class G>
    explicit Code(G&& g) : f(std::forward<G>(g)) {}
    ~Code() {}
    F f;
  } code_;
};

template <auto Method, class Tuple>
using MethodResult = std::remove_cvref_t<typename Signature<decltype(Method)>::result>;

/// "Counter::add", as the compiler spells it.
template <auto Method>
std::string method_name() {
  const std::string_view text = __PRETTY_FUNCTION__;
  const auto begin = text.find('&') + 1;
  std::string name(text.substr(begin, text.find_first_of(";]", begin) - begin));
  constexpr std::string_view nobody = "{anonymous}::";
  for (auto at = name.find(nobody); at != name.npos; at = name.find(nobody)) name.erase(at, nobody.size());
  return name;
}

/// One call of a method of actor type C.
template <auto Method, class C, class Tuple>
class CallRecord final : public BoundRecord<CallRecord<Method, C, Tuple>, MethodResult<Method, Tuple>, Tuple> {
 public:
  using Base = BoundRecord<CallRecord<Method, C, Tuple>, MethodResult<Method, Tuple>, Tuple>;

  template <class... A>
  explicit CallRecord(std::in_place_t, A&&... arguments) : Base(std::forward<A>(arguments)...) {}
  ~CallRecord() = default;

  static const execution::Work::Type& work_type() noexcept {
    static constexpr execution::Work::Type type{
        .help = &help_call, .destroy = [](execution::Work& work) noexcept {
          auto& record = static_cast<CallRecord&>(work);
          if (record.is_bare()) return delete &record;
          retire(record, [](ObjectState& state) noexcept { delete static_cast<CallRecord*>(&state); });
        }};
    return type;
  }
  decltype(auto) call(void* instance) { return call_with(*static_cast<C*>(instance), this->body_.arguments); }
  static void apply(wire::Decoder& decoder, void* instance, Running& now) {
    auto arguments = [&] {
      try {
        return Base::decode_arguments(decoder);
      } catch (...) {
        throw_undecodable();
      }
    }();
    const InUsersCode inside(now);
    static_cast<void>(call_with(*static_cast<C*>(instance), arguments));
  }
  static std::string code_name(const CallRecord*) { return method_name<Method>(); }
  static Record* decode(wire::Decoder& decoder) {
    return new CallRecord(std::in_place, Base::decode_arguments(decoder));
  }

 private:
  static decltype(auto) call_with(C& instance, Tuple& arguments) {
    return call_as(instance, arguments, typename Signature<decltype(Method)>::method_parameters{},
                   std::make_index_sequence<std::tuple_size_v<Tuple>>{});
  }
  template <class... P, std::size_t... I>
  static decltype(auto) call_as(C& instance, Tuple& arguments, Parameters<P...>, std::index_sequence<I...>) {
    return (instance.*Method)(pass<P>(std::get<I>(arguments))...);
  }
};

/// Makes the instance of an actor; `store_instance` is the runtime's.
void store_instance(Record& record, void* instance) noexcept;

template <class A, class Tuple>
class ConstructRecord final : public BoundRecord<ConstructRecord<A, Tuple>, void, Tuple> {
 public:
  using Base = BoundRecord<ConstructRecord<A, Tuple>, void, Tuple>;

  template <class... Arguments>
  explicit ConstructRecord(std::in_place_t, Arguments&&... arguments) : Base(std::forward<Arguments>(arguments)...) {}
  ~ConstructRecord() = default;

  static const execution::Work::Type& work_type() noexcept {
    static constexpr execution::Work::Type type{
        .help = &help_call, .destroy = [](execution::Work& work) noexcept {
          retire(static_cast<ConstructRecord&>(work),
                 [](ObjectState& state) noexcept { delete static_cast<ConstructRecord*>(&state); });
        }};
    return type;
  }
  void call(void*) {
    // The arguments are kept (a restart constructs again), so the constructor gets copies where it takes values.
    store_instance(*this,
                   std::apply([](auto&... argument) { return new A(lend(argument)...); }, this->body_.arguments));
  }
  static const ActorType& actor_type() { return actor_type_of<A>(); }
  static std::string code_name(const ConstructRecord*) { return type_name(typeid(A).name()); }
  static Record* decode(wire::Decoder& decoder) {
    return new ConstructRecord(std::in_place, Base::decode_arguments(decoder));
  }

 private:
  template <class Stored>
  static decltype(auto) lend(Stored& stored) {
    if constexpr (is_argument<Stored>)
      return pass<const typename decltype(stored.value)::value_type&>(stored);
    else
      return static_cast<const Stored&>(stored);
  }
};

}  // namespace ringray::runtime
