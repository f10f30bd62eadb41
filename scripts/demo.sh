#!/usr/bin/env bash
# Redacts vtest.avi twice into out/: the place without the people, and with everything
# outside of the property frosted. Call it through `make demo`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

clip=$(scripts/clip.sh)
mkdir -p out

# redact NAME POLICY NETWORKS writes out/NAME.mp4, .json and .png.
redact() {
    echo "demo: $2 (networks: $3) -> out/$1.mp4, out/$1.json, out/$1.png"
    go run ./examples/redact-file -in "$clip" -out "out/$1.mp4" -policy "examples/redact-file/$2" \
        -networks "$3" -force -report "out/$1.json" -sheet "out/$1.png"
}

if go run ./models/cmd/models runtime -offline >/dev/null; then
    redact demo demo-place.json hedge-n
else
    echo "demo: ONNX Runtime is missing (see above), so out/demo.mp4, which needs a network, is not made."
    rm -f out/demo.mp4 out/demo.json out/demo.png
fi
redact demo-frost demo-frost.json none
