#!/usr/bin/env bash
# Runs every test with the race detector, then the packages that must work
# without a C compiler without one. Call it through `make test`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

echo "test: everything, with the race detector"
go test -race -timeout 9m ./...

pure=()
for package in detect detect/track detect/motion redact pipeline models; do
    compgen -G "$package/*.go" >/dev/null && pure+=("./$package")
done
echo "test: ${pure[*]} without cgo"
CGO_ENABLED=0 go test -timeout 5m "${pure[@]}"
