#!/bin/sh
# Rewrites the lock files beside this script from pyproject.toml: hashes, no hosts.
# usage: deploy/locks/compile.sh [extra uv arguments, for example --upgrade]
set -eu
cd "$(dirname "$0")/../.."
lock() {
    out=$1
    shift
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-header --no-annotate --no-emit-index-url "$@" pyproject.toml -o "deploy/locks/$out"
}
lock device.txt --extra edge --extra vision
lock server.txt --extra server
lock demo.txt --extra edge --extra vision --extra server --extra broker
lock dev.txt --all-extras --group dev
lock bench.txt --extra vision --group bench
