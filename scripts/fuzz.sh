#!/usr/bin/env bash
# Runs every fuzz target for a while, and the packages with kernels in C once with
# the address sanitizer. An input that fails is kept in the package's
# testdata/fuzz: mend what it shows and commit it.
#
#   scripts/fuzz.sh [SECONDS]     for each target (default: 10)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${1:-10}

# fuzz TARGET FOLDER runs one target. go test calls a run that was ended by its time
# in the middle of an input a failure ("context deadline exceeded") without an input
# that failed: it is none.
fuzz() {
    echo "fuzz: $1 in $2, $seconds s"
    local log
    if log=$(go test -run '^$' -fuzz "^$1\$" -fuzztime "${seconds}s" -fuzzminimizetime 1x "./$2" 2>&1); then
        tail -n 1 <<<"$log"
    elif grep -q 'context deadline exceeded' <<<"$log" && ! grep -qE 'Failing input written|panic|hung or terminated' <<<"$log"; then
        echo "fuzz: $1 was ended by its time"
    else
        printf '%s\n' "$log" >&2
        return 1
    fi
}

while IFS=: read -r file target; do
    fuzz "${target#func }" "$(dirname "$file")"
done < <(grep -roE --include='*_test.go' '^func Fuzz\w+' . | sed 's|^\./||' | sort)

echo "fuzz: kernels in C with the address sanitizer"
# Leaks are the tests' own business: they count native objects. The sanitizer allocates.
ASAN_OPTIONS=detect_leaks=0 go test -asan -short -skip 'Alloc|Upkeep' ./redact ./detect/motion ./internal/pixel ./pipeline/mediadev/mjpeg
