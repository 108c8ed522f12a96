// Symbolic sizes: equal expressions are equal, whatever way they were made.
#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "base/text.h"
#include "tensor/dim_range.h"
#include "tensor/type_text.h"

namespace carnot {
namespace {

Dim parse(std::string_view text) {
  Scanner scanner(text);
  Result<Dim> out = parse_dim(scanner);
  EXPECT_TRUE(out.ok() && scanner.at_end()) << text << ": " << to_string(out.status());
  return out.ok() ? *out : Dim();
}

std::string normal(std::string_view text) {
  return to_string(parse(text));
}

TEST(Dim, HasOneNormalForm) {
  EXPECT_EQ(normal("?h*2 + 1 + ?h"), "?h*3 + 1");
  EXPECT_EQ(normal("?b*?a - ?a*?b"), "0");
  EXPECT_EQ(normal("(?a + 1)*(?a - 1)"), "?a*?a - 1");
  EXPECT_EQ(normal("(?h - 1)//2 + 1"), "(?h + 1)//2");
  EXPECT_EQ(normal("(?h*4 + 6)//2"), "?h*2 + 3");
  EXPECT_EQ(normal("(?h*6 + 5)//4"), "?h + ?h//2 + 1");
  EXPECT_EQ(normal("(?h*2 + 1)//4"), "?h//2");
  EXPECT_EQ(normal("((?h + 1)//2 + 1)//2"), "(?h + 3)//4");
  EXPECT_EQ(normal("?h//2//3"), "?h//6");
  EXPECT_EQ(normal("-7//2"), "-4");
  EXPECT_EQ(normal("7//-2"), "-4");
  EXPECT_EQ(normal("?h//-2"), normal("(0 - ?h)//2"));
}

TEST(Dim, Remainders) {
  EXPECT_EQ(normal("(?h*8 + ?w)%4"), "?w%4");
  EXPECT_EQ(normal("(?h*2 + 3)%4"), "(?h + 1)%2*2 + 1");
  EXPECT_EQ(normal("?h%8%4"), "?h%4");
  EXPECT_EQ(normal("?h%4%8"), "?h%4");
  EXPECT_EQ(normal("?h%4//4"), "0");
  EXPECT_EQ(normal("?h%8//4"), "(?h//4)%2");
  EXPECT_EQ(normal("?h//8*8 + ?h%8"), "?h");
  EXPECT_EQ(normal("?h//?k*?k + ?h%?k"), "?h");
  EXPECT_EQ(normal("?h//4//8*8 + ?h//4%8"), "?h//4");
  EXPECT_EQ(normal("-7%4"), "1");
}

TEST(Dim, DividesBySymbolsAndSums) {
  EXPECT_EQ(normal("?n*?c*?h//?c"), "?h*?n");
  EXPECT_EQ(normal("(?n*?c + ?r)//?c"), "?n + ?r//?c");
  EXPECT_EQ(normal("(?n + 1)*?c//(?n + 1)"), "?c");
  EXPECT_EQ(normal("(?n*?n - 1)//(?n + 1)"), "?n - 1");
}

TEST(Dim, Extremes) {
  EXPECT_EQ(normal("max(?a, ?a - 3)"), "?a");
  EXPECT_EQ(normal("min(min(?a, 8), 4)"), normal("min(?a, 4)"));
  EXPECT_EQ(normal("min(?a, min(?b, ?a))"), "min(?a, ?b)");
  EXPECT_EQ(normal("min(?a%4, 3)"), "?a%4");
  EXPECT_EQ(normal("min(?a, 8)"), normal("min(8, ?a)"));
}

TEST(Dim, OverflowIsSticky) {
  const Dim large = INT64_MAX;
  EXPECT_TRUE((large + 1).overflowed());
  EXPECT_TRUE((Dim::symbol("n") * large * 2).overflowed());
  EXPECT_TRUE((large + 1 - 1).overflowed());
  EXPECT_TRUE(floor_div(large * 2, 4).overflowed());
  EXPECT_FALSE(evaluate(large + 1, {}).ok());
  EXPECT_FALSE(evaluate(Dim::symbol("n") * 2, {{"n", INT64_MAX}}).ok());
  // Text and numbers at the border survive.
  for (const int64_t value : {INT64_MIN, INT64_MIN + 1, INT64_MAX}) {
    EXPECT_EQ(parse(to_string(Dim(value))), Dim(value));
    EXPECT_EQ(parse(to_string(Dim::symbol("n") + value)), Dim::symbol("n") + value);
  }
}

TEST(Dim, HostileExpressionsStaySmall) {
  Dim grown = Dim::symbol("n");
  for (int i = 0; i < 1000 && !grown.overflowed(); ++i) {
    grown = floor_div(grown * grown + Dim(i), grown + Dim(7)) + mod(grown, 5);
  }
  EXPECT_TRUE(grown.overflowed());
  Dim sum = 1;
  for (int i = 0; i < 40 && !sum.overflowed(); ++i) {
    sum = sum * (Dim::symbol("a" + std::to_string(i)) + 1);
  }
  EXPECT_TRUE(sum.overflowed());
  const std::string deep = std::string(5000, '(') + "1" + std::string(5000, ')');
  Scanner scanner(deep);
  EXPECT_FALSE(parse_dim(scanner).ok());
}

TEST(Dim, ErrorsOfEvaluateSayWhat) {
  EXPECT_EQ(evaluate(parse("?n + 1"), {}).status().message(), "no value is given for the size ?n");
  EXPECT_EQ(evaluate(parse("?n//?k"), {{"n", 1}, {"k", 0}}).status().message(),
            "division by zero: ?k is 0");
  EXPECT_FALSE(evaluate(parse("?n%0"), {{"n", 1}}).ok());
}

TEST(Dim, ParseErrors) {
  for (const char* text : {"", "?", "?\"#0\"", "?\"\"", "n", "(?n", "min(?n)", "?n +", "?n//",
                           "#-1", "99999999999999999999"}) {
    Scanner scanner(text);
    EXPECT_FALSE(parse_dim(scanner).ok()) << text;
  }
  EXPECT_EQ(to_string(*parse_type("f32[?n, 3, (?h - 1)//2 + 1]")), "f32[?n, 3, (?h + 1)//2]");
  EXPECT_EQ(to_string(*parse_type("f32[]")), "f32[]");
  EXPECT_FALSE(parse_type("f33[]").ok());
  EXPECT_EQ(normal("?\"past length\" + 1"), "?\"past length\" + 1");
}

TEST(Dim, CoefficientAndSubstitute) {
  Dim rest;
  EXPECT_EQ(parse("?h*3 + ?h//2 + 1").coefficient("h", &rest), 3);
  EXPECT_EQ(to_string(rest), "?h//2 + 1");
  EXPECT_TRUE(rest.uses("h"));
  EXPECT_EQ(to_string(substitute(parse("?h*3 + ?h//2"), {{"h", parse("?k*2")}})), "?k*7");
  std::vector<std::string> names;
  parse("?b//?a + ?c").collect_symbols(names);
  EXPECT_EQ(names, (std::vector<std::string>{"c", "b", "a"}));
}

// An expression as it was written, beside its normal form.
struct Tree {
  char op = 'k';  // k: constant, s: symbol
  int64_t value = 0;
  std::shared_ptr<Tree> a, b;

