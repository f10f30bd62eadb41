#!/usr/bin/env bash
# Writes the pictures that scripts/arm64/encode.c encodes into a folder: a dozen of the
# demo's clip, scaled to 1080p (1080.yuv) and to 720p (720.yuv).
set -euo pipefail
clip=$("$(dirname "${BASH_SOURCE[0]}")/../clip.sh")
for size in 1920:1080 1280:720; do
    ffmpeg -nostdin -y -v error -i "$clip" -ss 5 -frames:v 12 -vf "scale=$size:flags=bicubic,format=yuv420p" -f rawvideo "$1/${size#*:}.yuv"
done
