#!/usr/bin/env bash
# Measures on this machine the parts that bench/boards predicts, prints them beside the
# prediction and says which prediction failed. Call it through `make board`. BOARD names the
# board where it is not recognised. The times stay in out/board.txt.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# board prints the name in the table of bench/boards.
board() {
    local model
    model=$(tr -d '\0' 2>/dev/null </proc/device-tree/model || true) # "Raspberry Pi 4 Model B Rev 1.4"
    case "$model $(tr '\0' ' ' 2>/dev/null </proc/device-tree/compatible || true) $(grep -m1 'model name' /proc/cpuinfo || true)" in
    *"Raspberry Pi 4"* | *"Raspberry Pi Compute Module 4"*) echo "Raspberry Pi 4" ;;
    *"Raspberry Pi 5"* | *"Raspberry Pi Compute Module 5"*) echo "Raspberry Pi 5" ;;
    *rk3588*) echo RK3588 ;;
    *N100*) echo N100 ;;
    *) echo "${model:-this machine}" ;;
    esac
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p out
scripts/arm64/pictures.sh "$work"
gcc -O2 -o "$work/encode" scripts/arm64/encode.c -lx264
go build -o "$work" ./internal/lookcost ./internal/kernelsum
{
    "$work/lookcost" -runs 20 hedge-p@384x256 hedge-n@640x384 yunet_s@640x384
    "$work/encode" superfast zerolatency 1920x1080 60 "$work/1080.yuv"
    "$work/encode" superfast zerolatency 1280x720 60 "$work/720.yuv"
    "$work/encode" medium - 1920x1080 30 "$work/1080.yuv"
    "$work/kernelsum" -time -frames 60
} >"$work/board.txt"
mv "$work/board.txt" out/board.txt
python3 bench/boards/predict.py -measured out/board.txt -board "${BOARD:-$(board)}"
