# Sourced by the scripts: installs the Debian packages that a build needs, once, and says so.
# Quiet and fast when nothing is missing. Downloads nothing else.
set -euo pipefail

# g++ builds RocksDB, libclang-dev reads its headers; openssl and python3 serve the demo, python3-cryptography the
# independent verifier in Python.
touchstone_packages=(g++ libclang-dev openssl python3 python3-cryptography)

# A script that runs the tests sets touchstone_tests=1 first. Node (below) runs the verifier in JavaScript; qpdf and
# poppler-utils look at the documents that the tests make; faketime and strace take clock and network away from a
# verifier; chromium and firefox-esr open both pages, in a font that has Chinese; gRPC, protobuf and setuptools are for
# the client in Python; curl is the ERP of the walks.
if [ "${touchstone_tests:-}" = 1 ]; then
    touchstone_packages+=(curl qpdf poppler-utils faketime strace chromium firefox-esr fonts-wqy-microhei)
    # To try what is released.
    touchstone_packages+=(binutils man-db python3-yaml systemd)
    touchstone_packages+=(protobuf-compiler python3-grpcio python3-protobuf python3-setuptools)
fi

# A script that compares with a database sets touchstone_bench=1 first.
if [ "${touchstone_bench:-}" = 1 ]; then
    touchstone_packages+=(postgresql)
fi

# A script that installs Python packages into a folder of its own sets touchstone_venv=1 first; the tests do, too.
if [ "${touchstone_venv:-}" = 1 ] || [ "${touchstone_tests:-}" = 1 ]; then
    touchstone_packages+=(python3-venv)
fi

touchstone_setup() {
    local package missing=() as_root=()

    if ! command -v cargo >/dev/null; then
        # rustup's installer leaves this file for shells that were started before it.
        if [ -r "${CARGO_HOME:-$HOME/.cargo}/env" ]; then . "${CARGO_HOME:-$HOME/.cargo}/env"; fi
        if ! command -v cargo >/dev/null; then
            echo "cargo is not found: install Rust with rustup (https://rustup.rs), then run this again." >&2
            exit 1
        fi
    fi

    if ! command -v dpkg-query >/dev/null; then
        echo "This is no Debian system: it needs by itself what Debian calls ${touchstone_packages[*]}." >&2
        return
    fi
    # Node from elsewhere serves as well; npm comes with it.
    if [ "${touchstone_tests:-}" = 1 ] && ! { command -v node && command -v npm; } >/dev/null; then
        touchstone_packages+=(nodejs npm)
    fi
    for package in "${touchstone_packages[@]}"; do
        if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
            missing+=("$package")
        fi
    done
    if [ ${#missing[@]} = 0 ]; then return; fi

    if [ "$(id -u)" != 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "Missing Debian packages, and neither root nor sudo to install them. As root:" >&2
            echo "  apt-get install ${missing[*]}" >&2
            exit 1
        fi
        as_root=(sudo)
    fi
    echo "Installing Debian packages (once): ${missing[*]} ..."
    # An unreachable mirror is not the end: the package may be in apt's cache.
    "${as_root[@]}" apt-get update -qq || echo "apt-get update failed; trying with the known lists ..." >&2
    if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; then
        echo "These Debian packages could not be installed: ${missing[*]}" >&2
        exit 1
    fi
}

touchstone_setup

# Debian's packages serve Debian's Python; another one first in the path may have its own.
touchstone_imports='import cryptography'
if [ "${touchstone_tests:-}" = 1 ]; then touchstone_imports+=', google.protobuf, grpc, setuptools, yaml'; fi
TOUCHSTONE_PYTHON=python3
python3 -c "$touchstone_imports" 2>/dev/null || TOUCHSTONE_PYTHON=/usr/bin/python3
export TOUCHSTONE_PYTHON
