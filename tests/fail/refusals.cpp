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
  void hear(double value);
  void hear_topic(const std::string& topic, double value);
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
  publish("topic", 1.0, {.retain = true});
  publish("topic", "text");
  subscribe<&Account::hear>("topic/*", account);
  subscribe<&Account::hear_topic>("topic/#", account);
#ifdef MISUSE
  submit(scale, 1);                   // says: ringray: the number of arguments is not that of the function's parameters
  submit(scale, 1, text);             // says: ringray: an argument cannot be converted to its parameter
  submit(length, text);               // says: ringray: a parameter is a pointer, string_view, span
  submit(sum, values);                // says: ringray: a parameter is a pointer, string_view, span
  submit(raise, std::ref(number));    // says: ringray: a parameter is a pointer, string_view, span
  submit(words);                      // says: ringray: the result is a pointer, string_view, span
  put(Guarded{});                     // says: ringray: a value of this type can be neither copied nor moved
  put(std::string_view(text));        // says: ringray: a pointer, string_view, span .* is put
  account.call<&Account::add>();      // says: ringray: the number of arguments is not that of the function's parameters
  account.send<&Account::add>(text);  // says: ringray: an argument cannot be converted to its parameter
  spawn<Account>({.name = "household"}, text);           // says: ringray: the actor's class has no constructor
  spawn<Account>(100);                                   // says: ringray: spawn takes its options first
  submit([](auto x) { return x + 1; }, number, number);  // says: ringray: the callable does not take these arguments
  account.call<&std::string::size>();                    // says: ringray: the actor of this handle has no such method
  submit(scale, put(text), 1.0);                // says: ringray: an argument cannot be converted to its parameter
  submit(number, scale);                        // says: ringray: what is submitted is no function, lambda or method
  submit(conceal);                              // says: ringray: the result of this type cannot travel to another rank
  submit([values] { return values.size(); });   // says: ringray: this callable cannot travel to another rank
  submit([ref = put(1)] { return get(ref); });  // says: ringray: this callable cannot travel to another rank
  account.send<&Account::history>();            // says: ringray: a method gives one result
  publish("topic", std::string_view(text));     // says: ringray: a pointer, string_view, span .* is published
  publish("topic", Guarded{});                  // says: ringray: a value of this type cannot be published
  subscribe<&Account::history>("t", account);   // says: ringray: a method that subscribes takes a value, or the topic
  subscribe<&std::string::size>("t", account);  // says: ringray: a method that subscribes takes a value, or the topic
#endif
}
