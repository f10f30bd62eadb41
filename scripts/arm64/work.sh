#!/usr/bin/env bash
# Counts the instructions of an inference and of an encoded picture, on arm64 and on amd64
# with AVX2, and writes bench/boards/counted.json. It takes an hour and is no part of
# `make arm64`: run it when a network, ONNX Runtime's generation or the preset changes.
#
#   scripts/arm64/work.sh FOLDER
#
# FOLDER holds networks whose times others have published, and a clip of their own detail:
#   nanodet_m_416.onnx  github.com/Kazuhito00/NanoDet-ONNX-Sample, 610a874, model/nanodet_m_416.onnx
#   FastestDet.onnx     github.com/dog-qiuqiu/FastestDet, 50473cd, example/onnx-runtime/FastestDet.onnx
#   ego.yuv             any dozen pictures of 1920x1080, 4:2:0, by a camera that moves
#
# A count is that of inferences after the first, or that of 18 pictures without that of 6,
# so that neither loading nor the first is in it. qemu emulates AVX2's floats slowly: there
# networks take a quarter of the pixels, times four, where the network takes other sizes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
folder=${1:?work: needs the folder with the published networks}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
die() {
    printf '%s\n' "work: $*" >&2
    exit 1
}
sha256sum --quiet -c - <<<"08b62b9ee4a7878e7a64d6ef4faf3074322c033a0252c83a20f41b86c76e8146  $folder/nanodet_m_416.onnx
31cb14c017fce347cb4c846ec62fdf00d76bb3beecdf4be21e7116ac67feb880  $folder/FastestDet.onnx" || die "other networks than those whose times are published"
. scripts/arm64/cross.sh
install_tools
sysroot=$(scripts/arm64/sysroot.sh)
export GOFLAGS=${GOFLAGS:--tags=gocv_specific_modules} GOMAXPROCS=1
runtime=$(go list -m -f '{{.Dir}}' github.com/yalue/onnxruntime_go)/test_data/onnxruntime_arm64.so

gcc -O2 -shared -fPIC -o "$work/count.so" scripts/arm64/count.c
gcc -O2 -o "$work/encode-amd64" scripts/arm64/encode.c -lx264
aarch64-linux-gnu-gcc --sysroot="$sysroot" -O2 -L"$sysroot/usr/lib/aarch64-linux-gnu" -Wl,--allow-shlib-undefined \
    -o "$work/encode-arm64" scripts/arm64/encode.c -lx264
go build -o "$work/look-amd64" ./internal/lookcost
cross go build -o "$work/look-arm64" ./internal/lookcost
scripts/arm64/pictures.sh "$work"
cp "$folder/ego.yuv" "$work/ego.yuv"

# emulate ARCH PROGRAM... runs a program under the counting plugin and prints all it executed by section.
emulate() {
    local arch=$1 program=$2
    shift 2
    case $arch in
    arm64) HEDGE_ORT_LIB=$runtime QEMU_CPU=cortex-a72 qemu-aarch64 -L "$sysroot" -plugin "$work/count.so,out=$work/insn" "$work/$program-arm64" "$@" >"$work/said" ;;
    amd64) qemu-x86_64 -cpu max -plugin "$work/count.so,out=$work/insn" "$work/$program-amd64" "$@" >"$work/said" ;;
    esac
    awk '$1 == "insn" { s[$2] += $3 } END { for (i in s) printf "%d %.0f\n", i, s[i] }' "$work/insn" | sort -n
}

# Name and network. The first two are Hedge's; those that follow were timed by others on boards, or on the
# machine of bench/boards/here.txt.
ours="hedge-n@640x384 hedge-n@640x384
hedge-p@384x256 hedge-p@384x256
FastestDet@352x352 $folder/FastestDet.onnx"
declare -A networks=(
    [arm64]="$ours
nanodet_m@416x416 $folder/nanodet_m_416.onnx
yolox_nano@416x416 yolox_nano@416x416"
    [amd64]="$ours
yunet_s@640x384 yunet_s@640x384"
)
for arch in arm64 amd64; do
    while read -r name network; do
        echo "work: $arch, $name" >&2
        quarter=1
        if [[ $arch == amd64 && $network == *@* ]]; then
            size=${network#*@}
            network=${network%@*}@$((${size%x*} / 2))x$((${size#*x} / 2))
            quarter=4
        fi
        echo "$name $arch $(emulate "$arch" look -cost -runs 1 "$network" | awk -v quarter=$quarter '$1 == 1 { printf "%.0f", $2 * quarter }')"
    done <<<"${networks[$arch]}"
    while read -r name preset tune size clip; do
        echo "work: $arch, $name" >&2
        fewer=$(emulate "$arch" encode "$preset" "$tune" "$size" 6 "$work/$clip.yuv" | awk '{ s += $2 } END { printf "%.0f", s }')
        more=$(emulate "$arch" encode "$preset" "$tune" "$size" 18 "$work/$clip.yuv" | awk '{ s += $2 } END { printf "%.0f", s }')
        echo "$name $arch $(((more - fewer) / 12))"
    done <<END
superfast-1920x1080 superfast zerolatency 1920x1080 1080
superfast-1280x720 superfast zerolatency 1280x720 720
medium-1920x1080 medium - 1920x1080 1080
medium-1920x1080-moving medium - 1920x1080 ego
END
done >"$work/counts"
python3 bench/boards/predict.py -counted "$work/counts"
