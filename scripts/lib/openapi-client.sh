#!/usr/bin/env bash
# Installs openapi-python-client, which writes a client from a description of an HTTP interface, into a folder
# under target/ (once), and prints the folder of its programs.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=0.29.1
folder=$PWD/target/openapi-python-client-$version
if [ ! -x "$folder/bin/openapi-python-client" ]; then
    rm -rf "$folder"
    python3 -m venv "$folder" >&2
    "$folder/bin/pip" install --quiet --disable-pip-version-check "openapi-python-client==$version" >&2 || {
        rm -rf "$folder"
        echo "pip can't install openapi-python-client $version" >&2
        exit 1
    }
fi
echo "$folder/bin"
