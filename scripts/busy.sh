#!/usr/bin/env bash
# Runs a command on a machine that is busy with something else: a process of lower priority
# keeps each core at work until the command has ended.
#
#   scripts/busy.sh make test
set -euo pipefail

busy=()
for _ in $(seq "$(nproc)"); do
    # It ends when this script does, however that ends.
    nice -n 10 bash -c 'while kill -0 "$1" 2>/dev/null; do :; done' busy $$ &
    busy+=($!)
done
trap 'kill "${busy[@]}" 2>/dev/null || true' EXIT
"$@"