  std::optional<int64_t> evaluate(const std::vector<int64_t>& symbols) const {
    if (op == 'k') return value;
    if (op == 's') return symbols[static_cast<size_t>(value)];
    const auto x = a->evaluate(symbols), y = b->evaluate(symbols);
    if (!x || !y) return std::nullopt;
    switch (op) {
      case '+':
        return *x + *y;
      case '-':
        return *x - *y;
      case '*':
        return *x * *y;
      case 'm':
        return std::min(*x, *y);
      case 'M':
        return std::max(*x, *y);
      default:
        break;
    }
    if (*y == 0) return std::nullopt;
    int64_t quotient = *x / *y;
    if (*x % *y != 0 && (*x < 0) != (*y < 0)) --quotient;
    return op == '/' ? quotient : *x - quotient * *y;
  }

  Dim dim(const char* names) const {
    if (op == 'k') return value;
    if (op == 's') return Dim::symbol(std::string(1, names[value]));
    const Dim x = a->dim(names), y = b->dim(names);
    switch (op) {
      case '+':
        return x + y;
      case '-':
        return x - y;
      case '*':
        return x * y;
      case 'm':
        return min(x, y);
      case 'M':
        return max(x, y);
      case '/':
        return floor_div(x, y);
      default:
        return mod(x, y);
    }
  }
};

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  int64_t in(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(engine_() % static_cast<uint64_t>(high - low + 1));
  }
  std::shared_ptr<Tree> tree(int depth) {
    auto out = std::make_shared<Tree>();
    const int64_t pick = in(0, 9);
    if (depth == 0 || pick == 0) {
      out->op = in(0, 2) ? 's' : 'k';
      out->value = out->op == 's' ? in(0, 2) : in(-5, 9);
      return out;
    }
    out->op = "++-*//%%mM"[in(0, 9)];
    out->a = tree(depth - 1);
    out->b = tree(depth - 1);
    if ((out->op == '/' || out->op == '%' || out->op == '*') && in(0, 3)) {
      out->b = std::make_shared<Tree>();
      out->b->value = in(-3, 8);
    }
    return out;
  }

