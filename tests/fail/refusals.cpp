// must say 1: ringray: the number of arguments is not that of the function's parameters
// must say 2: ringray: an argument cannot be converted to its parameter
// must say 3: ringray: a parameter is a pointer, string_view, span or reference_wrapper
// must say 4: ringray: a parameter is a pointer, string_view, span or reference_wrapper
// must say 5: ringray: a parameter is a pointer, string_view, span or reference_wrapper
// must say 6: ringray: the result is a pointer, string_view, span or reference_wrapper
// must say 7: ringray: a value of this type can be neither copied nor moved
// must say 8: ringray: a pointer, string_view, span or reference_wrapper is put
// must say 9: ringray: the number of arguments is not that of the function's parameters
// must say 10: ringray: an argument cannot be converted to its parameter
// must say 11: ringray: the actor's class has no constructor for these arguments
// must say 12: ringray: spawn takes its options first
// must say 13: ringray: the callable does not take these arguments
// must say 14: ringray: the actor of this handle has no such method
// must say 15: ringray: an argument cannot be converted to its parameter
// must say 16: ringray: what is submitted is no function, lambda or method
// must say 17: ringray: the result of this type cannot travel to another rank
// must say 18: ringray: this callable cannot travel to another rank
// must say 19: ringray: a method gives one result
// What cannot run on another rank, or not with these arguments.

#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#include <memory>
#include <mutex>
#include <ringray/ringray.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using namespace ringray;

double scale(int by, double value);
std::size_t length(std::string_view text);
long sum(std::span<const int> values);
void raise(std::reference_wrapper<int> value);
std::vector<std::string_view> words();
struct Guarded {
  std::mutex mutex;
  int value = 0;
};
struct Opaque {
  std::unique_ptr<int> secret;
};
Opaque conceal();
struct Account {
  explicit Account(int start);
  int add(int k);
  void rename(const std::string& name);
  Generator<int> history();
};

void use(std::string text, std::vector<int> values, ActorHandle<Account> account, int number) {
  submit(scale, 1, 2);
  submit([](const std::string& s) { return s.size(); }, std::string_view(text));
  submit([](auto x) { return x.size(); }, "text");
  account.call<&Account::rename>("text");
  account.send<&Account::add>(put(1));
  spawn<Account>({}, put(3));
  spawn<std::string>(ActorOptions{.name = "text"}, "text");
  put(values);
#if MISUSE == 1
  submit(scale, 1);
#elif MISUSE == 2
  submit(scale, 1, text);
#elif MISUSE == 3
  submit(length, text);
#elif MISUSE == 4
  submit(sum, values);
#elif MISUSE == 5
  submit(raise, std::ref(number));
#elif MISUSE == 6
  submit(words);
#elif MISUSE == 7
  put(Guarded{});
#elif MISUSE == 8
  put(std::string_view(text));
#elif MISUSE == 9
  account.call<&Account::add>();
#elif MISUSE == 10
  account.send<&Account::add>(text);
#elif MISUSE == 11
  spawn<Account>({.name = "household"}, text);
#elif MISUSE == 12
  spawn<Account>(100);
#elif MISUSE == 13
  submit([](auto x) { return x + 1; }, number, number);
#elif MISUSE == 14
  account.call<&std::string::size>();
#elif MISUSE == 15
  submit(scale, put(text), 1.0);
#elif MISUSE == 16
  submit(number, scale);
#elif MISUSE == 17
  submit(conceal);
#elif MISUSE == 18
  submit([values] { return values.size(); });
#elif MISUSE == 19
  account.send<&Account::history>();
#endif
}
