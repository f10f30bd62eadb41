#!/usr/bin/env bash
# Makes the README's pictures, docs/demo.jpg and docs/place.webp, of the demo's clip and of what
# `make demo` made of it: three moments, and seven seconds (the clip was taken at 7 pictures a second).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

clip=$(scripts/clip.sh)
[[ -f out/demo.mp4 ]] || { echo "out/demo.mp4 is missing: make demo" >&2; exit 1; }

# both PICTURES SIZE JOINED FURTHER... shows these pictures of the clip and of the demo together.
both() {
    local pick="select='$1',scale=$2,${3%%,*}"
    ffmpeg -v error -y -i "$clip" -i out/demo.mp4 -filter_complex "[0:v]$pick[was];[1:v]$pick[is];[was][is]${3#*,}" "${@:4}"
}
both 'eq(n,330)+eq(n,594)+eq(n,660)' 512:384 'tile=3x1,vstack' -frames:v 1 -q:v 3 docs/demo.jpg
both 'between(n,540,588)' 448:336 'null,hstack,setpts=N/7/TB' -r 7 -c:v libwebp_anim -q:v 60 -loop 0 docs/place.webp
