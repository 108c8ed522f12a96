#!/usr/bin/env bash
# Runs everything that needs a GPU, and prints a summary. Without a GPU: "skipped: no CUDA device".
#
# usage: tests/cuda/run.sh BUNDLE [MODEL.onnx...]
# BUNDLE is where tools/device_bundle.sh's archive was unpacked. Each model is built for the GPU and
# for the CPU, run on the same inputs, and the results are compared. OUT (default: a new folder)
# gets the logs. With DATA (the ONNX backend suite) its cases run on the GPU, and what the CPU's engine
# passes must pass there. With BINDINGS, a folder of NVIDIA's tensorrt_bindings, onnx and onnxruntime,
# and the TensorRT layer's libraries in the bundle, its tests run with the GPU's memory (torch is used).
set -uo pipefail
bundle=$(realpath "${1:?usage: tests/cuda/run.sh BUNDLE [MODEL.onnx...]}")
shift
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
out=${OUT:-$(mktemp -d)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LD_LIBRARY_PATH="$bundle/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
carnot=$bundle/bin/carnot
passed=0 failed=()

report() {  # report NAME STATUS TEXT
  printf '%-6s %-28s %s\n' "$2" "$1" "$3"
  if [[ $2 == FAIL ]]; then failed+=("$1"); else passed=$((passed + 1)); fi
}

"$carnot" devices | tee "$out/devices.txt"
if ! grep -q '^cuda:0' "$out/devices.txt"; then
  echo "skipped: no CUDA device"
  exit 0
fi

for test in "$bundle"/bin/*_tests; do
  name=$(basename "$test")
  if timeout 150 "$test" >"$out/$name.log" 2>&1; then
    report "$name" ok "$(grep -E 'PASSED|SKIPPED' "$out/$name.log" | tr '\n' ' ')"
  else
    report "$name" FAIL "$(grep -E 'FAILED|rror' "$out/$name.log" | head -5 | tr '\n' ' ')"
  fi
done

# What is not on the machine: an error in a sentence, or work without it.
without() {  # without LIBRARY:LIBRARY COMMAND...
  HIDE_LIBRARIES=$1 LD_PRELOAD="$bundle/lib/libhide_libraries.so" "${@:2}" 2>&1
}
expect() {  # expect NAME STATUS WORDS COMMAND...
  local said status
  said=$("${@:4}")
  status=$?
  if ((status == $2)) && grep -q "$3" <<<"$said"; then
    report "$1" ok "$(tail -1 <<<"$said")"
  else
    report "$1" FAIL "status $status: $(tail -3 <<<"$said" | tr '\n' ' ')"
  fi
}
if [[ -n ${1:-} ]]; then
  with=$work/with.engine
  make=("$carnot" build "$1" --device cuda -o)
  expect "without NVRTC: build" 2 'NVRTC) was not found' without libnvrtc "${make[@]}" "$with"
  expect "without a driver: build" 2 'no CUDA driver' without libcuda.so "${make[@]}" "$with"
  expect "with all: build" 0 'built in' "${make[@]}" "$with" --fp16
  expect "without NVRTC: run" 0 '' without libnvrtc "$carnot" run "$with"
  expect "without a driver: run" 2 'no CUDA driver' without libcuda.so "$carnot" run "$with"
  if "$carnot" inspect "$with" | grep -qE '^ +[0-9].* cuda\.(cublaslt|cudnn)'; then
    expect "without libraries: its engine" 2 'cuBLASLt\|cuDNN' \
      without libcublasLt:libcudnn "$carnot" run "$with"
  fi
  expect "without libraries: build" 0 'built in' \
    without libcublasLt:libcudnn "${make[@]}" "$work/own.engine" --fp16
  expect "without libraries: run" 0 '' \
    without libcublasLt:libcudnn "$carnot" run "$work/own.engine"
fi

# Every kernel of the operations' engines, and of some each candidate, looked over: launched one by
# one, as the tools lose launches of CUDA graphs that several threads start. racecheck breaks the
# libraries' own kernels (an illegal address, in theirs alone): it sees engines without them. All at
# once: most of the time is NVRTC's.
sanitize() {  # sanitize NAME TOOL ARGUMENT...
  local hidden='' log=$out/$1.log threads
  [[ $2 == racecheck ]] && hidden=libcublasLt:libcudnn
  for threads in 0 1; do  # several that start kernels at once make the tool lose some of them
    without "$hidden" timeout 240 compute-sanitizer --tool "$2" --error-exitcode 9 \
      --kernel-name kns=carnot_ "$bundle/bin/cuda_ops_tests" --device cuda/plain \
      --gtest_filter=Ops.AreRightInEachType --threads $threads "${@:3}" >"$log"
    echo $? >"$work/$1.status"
    grep -q 'Internal Sanitizer Error' "$log" || return
  done
}
sanitized() {  # sanitized NAME
  local log=$out/$1.log
  if (($(<"$work/$1.status") == 0)); then
    report "$1" ok "$(grep -E 'engines|SUMMARY' "$log" | tr '\n' ' ')"
  elif grep -q 'Internal Sanitizer Error' "$log" &&
    ! grep -qE '========= (Error|Warning|Invalid|Race)|FAILED' "$log"; then
    report "$1" skip "the tool lost a launch, and found nothing: $(grep 'engines' "$log")"
  else
    report "$1" FAIL "status $(<"$work/$1.status"): $(grep -E 'SUMMARY|========= [A-Z]' "$log" |
      tail -3 | tr '\n' ' ')"
  fi
}
if command -v compute-sanitizer >/dev/null; then
  sanitize memcheck memcheck --effort 1 --every 4 &
  sanitize racecheck racecheck --effort 1 --every 8 &
  sanitize "racecheck of candidates" racecheck --effort 5 --every 40 &
  sanitize synccheck synccheck --effort 0 --every 4 &
  wait
  for name in memcheck racecheck "racecheck of candidates" synccheck; do sanitized "$name"; done
fi

# The ids of the cases that complain.
conformance() {
  timeout 300 "$bundle/bin/conformance" --data "$DATA" --skip tests/onnx/skip.txt --device "$1" \
    --suite node --suite simple --suite pytorch-converted --suite pytorch-operator \
    --jobs "$(nproc)" >"$out/conformance-$1.log" 2>&1
  grep -E '^(node|simple|pytorch)[^ ]*: ' "$out/conformance-$1.log" | cut -d: -f1 | sort
}
if [[ -n ${DATA:-} ]]; then
  new=$(comm -13 <(conformance cpu) <(conformance cuda))
  count=$(grep -c . <<<"$new")
  totals=$(grep -E '^(node|simple|pytorch)[^ ]* +[0-9]' "$out/conformance-cuda.log" | tr -s ' ' |
    tr '\n' ';')
  report conformance "$( ((count)) && echo FAIL || echo ok)" "$count not as on the CPU; $totals"
fi

# The TensorRT layer by NVIDIA's own bindings: a process a module, as most of the time is NVRTC's.
layer() {  # layer NAME COMMAND...
  PYTHONPATH=$BINDINGS timeout 250 "${@:2}" >"$out/layer-$1.log" 2>&1
  echo $? >"$work/layer-$1.status"
}
if [[ -n ${BINDINGS:-} && -e $bundle/lib/libnvinfer.so.10 ]]; then
  here=tests/tensorrt names=()
  for module in "$here"/bindings/test_*.py; do
    name=$(basename "$module" .py)
    names+=("$name")
    layer "$name" python3 "$here/bindings_test.py" --installed --libraries "$bundle/lib" \
      -k "bindings.$name.*" &
    while (($(jobs -rp | wc -l) >= $(nproc))); do wait -n; done
  done
  wait
  for name in gpu_test gpu_streams_test; do  # one after the other: they look at times and at memory
    names+=("$name")
    layer "$name" python3 "$here/$name.py"
  done
  for name in "${names[@]}"; do
    status=$(<"$work/layer-$name.status")
    report "layer: $name" "$( ((status)) && echo FAIL || echo ok)" \
      "$(grep -E '^Ran|failed|^FAILED' "$out/layer-$name.log" | tr '\n' ' ')"
  done
fi

# An engine for a GPU where none can be seen says so.
if [[ -n ${1:-} ]]; then
  "$carnot" build "$1" --device cuda:sm_90a --effort 0 -o "$work/any.engine" >/dev/null 2>&1
  said=$(CUDA_VISIBLE_DEVICES='' "$carnot" run "$work/any.engine" 2>&1)
  grep -q 'does not run here.*no CUDA device' <<<"$said"
  status=$?
  report "no visible GPU" "$( ((status)) && echo FAIL || echo ok)" "$said"
fi

# The largest difference beside the largest value, of each output.
compare='
import pathlib, sys
import numpy as np
gpu, cpu, limit = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), float(sys.argv[3])
worst, names = 0.0, sorted(p.name for p in cpu.glob("*.npy"))
for name in names:
    a, b = (np.load(f / name).astype(np.float64) for f in (gpu, cpu))
    scale = np.abs(b).max(initial=0) or 1
    worst = max(worst, float(np.abs(a - b).max(initial=0) / scale))
print(f"{len(names)} outputs, largest difference {worst:.2e}")
sys.exit(not names or not worst <= limit)
'
for model in "$@"; do
  name=$(basename "$model" .onnx)
  log=$out/$name.log
  {
    "$carnot" build "$model" --device cuda ${EFFORT:+--effort "$EFFORT"} -o "$work/gpu.engine" &&
      "$carnot" build "$model" --effort 1 -o "$work/cpu.engine" &&
      "$carnot" run "$work/gpu.engine" --save "$work/$name.gpu" &&
      "$carnot" run "$work/cpu.engine" --save "$work/$name.cpu" &&
      "$carnot" bench "$work/gpu.engine" --seconds 1 &&
      "$carnot" inspect "$work/gpu.engine"
  } >"$log" 2>&1
  status=$?
  if ((status)); then
    report "$name" FAIL "$(grep -E 'rror' "$log" | head -3 | tr '\n' ' ')"
    continue
  fi
  difference=$(python3 -c "$compare" "$work/$name.gpu" "$work/$name.cpu" 1e-4 2>&1)
  status=$?
  built=$(grep -o 'built in .*' "$log" | head -1)
  latency=$(grep -o '^device ms: median [0-9.]*' "$log" || grep -o 'median [0-9.]*' "$log" | head -1)
  report "$name" "$( ((status)) && echo FAIL || echo ok)" "$difference, $latency, $built"
done

echo "$passed passed, ${#failed[@]} failed${failed[*]:+: ${failed[*]}}"
exit $((${#failed[@]} > 0))
