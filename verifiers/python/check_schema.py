#!/usr/bin/env python3
"""Checks that the standard input is one JSON value of the form that docs/examination.schema.json describes.

    check_schema.py < examination.json

It knows the few keywords of JSON Schema 2020-12 that the file uses, and refuses others, so that none is passed over.
"""

import json
import pathlib
import re
import sys

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "docs/examination.schema.json"
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "null": type(None)}
SILENT = {"$schema", "$id", "$defs", "title", "description"}


class Mismatch(Exception):
    """Where a value isn't of the form, and why."""


def is_of(value, name):
    """Whether a value has a type of JSON Schema; True isn't 1."""
    return isinstance(value, TYPES[name]) and not (name == "integer" and isinstance(value, bool))


def matches(schema, value, root, at):
    """Whether a value has a form."""
    try:
        check(schema, value, root, at)
    except Mismatch:
        return False
    return True


def check(schema, value, root, at="the value"):
    """Raises Mismatch if a value doesn't have a form."""
    for keyword, told in schema.items():
        if keyword in SILENT:
            holds = True
        elif keyword == "$ref":
            check(root["$defs"][told.removeprefix("#/$defs/")], value, root, at)
            holds = True
        elif keyword == "type":
            holds = any(is_of(value, name) for name in ([told] if isinstance(told, str) else told))
        elif keyword == "const":
            holds = value == told
        elif keyword == "enum":
            holds = any(value == one and type(value) is type(one) for one in told)
        elif keyword == "pattern":
            holds = not isinstance(value, str) or re.search(told, value) is not None
        elif keyword == "minimum":
            holds = not is_of(value, "integer") or value >= told
        elif keyword == "maximum":
            holds = not is_of(value, "integer") or value <= told
        elif keyword == "minItems":
            holds = not isinstance(value, list) or len(value) >= told
        elif keyword == "maxItems":
            holds = not isinstance(value, list) or len(value) <= told
        elif keyword == "required":
            holds = not isinstance(value, dict) or set(told) <= set(value)
        elif keyword == "properties":
            for name in set(told) & set(value if isinstance(value, dict) else ()):
                check(told[name], value[name], root, f"{at}.{name}")
            holds = True
        elif keyword == "additionalProperties":
            holds = told is True or not isinstance(value, dict) or set(value) <= set(schema.get("properties", ()))
        elif keyword == "items":
            for number, one in enumerate(value if isinstance(value, list) else ()):
                check(told, one, root, f"{at}[{number}]")
            holds = True
        elif keyword == "anyOf":
            holds = any(matches(one, value, root, at) for one in told)
        elif keyword == "oneOf":
            holds = sum(matches(one, value, root, at) for one in told) == 1
        else:
            raise ValueError(f"the schema has a keyword that isn't known here: {keyword}")
        if not holds:
            raise Mismatch(f"{at} doesn't keep {keyword}: {json.dumps(told)[:200]}")


def check_examination(value):
    """Raises Mismatch unless the value is an examination or an error, and says where."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    kind = "error" if isinstance(value, dict) and "error" in value else "examination"
    check(schema["$defs"][kind], value, schema)
    check(schema, value, schema)


def main():
    """Runs the command; its exit code."""
    try:
        check_examination(json.loads(sys.stdin.read()))
    except (Mismatch, ValueError) as wrong:
        print(wrong, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
