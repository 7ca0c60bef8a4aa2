#!/usr/bin/env bash
# Installs schemathesis, which tests a description of an HTTP interface against the interface, into a
# folder under target/ (once), and prints the path of the program.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=4.32.5
folder=$PWD/target/schemathesis-$version
if [ ! -x "$folder/bin/st" ]; then
    rm -rf "$folder"
    python3 -m venv "$folder" >&2
    "$folder/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$version" >&2 || {
        rm -rf "$folder"
        echo "pip can't install schemathesis $version" >&2
        exit 1
    }
fi
echo "$folder/bin/st"
