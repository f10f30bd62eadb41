#!/usr/bin/env bash
# Runs every test, with the race detector where it can find something, and the packages that
# must work without a C compiler without one, too. Call it through `make test`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The race detector has nothing to find in these, which run in one goroutine, and makes
# minutes of their seconds.
alone=(deploy detect/motion detect/onnx/networks detect/track internal/kernelsum models/cmd/npu)
module=$(go list -m)
# What takes longest begins first, so that no processor has nothing to do at the end.
longest=(pipeline pipeline/ffmpeg redact examples/doorbell examples/redact-file)
racing=$({ printf "$module/%s\n" "${longest[@]}" && go list ./...; } |
    grep -vxF -f <(printf "$module/%s\n" "${alone[@]}") | awk '!seen[$0]++')

echo "test: all but ${alone[*]}, and but the long tests, with the race detector"
# Watched in each of its loops, detect/motion took seven tenths of pipeline's time.
# shellcheck disable=SC2086 # a list of packages
go test -race -short -gcflags="$module/detect/motion=-race=false" -timeout 25m $racing

# What these measure on recordings, or look at in each pixel, takes minutes longer with it.
long=("${alone[@]}" bench/doorbell bench/leak bench/soak bench/speed pipeline redact)
echo "test: ${long[*]} without it, the long tests too"
go test -timeout 25m "${long[@]/#/./}"

echo "test: the encoder without libx264"
go test -tags gocv_specific_modules,nox264 ./examples/internal/encoder ./examples/internal/stream

echo "test: the session of Rockchip's NPU, against a library that gives recorded tensors"
go test -tags gocv_specific_modules,rknn ./detect/rknn

pure=()
for package in detect detect/network detect/track redact pipeline models; do
    compgen -G "$package/*.go" >/dev/null && pure+=("./$package")
done
echo "test: ${pure[*]} ./detect/motion without cgo"
CGO_ENABLED=0 go test -timeout 15m "${pure[@]}"
# Its long tests measure what its kernels decide, and the twins in Go decide the same.
CGO_ENABLED=0 go test -short -timeout 15m ./detect/motion
