#!/usr/bin/env bash
# Runs every fuzz target for a while, and the packages with kernels in C once with
# the address sanitizer. An input that fails is kept in the package's
# testdata/fuzz: mend what it shows and commit it.
#
#   scripts/fuzz.sh [SECONDS]     for each target (default: 10)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${1:-10}

while IFS=: read -r file target; do
    echo "fuzz: ${target#func } in $(dirname "$file"), $seconds s"
    go test -run '^$' -fuzz "^${target#func }\$" -fuzztime "${seconds}s" -fuzzminimizetime 5s "./$(dirname "$file")"
done < <(grep -roE --include='*_test.go' '^func Fuzz\w+' . | sed 's|^\./||' | sort)

echo "fuzz: kernels in C with the address sanitizer"
# Leaks are the tests' own business: they count native objects.
ASAN_OPTIONS=detect_leaks=0 go test -asan -short ./redact ./detect/motion ./internal/pixel ./pipeline/mediadev/mjpeg
