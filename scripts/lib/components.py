#!/usr/bin/env python3
"""Lists the components of the programs: CycloneDX 1.5, and their licences with their texts.

Of Rust's packages those that are compiled into `touchstone` and `touchstone-node`, by `cargo metadata`; of npm's those
that the pages contain, by their lock file. It reads no clock and no network: SOURCE_DATE_EPOCH is the time.
"""

import argparse
import datetime
import json
import os
import pathlib
import re
import subprocess
import tomllib
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ("touchstone-cli", "touchstone-node")
PAGES = ROOT / "verifiers/js"
#: What verifiers/js/page/build.js builds into the pages; a package may hold others.
IN_PAGES = ("@noble/curves", "@noble/hashes", "@scure/bip39", "world-atlas")
LICENCE_FILES = re.compile(r"(licen[cs]e|copying|notice|unlicense)([-_.].*)?$", re.IGNORECASE)


def host():
    """The platform that the programs are built on, and for."""
    said = subprocess.run(["rustc", "-vV"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return re.search(r"^host: (.+)$", said, re.MULTILINE)[1]


def crates():
    """Each package that is compiled into a program: its metadata, and the ids of those that it needs."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", host()]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    needs = {
        node["id"]: sorted(
            dependency["pkg"]
            for dependency in node["deps"]
            if any(kind["kind"] is None for kind in dependency["dep_kinds"])
        )
        for node in metadata["resolve"]["nodes"]
    }
    found, open_ = {}, [one["id"] for one in metadata["packages"] if one["name"] in PROGRAMS]
    while open_:
        identity = open_.pop()
        if identity not in found:
            found[identity] = packages[identity], needs[identity]
            open_ += needs[identity]
    return found


def checksums():
    """The SHA-256 of each package's archive, by name and version."""
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text(encoding="utf-8"))
    return {(one["name"], one["version"]): one.get("checksum") for one in lock["package"]}


def texts(folder):
    """The licence texts in a package's folder."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and LICENCE_FILES.match(path.name))
    return [path.read_text(encoding="utf-8", errors="replace").strip() for path in files]


def components():
    """All of them: (component, ids of those it needs, licence texts)."""
    known, rows = checksums(), []
    found = crates()
    references = {identity: f"pkg:cargo/{one['name']}@{one['version']}" for identity, (one, _) in found.items()}
    for identity, (package, needs) in found.items():
        component = {
            "type": "library" if package["source"] else "application",
            "bom-ref": references[identity],
            "name": package["name"],
            "version": package["version"],
            "purl": references[identity],
            "licenses": [{"expression": (package["license"] or "NOASSERTION").replace("/", " OR ")}],
        }
        if digest := known[package["name"], package["version"]]:
            component["hashes"] = [{"alg": "SHA-256", "content": digest}]
        folder = pathlib.Path(package["manifest_path"]).parent
        rows.append((component, [references[one] for one in needs], texts(folder) if package["source"] else []))
    lock = json.loads((PAGES / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for name in IN_PAGES:
        entry = lock[f"node_modules/{name}"]
        reference = f"pkg:npm/{name.replace('@', '%40')}@{entry['version']}"
        component = {
            "type": "library",
            "bom-ref": reference,
            "name": name,
            "version": entry["version"],
            "purl": reference,
            "licenses": [{"expression": entry["license"]}],
        }
        rows.append((component, [], texts(PAGES / "node_modules" / name)))
    return sorted(rows, key=lambda row: row[0]["bom-ref"])


def sbom(rows, version):
    """The list as CycloneDX."""
    moment = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {"type": "application", "bom-ref": "touchstone", "name": "touchstone", "version": version},
        },
        "components": [component for component, _, _ in rows],
        "dependencies": [{"ref": component["bom-ref"], "dependsOn": needs} for component, needs, _ in rows],
    }
    identity = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(document, sort_keys=True))
    return {**document, "serialNumber": identity.urn}


def licences(rows):
    """The licences for a person: each component with its expression, then each text once, with whom it is of."""
    lines, of = ["Components of Touchstone's programs and pages, and their licences.", ""], {}
    for component, _, found in rows:
        name = f"{component['name']} {component['version']}"
        lines.append(f"{name}: {component['licenses'][0]['expression']}")
        for text in found:
            of.setdefault(text, []).append(name)
    for text, names in of.items():
        lines += ["", "=" * 100, ", ".join(names), "=" * 100, "", text]
    return "\n".join(lines) + "\n"


def main():
    """Writes both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", required=True)
    parser.add_argument("--sbom", type=pathlib.Path, required=True)
    parser.add_argument("--licences", type=pathlib.Path, required=True)
    given = parser.parse_args()
    rows = components()
    given.sbom.write_text(json.dumps(sbom(rows, given.version), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    given.licences.write_text(licences(rows), encoding="utf-8")
    print(f"{len(rows)} components")


if __name__ == "__main__":
    main()