 private:
  std::mt19937_64 engine_;
};

TEST(Dim, RandomExpressionsKeepTheirValue) {
  Random random(1);
  int compared = 0;
  for (int i = 0; i < 5000; ++i) {
    const auto tree = random.tree(static_cast<int>(random.in(1, 5)));
    const Dim dim = tree->dim("abc");
    if (dim.overflowed()) continue;
    const std::string text = to_string(dim);
    ASSERT_EQ(parse(text), dim) << text;
    for (int k = 0; k < 4; ++k) {
      const std::vector<int64_t> values = {random.in(-9, 20), random.in(-9, 20), random.in(1, 9)};
      const auto want = tree->evaluate(values);
      const auto got = evaluate(dim, {{"a", values[0]}, {"b", values[1]}, {"c", values[2]}});
      if (!want || !got.ok()) continue;  // a division by zero that cancelled, or did not
      ASSERT_EQ(*got, *want) << text << " at " << values[0] << " " << values[1] << " " << values[2];
      ++compared;
    }
  }
  EXPECT_GT(compared, 10000);
}

std::string in_ranges(std::string_view text, const Ranges& ranges) {
  return to_string(simplify(parse(text), ranges));
}

TEST(DimRange, UndoesReshapes) {
  Ranges r;
  r.set("#0", 0, 8).set("#1", 0, 64).set("#2", 0, Dim::symbol("n"));
  EXPECT_EQ(in_ranges("(#0*64 + #1)//64", r), "#0");
  EXPECT_EQ(in_ranges("(#0*64 + #1)%64", r), "#1");
  EXPECT_EQ(in_ranges("(#1*8 + #0)//32", r), "#1//4");
  EXPECT_EQ(in_ranges("(#1*8 + #0)%32", r), "#0 + #1%4*8");
  EXPECT_EQ(in_ranges("(#0*?n + #2)//?n", r), "#0");
  EXPECT_EQ(in_ranges("(#0*?n + #2)%?n", r), "#2");
  EXPECT_EQ(in_ranges("(#0*?n*64 + #2*64 + #1)//(?n*64)", r), "#0");
  EXPECT_EQ(in_ranges("(#0*?n*64 + #2*64 + #1)//64%?n", r), "#2");
  EXPECT_EQ(in_ranges("(#1*?n + #2)//(?n*4)", r), "#1//4");
  EXPECT_EQ(in_ranges("(#0*64 + #1 - 1)//64", Ranges().set("#1", 1, 64)), "#0");
  EXPECT_EQ(in_ranges("min(#0, 7)", r), "#0");
  EXPECT_EQ(in_ranges("max(#2 - ?n, 0)", r), "0");
  EXPECT_EQ(in_ranges("#3*5", Ranges().set("#3", 0, 1)), "0");
  // Too little is known: nothing changes.
  EXPECT_EQ(in_ranges("(#0*64 + #9)//64", r), "#0 + #9//64");
}

TEST(DimRange, Bounds) {
  Ranges r;
  r.set("#0", 0, Dim::symbol("n")).set("#1", 0, 3);
  r.others_min = 1;
  EXPECT_EQ(to_string(*upper_bound(parse("#0*2 - #1 + 5"), r)), "?n*2 + 3");
  EXPECT_EQ(to_string(*lower_bound(parse("#0*2 - #1 + 5"), r)), "3");
  EXPECT_TRUE(provably_at_least(parse("?n*?m"), 1, r));
  EXPECT_TRUE(provably_at_least(parse("?n"), parse("#0 + 1"), r));
  EXPECT_FALSE(provably_at_least(parse("?n"), parse("#0 + 2"), r));
  EXPECT_TRUE(provably_at_least(parse("(?n - 1)//2"), 0, r));
  EXPECT_FALSE(provably_at_least(parse("?n - 2"), 0, r));
}

TEST(DimRange, RandomExpressionsKeepTheirValue) {
  Random random(2);
  for (int i = 0; i < 5000; ++i) {
    const auto tree = random.tree(static_cast<int>(random.in(2, 5)));
    const Dim dim = tree->dim("abc");
    if (dim.overflowed()) continue;
    // c is a size; a and b have ranges, b's depends on c.
    Ranges ranges;
    const int64_t low = random.in(-3, 3), high = low + random.in(1, 9);
    ranges.set("a", low, high).set("b", 0, Dim::symbol("c"));
    ranges.others_min = random.in(0, 2);
    const Dim simple = simplify(dim, ranges);
    const auto below = lower_bound(dim, ranges), above = upper_bound(dim, ranges);
    for (int k = 0; k < 4; ++k) {
      const int64_t c = random.in(std::max<int64_t>(1, ranges.others_min), 9);
      const Symbols at = {{"a", random.in(low, high - 1)}, {"b", random.in(0, c - 1)}, {"c", c}};
      const auto want = evaluate(dim, at), got = evaluate(simple, at);
      if (!want.ok() || !got.ok()) continue;
      ASSERT_EQ(*got, *want) << to_string(dim) << " became " << to_string(simple)
                             << " a=" << at.at("a") << " b=" << at.at("b") << " c=" << c
                             << " low=" << low;
      if (below) {
        EXPECT_LE(*evaluate(*below, at), *want) << to_string(dim);
      }
      if (above) {
        EXPECT_GE(*evaluate(*above, at), *want) << to_string(dim);
      }
    }
  }
}

}  // namespace
}  // namespace carnot
