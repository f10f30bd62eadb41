#!/usr/bin/env bash
# Builds and tests Hedge for ARM64 on an amd64 Debian machine. Call it through
# `make arm64`; the first run installs a cross compiler and qemu.
#
#   scripts/arm64.sh [all]     build everything, test, compare checksums, count
#   scripts/arm64.sh quick     the same without the packages that need OpenCV and
#                              without the longer tests: for CI
#   scripts/arm64.sh publish   count and write bench/boards/instructions.json
#
# Tests run with -test.short and a -test.run that leaves out whatever holds times
# or ratios of times against a limit, and no benchmark runs: qemu takes 10 to 300
# times as long as a processor, and not evenly (vector code suffers most), so
# that a time measured under it says nothing. Cost is counted in instructions
# instead. qemu's processor is the Cortex-A72 of a Raspberry Pi 4.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mode=${1:-all}
case $mode in
all | quick | publish) ;;
*)
    echo "arm64: no mode $mode (all, quick, publish)" >&2
    exit 1
    ;;
esac
if [[ $(uname -m) == aarch64 ]]; then
    echo "arm64: this machine is an ARM64 one: run make test and make bench instead" >&2
    exit 1
fi
export GOFLAGS=${GOFLAGS:--tags=gocv_specific_modules}
work=$(mktemp -d)
# shellcheck disable=SC2046 # a list of processes
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT

begun=$SECONDS
# step TEXT says what comes next, and how long the step before it took.
step() {
    if ((SECONDS > begun)); then echo "arm64: ($((SECONDS - begun)) s)"; fi
    begun=$SECONDS
    echo "arm64: $*"
}
die() {
    printf '%s\n' "arm64: $*" >&2
    exit 1
}

. scripts/arm64/cross.sh

# emulate runs an arm64 program.
emulate() { QEMU_CPU=cortex-a72 qemu-aarch64 -L "$sysroot" "$@"; }

# test_package PACKAGE [PATTERN [SKIP]] runs the tests of a package that match.
test_package() {
    local binary=$work/${1//\//_}.test log=$work/${1//\//_}.log
    [[ -x $binary ]] || cross go test -c -o "$binary" "./$1"
    local start=$SECONDS
    (cd "$1" && env -u HEDGE_MODELS -u HEDGE_DATA HEDGE_ORT_LIB="$runtime" GOMAXPROCS=2 \
        QEMU_CPU=cortex-a72 qemu-aarch64 -L "$sysroot" "$binary" -test.short -test.timeout 9m \
        -test.run "${2:-.}" -test.skip "${3:-^\$}") >"$log" 2>&1 || {
        cat "$log" >&2
        die "the tests of $1 failed on arm64"
    }
    echo "  $1: $(tail -n 1 "$log") ($((SECONDS - start)) s)"
}

# count TARGET COMMAND... runs a program under qemu's plugin.
count() {
    local target=$1
    shift
    "$@" -cost -frames 16 >"$work/$target.count"
    cat "$work/$target.insn" >>"$work/$target.count"
}

step "tools"
install_tools
sysroot=$(scripts/arm64/sysroot.sh)
runtime=$(go list -m -f '{{.Dir}}' github.com/yalue/onnxruntime_go)/test_data/onnxruntime_arm64.so
[[ -s $runtime ]] || die "no ONNX Runtime for arm64 in the module onnxruntime_go: go mod download github.com/yalue/onnxruntime_go"

if [[ $mode == all ]]; then
    step "cross-building every package and every test"
    cross go build ./...
    while read -r package; do
        cross go test -c -o "$work/${package//\//_}.test" "./$package"
    done < <(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.Dir}}{{end}}' ./... | sed "/^\$/d; s|^$PWD/||")
fi

if [[ $mode != publish ]]; then
    # The kernels against their Go twins, the tiny network, the policy.
    step "tests under qemu"
    # redact takes longest, beside all others.
    test_package redact '' 'ConsumersTakeFrames' & # reads source code, runs none
    redact=$!
    test_package internal/pixel
    test_package detect '' 'Linear'
    test_package detect/track
    # Not what generates seconds of video: minutes each under qemu.
    video='Scenes|CameraMoved|Newcomer|Tree'
    [[ $mode == all ]] || video+='|Mosaic'
    test_package detect/motion '' "$video"
    test_package detect/onnx '' 'LoadRefuses|LoadLeavesNoTrace' # one uses this machine's compiler, one runs itself
    if [[ $mode == all ]]; then
        test_package pipeline/mediadev 'To420|Limit|Kernels|CheckPicture'
    fi
    wait "$redact"
fi

step "checksums of the kernels: amd64, amd64 without cgo, arm64"
go build -o "$work/kernelsum" ./internal/kernelsum
CGO_ENABLED=0 go build -o "$work/kernelsum-pure" ./internal/kernelsum
cross go build -o "$work/kernelsum-arm64" ./internal/kernelsum
"$work/kernelsum" >"$work/sums"
for other in "$work/kernelsum-pure" "emulate $work/kernelsum-arm64"; do
    # shellcheck disable=SC2086 # two words
    $other | diff "$work/sums" - || die "the kernels do not give the same on every architecture (< amd64, > other)"
done
sed 's/^/  /' "$work/sums"

step "instructions"
gcc -O2 -Wall -Wextra -shared -fPIC -o "$work/count.so" scripts/arm64/count.c
count arm64 emulate -plugin "$work/count.so,out=$work/arm64.insn" "$work/kernelsum-arm64"
count amd64 qemu-x86_64 -cpu qemu64 -plugin "$work/count.so,out=$work/amd64.insn" "$work/kernelsum"
count amd64_avx2 qemu-x86_64 -cpu max -plugin "$work/count.so,out=$work/amd64_avx2.insn" "$work/kernelsum"
built="$(go env GOVERSION | cut -d. -f1,2), gcc $(gcc -dumpversion), aarch64 gcc $(aarch64-linux-gnu-gcc -dumpversion)"
publish=()
[[ $mode != publish ]] || publish=(-publish)
python3 bench/boards/boards.py "${publish[@]}" -built "$built" arm64="$work/arm64.count" \
    amd64="$work/amd64.count" amd64_avx2="$work/amd64_avx2.count"
step "done"
