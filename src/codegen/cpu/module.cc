#include "codegen/cpu/module.h"

#include <llvm/ADT/SmallVector.h>
#include <llvm/Analysis/CGSCCPassManager.h>
#include <llvm/Analysis/LoopAnalysisManager.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>

#include <mutex>

#include "codegen/cpu/emit.h"

namespace carnot::cpu {

namespace {

void initialize_llvm() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
  });
}

/// The generators emit vector code in its final shape, so few passes pay: no vectorizer, no
/// unroller, no loop idioms (which would call memset).
void optimize(llvm::Module& module, llvm::TargetMachine& machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graphs;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graphs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graphs, modules);

  llvm::FunctionPassManager passes;
  passes.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
  passes.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/false));
  passes.addPass(llvm::InstCombinePass());
  passes.addPass(llvm::SimplifyCFGPass());
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(llvm::LICMPass(llvm::LICMOptions()),
                                                       /*UseMemorySSA=*/true));
  passes.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/false));
  for (llvm::Function& function : module) {
    if (!function.isDeclaration()) passes.run(function, functions);
  }
}

}  // namespace

Module::Module(std::unique_ptr<Llvm> llvm) : llvm_(std::move(llvm)) {}
Module::Module(Module&&) noexcept = default;
Module& Module::operator=(Module&&) noexcept = default;
Module::~Module() {
  if (llvm_ == nullptr) return;
  llvm_->module.reset();  // before its context
}

const Target& Module::target() const {
  return llvm_->target;
}

Result<Module> Module::create(const Target& target) {
  initialize_llvm();
  auto llvm = std::make_unique<Llvm>();
  llvm->target = target;
  const bool x86 = target.arch == Arch::kX86;
  const std::string triple = x86 ? "x86_64-unknown-linux-gnu" : "aarch64-unknown-linux-gnu";
  std::string message;
  const llvm::Target* back_end = llvm::TargetRegistry::lookupTarget(triple, message);
  if (back_end == nullptr) return error(Code::kUnsupported, "code generator: ", message);
  llvm::TargetOptions options;
  options.TrapUnreachable = false;
  // Tiny on AArch64: addresses are relative to the instruction, so that a blob may lie anywhere.
  llvm->machine.reset(back_end->createTargetMachine(
      triple, x86 ? "x86-64" : "generic", llvm_features(target), options, llvm::Reloc::PIC_,
      x86 ? llvm::CodeModel::Small : llvm::CodeModel::Tiny, llvm::CodeGenOptLevel::Less));
  if (llvm->machine == nullptr) return error(Code::kUnsupported, "code generator: no ", triple);
  llvm->context = std::make_unique<llvm::LLVMContext>();
  llvm->module = std::make_unique<llvm::Module>("carnot", *llvm->context);
  llvm->module->setTargetTriple(triple);
  llvm->module->setDataLayout(llvm->machine->createDataLayout());
  llvm->module->setPICLevel(llvm::PICLevel::SmallPIC);
  return Module(std::move(llvm));
}

Result<ObjectBytes> Module::compile() {
  std::string broken;
  llvm::raw_string_ostream text(broken);
  if (llvm::verifyModule(*llvm_->module, &text)) {
    return error(Code::kInternal, "code generator: LLVM refuses the code: ", text.str());
  }
  optimize(*llvm_->module, *llvm_->machine);
  llvm::SmallVector<char, 0> object;
  llvm::raw_svector_ostream out(object);
  llvm::legacy::PassManager emitter;
  if (llvm_->machine->addPassesToEmitFile(emitter, out, nullptr, llvm::CodeGenFileType::ObjectFile,
                                          /*DisableVerify=*/true)) {
    return error(Code::kInternal, "code generator: no object emitter");
  }
  emitter.run(*llvm_->module);
  return ObjectBytes(object.begin(), object.end());
}

std::string Module::ir_text() const {
  std::string text;
  llvm::raw_string_ostream out(text);
  llvm_->module->print(out, nullptr);
  return out.str();
}

}  // namespace carnot::cpu
