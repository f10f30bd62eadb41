#!/usr/bin/env bash
# gofmt, go vet, golangci-lint and go mod tidy, in that order. Call it through
# `make lint`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=v2.15.0
bin=${XDG_CACHE_HOME:-$HOME/.cache}/hedge/golangci-lint-$version

# Built once into the cache: the first build takes minutes, a kept binary none.
install_linter() {
    [[ -x $bin/golangci-lint ]] && return
    echo "lint: building golangci-lint $version (once, a few minutes)"
    GOFLAGS='' GOBIN=$bin go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$version"
}

echo "lint: gofmt"
unformatted=$(gofmt -l .)
if [[ -n $unformatted ]]; then
    printf 'lint: not formatted, run gofmt -w on:\n%s\n' "$unformatted" >&2
    exit 1
fi
echo "lint: go vet"
go vet ./...
go vet -tags gocv_specific_modules,rknn ./detect/...
install_linter
echo "lint: golangci-lint"
"$bin/golangci-lint" run ./...
echo "lint: go mod tidy -diff"
go mod tidy -diff
