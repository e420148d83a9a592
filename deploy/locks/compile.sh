#!/bin/sh
# Rewrites the lock files beside this script from pyproject.toml: hashes, no hosts.
# usage: deploy/locks/compile.sh [extra uv arguments, for example --upgrade]
# dev.txt comes first, and the others take its versions: each is a part of it.
set -eu
cd "$(dirname "$0")/../.."
PATH="$PWD/.venv/bin:$PATH"
extra=$*
lock() {
    out=$1
    shift
    # shellcheck disable=SC2086 # several arguments are meant
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-header --no-annotate --no-emit-index-url $extra "$@" -o "deploy/locks/$out"
}
lock dev.txt pyproject.toml --all-extras --group dev
same="-c deploy/locks/dev.txt"
# shellcheck disable=SC2086
{
    lock device.txt pyproject.toml $same --extra edge --extra vision
    lock server.txt pyproject.toml $same --extra server
    lock demo.txt pyproject.toml $same --group setup \
        --extra edge --extra vision --extra server --extra broker
}
lock bench.txt pyproject.toml --extra vision --group bench
lock uv.txt --group pyproject.toml:uv
lock node.txt --group pyproject.toml:node
