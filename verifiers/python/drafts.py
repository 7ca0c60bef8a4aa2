"""The drafts before a deposit: docs/evidence.md, "Drafts"."""

from fields import drafts_head, is_control
from proofs import require, tagged
from wire import decode

LARGEST = 65_536
MOST_FILES = 256
MOST_WORDS = 128
LATEST_MS = 253_402_300_799_999


def read_drafts(entries, files, content):
    """The drafts with their heads, and what is said of them."""
    value = next((value for _, name, value, _ in content.fields if name == "drafts"), None)
    require(value is not None or not entries, "drafts without the deposit's field that holds their head")
    if value is None:
        return [], ""
    count, head = drafts_head(value)
    if not entries:
        return [], f"; the head of {count} drafts is covered, and they aren't in the file"
    read, before = [], bytes(32)
    for number, entry in enumerate(entries, 1):
        draft = read_draft(number, before, entry)
        before = tagged("touchstone/draft/v1", entry)
        read.append((draft, before))
    require(len(read) == count, f"there are {len(read)} drafts, and the deposit's head counts {count}")
    require(before == head, f"the drafts lead to another head than the deposited one: draft {count} was altered")
    drafted = {file["sha256"] for draft, _ in read for file in draft["files"]}
    known = sum(digest in drafted for digest, _ in files)
    return read, f"; {count} drafts before the deposit lead to the head; {known} of {len(files)} files are in one"


def read_draft(number, before, entry):
    """The draft of this number, which must follow a head."""
    require(len(entry) <= LARGEST, f"draft {number} is too large")
    draft = decode("Draft", entry)
    found = draft["number"]
    require(found == number, f"draft {found} stands where draft {number} should: one is missing or out of order")
    words = [draft[name] for name in ("who", "device", "tool")]
    fits = all(1 <= len(word.encode()) <= MOST_WORDS and not any(map(is_control, word)) for word in words)
    names = [file["name"] for file in draft["files"]]
    fits &= 1 <= len(names) <= MOST_FILES and all(a < b for a, b in zip(names, names[1:]))
    fits &= draft["time_ms"] <= LATEST_MS and len(draft["previous"]) == 32
    for file in draft["files"]:
        fits &= len(file["name"]) == 32
        fits &= len(file["sha256"]) == 32 or (file["sha256"] == b"" and file["bytes"] == 0)
    require(fits, f"draft {number} has another form")
    require(draft["previous"] == before, f"draft {number} follows another draft {number - 1}: one of them was altered")
    return draft


def doubts(read, latest_ms):
    """Times that can't all be true."""
    times = [draft["time_ms"] for draft, _ in read]
    found = []
    if back := [at for at in range(1, len(times)) if times[at] < times[at - 1]]:
        found.append(f"draft {back[0] + 1} says an earlier time than the one before it")
    if late := [at for at, time in enumerate(times) if time > latest_ms]:
        found.append(f"draft {late[0] + 1} says a time after the deposit")
    return found


def report(read):
    """The drafts for programs."""
    return [
        {
            "number": draft["number"],
            "head": head.hex(),
            "time_ms": draft["time_ms"],
            "who": draft["who"],
            "device": draft["device"],
            "tool": draft["tool"],
            "files": [
                {"name_digest": file["name"].hex(), "sha256": file["sha256"].hex() or None, "bytes": file["bytes"]}
                for file in draft["files"]
            ],
        }
        for draft, head in read
    ]
