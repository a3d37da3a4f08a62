#pragma once
// What is wrong with the user's input: one line, "what (why it matters); what to do". The program then ends with
// status 2.

#include <stdexcept>

namespace ultrasound {

class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace ultrasound
