#!/usr/bin/env bash
# Runs every test with the race detector, then the packages that must work
# without a C compiler without one. Call it through `make test`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

echo "test: everything but the long tests, with the race detector"
go test -race -short -timeout 25m ./...

# What these measure on recordings runs in one goroutine, and minutes longer with
# the race detector.
long=()
for package in deploy bench/doorbell bench/leak bench/soak bench/speed detect/motion detect/onnx/networks detect/track models/cmd/npu; do
    compgen -G "$package/*.go" >/dev/null && long+=("./$package")
done
echo "test: ${long[*]}, the long tests too"
go test -timeout 25m "${long[@]}"

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
