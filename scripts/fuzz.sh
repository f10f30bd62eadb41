#!/usr/bin/env bash
# Runs every fuzz target for a while, as many at a time as there are processors, and
# the packages with kernels in C once with the address sanitizer. An input that fails
# is kept in the package's testdata/fuzz: mend what it shows and commit it.
#
#   scripts/fuzz.sh [SECONDS]     for each target (default: 10)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export seconds=${1:-10}

# fuzz FILE:TARGET runs one target. go test calls a run that was ended by its time
# in the middle of an input a failure ("context deadline exceeded") without an input
# that failed: it is none.
fuzz() {
    local file=${1%%:*} target=${1##*:} log how
    target=${target#func }
    if log=$(go test -run '^$' -fuzz "^$target\$" -fuzztime "${seconds}s" -fuzzminimizetime 1x -parallel 1 "./$(dirname "$file")" 2>&1); then
        how=$(tail -n 1 <<<"$log")
    elif grep -q 'context deadline exceeded' <<<"$log" && ! grep -qE 'Failing input written|panic|hung or terminated' <<<"$log"; then
        how="ended by its time"
    else
        printf 'fuzz: %s\n%s\n' "$target" "$log" >&2
        return 1
    fi
    echo "fuzz: $target, $seconds s: $how"
}
export -f fuzz

grep -roE --include='*_test.go' '^func Fuzz\w+' . | sed 's|^\./||' | sort |
    xargs -d '\n' -P "$(nproc)" -I{} bash -c 'fuzz "$1"' fuzz {}

echo "fuzz: kernels in C with the address sanitizer"
# Leaks are the tests' own business: they count native objects. The sanitizer allocates.
ASAN_OPTIONS=detect_leaks=0 go test -asan -short -skip 'Alloc|Upkeep' ./redact ./detect/motion ./internal/pixel ./pipeline/mediadev ./pipeline/mediadev/mjpeg
