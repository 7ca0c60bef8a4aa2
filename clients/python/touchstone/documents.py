"""Events of EPCIS documents as the ledger takes them: each alone, with its context, in exact bytes (docs/epcis.md)."""

import json

DOCUMENTS = ("EPCISDocument", "EPCISQueryDocument")


class _Number(str):
    """A number as it is written: 1.00 stays 1.00."""


def _members(pairs):
    """An object's members; refuses a name that stands twice."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice in an object")
    return members


def _refuse(constant):
    raise ValueError(f"{constant} is no JSON")


def _read(text):
    """JSON with its numbers as they are written."""
    return json.loads(
        text, object_pairs_hook=_members, parse_int=_Number, parse_float=_Number, parse_constant=_refuse
    )


def _write(value):
    """Minimal JSON."""
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_write(name)}:{_write(member)}" for name, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_write, value)) + "]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _listed(value):
    """A context's parts."""
    return value if isinstance(value, list) else [value]


def _stand_alone(event, context):
    """The bytes of a document's event, with the document's context in front of its own."""
    own = event.get("@context")
    context = context if own is None else _listed(context) + _listed(own)
    fields = {name: value for name, value in event.items() if name != "@context"}
    return _write({"@context": context, **fields}).encode()


def events(document):
    """The exact bytes of each event of a document, of a bare event, or of a list of these.

    JSON as bytes or text, or the dict that a program made. A bare event in bytes is taken as it is. What isn't an
    EPCIS 2.0 event is refused by the node, with a code.
    """
    if isinstance(document, list):
        return [event for one in document for event in events(one)]
    if isinstance(document, (bytes, str)):
        data = document.encode() if isinstance(document, str) else document
        data = data.removeprefix(b"\xef\xbb\xbf")
    else:
        data = _write(document).encode()
    read = _read(data.decode("utf-8"))
    if not isinstance(read, dict):
        raise ValueError("neither an EPCIS document nor an event")
    if read.get("type") not in DOCUMENTS:
        return [data]
    if "@context" not in read:
        raise ValueError("the document has no @context")
    body = read.get("epcisBody", {})
    if read["type"] == "EPCISQueryDocument":
        body = body.get("queryResults", {}).get("resultsBody", {})
    return [_stand_alone(event, read["@context"]) for event in body.get("eventList", [])]
