// Operators that are not supported, and why.
#include "onnx/import_table.h"

namespace carnot::onnx {
namespace {

constexpr const char* kSequence =
    "sequences of tensors are not supported; export the model with a fixed list of tensors";
constexpr const char* kOptional =
    "optional values are not supported; export the model for the case you need";
constexpr const char* kStrings = "strings are not supported; do this before the model";
constexpr const char* kRandom =
    "it is random, so no result could be checked; feed the numbers as an input";
constexpr const char* kTraining = "it is for training; export the model for inference";

constexpr RefusedRow kRows[] = {
    {"Adagrad", kTraining},
    {"Adam", kTraining},
    {"Bernoulli", kRandom},
    {"ConcatFromSequence", kSequence},
    {"Gradient", kTraining},
    {"ImageDecoder", "images are not decoded inside a model; decode them before it"},
    {"Momentum", kTraining},
    {"Multinomial", kRandom},
    {"Optional", kOptional},
    {"OptionalGetElement", kOptional},
    {"OptionalHasElement", kOptional},
    {"RandomNormal", kRandom},
    {"RandomNormalLike", kRandom},
    {"RandomUniform", kRandom},
    {"RandomUniformLike", kRandom},
    {"RegexFullMatch", kStrings},
    {"SequenceAt", kSequence},
    {"SequenceConstruct", kSequence},
    {"SequenceEmpty", kSequence},
    {"SequenceErase", kSequence},
    {"SequenceInsert", kSequence},
    {"SequenceLength", kSequence},
    {"SequenceMap", kSequence},
    {"SplitToSequence", kSequence},
    {"StringConcat", kStrings},
    {"StringNormalizer", kStrings},
    {"StringSplit", kStrings},
    {"TfIdfVectorizer", kStrings},
};

}  // namespace

std::span<const RefusedRow> refused_rows() {
  return kRows;
}

}  // namespace carnot::onnx
