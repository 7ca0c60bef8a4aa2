"""Times and texts, as a person reads them."""

import datetime


def utc(milliseconds):
    """A time in milliseconds since 1970, on the calendar where it is on it."""
    try:
        moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=milliseconds)
    except OverflowError:
        return f"{milliseconds} ms after 1970"
    return moment.isoformat(timespec="milliseconds") + "Z"


def printable(text):
    """A text of a file: anybody's words, which may hold what a terminal obeys."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
