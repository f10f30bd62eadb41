#!/usr/bin/env bash
# Runs the store's tests against a server of S3 that is none of ours: versitygw (Apache 2.0),
# built from its module, on loopback, over a folder that is removed. Call it through `make s3`.
#
#   VERSITYGW  the program, if there is one already
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=v1.8.0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/hedge/versitygw-$version
program=${VERSITYGW:-$cache/versitygw}
if [[ ! -x $program ]]; then
    echo "s3: building versitygw $version, which takes minutes"
    GOFLAGS='' GOBIN=$cache go install "github.com/versity/versitygw/cmd/versitygw@$version"
fi
work=$(mktemp -d)
server=
leave() {
    [[ -z $server ]] || kill "$server" 2>/dev/null || true
    wait
    rm -rf "$work"
}
trap leave EXIT
mkdir -p "$work/files/films"
random() { od -An -N20 -tx1 /dev/urandom | tr -d ' \n'; }
AWS_ACCESS_KEY_ID=$(random)
AWS_SECRET_ACCESS_KEY=$(random)
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
port=$(shuf -i 20000-60000 -n 1)
ROOT_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID ROOT_SECRET_ACCESS_KEY=$AWS_SECRET_ACCESS_KEY \
    "$program" --quiet --port "127.0.0.1:$port" posix "$work/files" >"$work/log" 2>&1 &
server=$!
until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
    kill -0 "$server" 2>/dev/null || { cat "$work/log" >&2; echo "s3: the server has ended" >&2; exit 1; }
    sleep 0.1
done
HEDGE_S3="http://127.0.0.1:$port/films" go test -count=1 -v -run 'Stores|S3' ./examples/internal/archive/store
left=$(find "$work/files/films" -type f | wc -l)
((left == 0)) || { find "$work/files/films" -type f >&2; echo "s3: $left files are left on the server" >&2; exit 1; }
echo "s3: the store keeps its promises on versitygw $version, and leaves nothing there"
