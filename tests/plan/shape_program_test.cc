// Shape programs give what evaluate() gives, in phases.
#include "plan/shape_program.h"

#include <gtest/gtest.h>

#include <random>

#include "tensor/type_text.h"

namespace carnot {
namespace {

Dim dim(std::string_view text) {
  Scanner scanner(text);
  const auto parsed = parse_dim(scanner);
  EXPECT_TRUE(parsed.ok()) << text;
  return *parsed;
}

TEST(ShapeProgram, AgreesWithEvaluate) {
  const char* texts[] = {"64",
                         "?n",
                         "?n*?c + 3",
                         "(?h + 1)//2",
                         "?h%4",
                         "min(?n, 8)*?c",
                         "max(?h - ?c, 0)//3",
                         "?n - ?h*?h",
                         "((?h + 2)//3 + ?c)%5",
                         "0 - ?n"};
  ShapeProgram program;
  std::vector<int> ids;
  for (const char* text : texts) ids.push_back(program.add(dim(text)));
  program.divide(std::vector<int>(program.symbols().size(), 0), 1);
  std::mt19937 random(7);
  for (int round = 0; round < 100; ++round) {
    Symbols symbols;
    std::vector<int64_t> slots;
    for (const std::string& name : program.symbols()) {
      symbols[name] = static_cast<int64_t>(random() % 100);
      slots.push_back(symbols[name]);
    }
    std::vector<int64_t> values(program.size());
    ASSERT_TRUE(program.evaluate(0, slots, values).ok());
    for (size_t i = 0; i < ids.size(); ++i) {
      EXPECT_EQ(values[static_cast<size_t>(ids[i])], *evaluate(dim(texts[i]), symbols)) << texts[i];
    }
  }
}

TEST(ShapeProgram, EqualExpressionsAreOne) {
  ShapeProgram program;
  const int a = program.add(dim("?n*?c + 1"));
  const size_t size = program.size();
  EXPECT_EQ(program.add(dim("1 + ?c*?n")), a);
  EXPECT_EQ(program.size(), size);
}

TEST(ShapeProgram, PhasesFollowTheSymbols) {
  ShapeProgram program;
  const int early = program.add(dim("?n + 1")), late = program.add(dim("(?n + 1)*?k"));
  std::vector<int> phases(program.symbols().size(), 0);
  phases[static_cast<size_t>(program.find_symbol("k"))] = 1;
  program.divide(phases, 2);
  EXPECT_EQ(program.phase(early), 0);
  EXPECT_EQ(program.phase(late), 1);
}

TEST(ShapeProgram, OverflowAndZeroDivisorsAreErrors) {
  ShapeProgram program;
  program.add(dim("?n*?n"));
  program.add(dim("8//?c"));
  program.divide(std::vector<int>(2, 0), 1);
  std::vector<int64_t> values(program.size()), symbols(2);
  const auto status = [&](int64_t n, int64_t c) {
    symbols[static_cast<size_t>(program.find_symbol("n"))] = n;
    symbols[static_cast<size_t>(program.find_symbol("c"))] = c;
    return program.evaluate(0, symbols, values);
  };
  EXPECT_TRUE(status(3, 3).ok());
  EXPECT_NE(status(int64_t{1} << 40, 3).message().find("?n*?n is beyond 64 bits"),
            std::string::npos);
  EXPECT_NE(status(3, 0).message().find("8//?c divides by zero"), std::string::npos);
}

}  // namespace
}  // namespace carnot
