"""What a deposit covers beside its files: views and fields, docs/format.md, "Design content"."""

import base64
import json
import re

from proofs import be64, require, sha256, tagged
from wire import Refusal

# The places of each name's digests, and the most bytes of a value; None: the value has a form of its own.
NAMES = {
    "title": (range(0, 1), 256),
    "class": (range(1, 2), None),
    "description": (range(2, 3), 2048),
    "drafts": (range(3, 4), None),
    "author": (range(4, 12), 256),
}
PLACES = 12
LARGEST_DISCLOSURE = 8192
LARGEST_VIEW = 12
MOST_DRAFTS = 65_536
SALT = re.compile(r"[A-Za-z0-9_-]{22}")
LOCARNO = re.compile(r"(0[1-9]|[12][0-9]|3[0-2])-(0[1-9]|[1-9][0-9])")
HEAD = re.compile(r"([1-9][0-9]{0,4}):([0-9a-f]{64})")
VIEWS = (
    None,
    "perspective",
    "front",
    "back",
    "top",
    "bottom",
    "left",
    "right",
    "reference",
    "unfolded",
    "exploded",
    "cross-section",
    "enlarged",
)


class Content:
    """What is shown of a deposit: the root that its commitment is to, views, and (place, name, value, disclosure)."""

    def __init__(self, root, views, fields):
        self.root, self.views, self.fields = root, views, fields

    def title(self):
        """The title that is shown, else nothing."""
        return next((value for _, name, value, _ in self.fields if name == "title"), "")


def read_content(hashes, title, content):
    """What is shown beside the files' hashes; None where the deposit covers files alone. `title` stands beside it."""
    require(1 <= len(hashes) <= 1000, "a design has 1 to 1,000 files")
    require(all(len(digest) == 32 for digest in hashes), "a file's hash doesn't have 32 bytes")
    files = tagged("touchstone/design-files/v1", be64(len(hashes)), *hashes)
    if content is None:
        return Content(files, [], [])
    views, digests = content["views"], content["digests"]
    require(len(views) == len(hashes) and all(0 <= view <= LARGEST_VIEW for view in views), "not a view of each file")
    require(len(digests) == PLACES and all(len(digest) == 32 for digest in digests), "not a digest of each place")
    require(len(set(digests)) == PLACES, "two places have one digest")
    fields, last = [], -1
    for disclosure in content["disclosures"]:
        name, value = read_disclosure(disclosure)
        digest = sha256(disclosure.encode())
        require(digest in digests, f"the deposit doesn't cover this field {name}")
        place = digests.index(digest)
        require(place in NAMES[name][0], f"the field {name} isn't at a place of its own")
        require(place > last, "fields aren't in the order of their places")
        last = place
        fields.append((place, name, value, disclosure))
    shown = tagged("touchstone/design-views/v1", be64(len(views)), bytes(views))
    found = Content(tagged("touchstone/design-content/v1", files, shown, *digests), views, fields)
    require(title == found.title(), "the title isn't the one that the deposit covers")
    return found


def read_disclosure(disclosure):
    """Name and value of a field, in RFC 9901's form as RFC 8785 writes it."""
    require(len(disclosure) <= LARGEST_DISCLOSURE, "a disclosure is too large")
    require(re.fullmatch(r"[A-Za-z0-9_-]*", disclosure) is not None, "a disclosure isn't base64url")
    try:
        text = base64.urlsafe_b64decode(disclosure + "=" * (-len(disclosure) % 4))
        parts = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Refusal("a disclosure isn't JSON in base64url") from None
    again = base64.urlsafe_b64encode(text).rstrip(b"=")
    require(again == disclosure.encode(), "a disclosure isn't canonical base64url")
    require(isinstance(parts, list) and len(parts) == 3, "a disclosure isn't [salt, name, value]")
    require(all(isinstance(part, str) for part in parts), "a disclosure isn't of three texts")
    salt, name, value = parts
    try:
        written = json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    except UnicodeEncodeError:
        raise Refusal("a disclosure holds half a character") from None
    require(written == text and SALT.fullmatch(salt), "a disclosure isn't as RFC 8785 writes it")
    require(name in NAMES, "a field of another name")
    check_value(name, value)
    return name, value


def check_value(name, value):
    """Requires that the field may have the value."""
    if name == "class":
        require(LOCARNO.fullmatch(value), "a Locarno class is written NN-NN")
    elif name == "drafts":
        drafts_head(value)
    else:
        fits = 1 <= len(value.encode()) <= NAMES[name][1] and not any(map(is_control, value))
        require(fits, f"the field {name} is empty, too long, or holds control characters")


def drafts_head(value):
    """Count and head of the drafts before a deposit."""
    found = HEAD.fullmatch(value)
    require(found and int(found[1]) <= MOST_DRAFTS, "the head of drafts is written COUNT:HEAD")
    return int(found[1]), bytes.fromhex(found[2])


def is_control(character):
    """Whether it is of Unicode's category Cc."""
    return character < " " or "\x7f" <= character <= "\x9f"


def report(content):
    """Views and fields for programs."""
    return {
        "views": [VIEWS[view] for view in content.views],
        "fields": [
            {"name": name, "value": value, "disclosure": disclosure} for _, name, value, disclosure in content.fields
        ],
    }
