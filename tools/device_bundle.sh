#!/usr/bin/env bash
# Packs what a machine with a GPU needs to test Carnot there: the command with LLVM inside, the test
# programs, stripped and compressed. The machine needs a C library at least as new as this one's,
# NVIDIA's driver, and NVRTC to build engines. Unpack, then: tests/cuda/run.sh FOLDER
#
# usage: tools/device_bundle.sh OUT.tar.xz [TARGET...]
# Further targets are programs or libraries: nvinfer nvinfer_plugin nvonnxparser nvinfer_lean trtexec
# tensorrt_plugin_library for the tests of the TensorRT layer.
set -euo pipefail
out=$(realpath "${1:?usage: tools/device_bundle.sh OUT.tar.xz [TARGET...]}")
shift
cd "$(dirname "${BASH_SOURCE[0]}")/.."
targets=(carnot conformance cuda_tests cuda_engine_tests cuda_library_tests cuda_ops_tests "$@")
bytes_max=$((40 << 20))

# The tests read their data below the folder that they are started in.
[[ -e build/bundle/build.ninja ]] ||
  cmake -S . -B build/bundle -G Ninja -DCMAKE_BUILD_TYPE=Release -DCARNOT_LLVM_STATIC=ON \
    -DCARNOT_TEST_DATA=. -DCMAKE_EXE_LINKER_FLAGS="-static-libstdc++ -static-libgcc" >/dev/null
cmake --build build/bundle --parallel "$(nproc)" --target "${targets[@]}" hide_libraries

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage/bin" "$stage/lib"
strip -o "$stage/lib/libhide_libraries.so" build/bundle/lib/libhide_libraries.so
for target in "${targets[@]}"; do
  built=build/bundle/bin/$target
  if [[ -x $built ]]; then
    strip -o "$stage/bin/$target" "$built"
  else
    built=build/bundle/lib/lib$target.so
    if [[ -e $built.10 ]]; then built+=.10; fi
    strip -o "$stage/lib/${built##*/}" "$built"
  fi
  # Libraries that a bare machine may lack travel along.
  ldd "$built" | awk '$3 ~ /^\// { print $1, $3 }' |
    while read -r name path; do
      case $name in
        libc.so* | libm.so* | libpthread* | libdl* | librt* | ld-linux*) ;;
        libcarnot* | libnvinfer*) strip -o "$stage/lib/$name" "$(realpath "$path")" ;;
        *) cp -L "$path" "$stage/lib/$name" ;;
      esac
    done
done
# The programs hold the same LLVM: a dictionary that spans them stores it once.
tar -C "$stage" -c . | xz --lzma2=preset=6,dict=256MiB >"$out"
bytes=$(stat -c %s "$out")
printf '%s: %d bytes\n' "$out" "$bytes"
((bytes <= bytes_max)) || { printf 'larger than %d bytes\n' "$bytes_max" >&2; exit 1; }
