"""The time stamps of an evidence file: docs/evidence.md, "Time stamps", and docs/format.md, "Checkpoints"."""

import unicodedata

from proofs import be64, block_id, climb, require, sha256, tagged
from timestamps import Token

LARGEST = 1_048_576


def document(chain_id, checkpoint, root):
    """What the authority of a checkpoint stamps."""
    heights = be64(checkpoint["first"]) + be64(checkpoint["last"])
    return b"touchstone/checkpoint/v1\0" + chain_id + heights + root + checkpoint["authority"].encode()


def check_form(checkpoint):
    """Requires the form of a checkpoint, but for its token."""
    first, last, authority = checkpoint["first"], checkpoint["last"], checkpoint["authority"]
    require(1 <= first <= last and last - first < LARGEST, "a checkpoint's heights aren't a range of blocks")
    require(1 <= len(authority.encode()) <= 512, "an authority doesn't have 1 to 512 bytes")
    control = any(unicodedata.category(letter) == "Cc" for letter in authority)
    require(not control, "an authority holds a control character")


def root_of_block(chain_id, checkpoint, height, identity, validators_hash, siblings):
    """The root to which the path of the block with this id leads."""
    value = tagged("touchstone/checkpoint-block/v1", chain_id, be64(height), identity, validators_hash)
    count = checkpoint["last"] - checkpoint["first"] + 1
    return climb("touchstone/checkpoint-node/v1", count, height - checkpoint["first"], value, siblings)


def order(checkpoint):
    """What checkpoints ascend by."""
    return checkpoint["first"], checkpoint["last"], checkpoint["authority"].encode(), checkpoint["token"]


class Stamped:
    """A checkpoint whose token holds, and the heights of the file's blocks that it stamps."""

    def __init__(self, checkpoint, token, heights, trusted):
        self.first, self.last = checkpoint["first"], checkpoint["last"]
        self.authority, self.token, self.heights, self.trusted = checkpoint["authority"], token, heights, trusted

    def fingerprint(self):
        """The SHA-256 of the root's certificate, in hex."""
        return sha256(self.token.root).hex()

    def latest_ms(self):
        """The last millisecond at which the authority's clock may have stood at the stamp."""
        return self.token.moment_ms + (self.token.accuracy_ms or 0)

    def report(self):
        """What is reported of a token, by names."""
        return {
            "authority": self.token.signer,
            "url": self.authority,
            "first": self.first,
            "last": self.last,
            "heights": self.heights,
            "gen_time_ms": self.token.moment_ms,
            "accuracy_ms": self.token.accuracy_ms,
            "no_later_than_ms": self.latest_ms(),
            "serial": self.token.serial,
            "policy": self.token.policy,
            "root_sha256": self.fingerprint(),
            "trusted": self.trusted,
        }


def verify_stamps(chain_id, checkpoints, stamps, blocks, headers, trusted_roots):
    """The checkpoints of a file whose rules 1 to 4 hold, as `Stamped`.

    `blocks` are the file's certified headers, `headers` the same by height as read; `trusted_roots` are certificates.
    """
    require(all(order(a) < order(b) for a, b in zip(checkpoints, checkpoints[1:])), "checkpoints don't ascend")
    places = [(stamp["checkpoint"], stamp["height"]) for stamp in stamps]
    require(all(a < b for a, b in zip(places, places[1:])), "stamps don't ascend")
    require({index for index, _ in places} == set(range(len(checkpoints))), "stamps aren't of every checkpoint")
    certified = dict(zip(headers, blocks))
    seen, stamped = set(), []
    for index, checkpoint in enumerate(checkpoints):
        check_form(checkpoint)
        roots, heights = set(), []
        for stamp in (stamp for stamp in stamps if stamp["checkpoint"] == index):
            height, siblings = stamp["height"], stamp["siblings"]
            require(checkpoint["first"] <= height <= checkpoint["last"], "a stamp is outside its checkpoint")
            require(height in headers, "a stamp is of no block of the file")
            again = checkpoint["authority"], height
            require(again not in seen, "an authority stamps a block twice")
            seen.add(again)
            identity, voters = block_id(certified[height]["header"]), headers[height]["validators_hash"]
            roots.add(root_of_block(chain_id, checkpoint, height, identity, voters, siblings))
            heights.append(height)
        require(len(roots) == 1, "the paths of a checkpoint's stamps lead to different roots")
        imprint = sha256(document(chain_id, checkpoint, roots.pop()))
        token = Token(checkpoint["token"], checkpoint["certificates"], imprint)
        stamped.append(Stamped(checkpoint, token, heights, token.root in trusted_roots))
    return stamped


def doubts(stamped, headers, error_ms):
    """The reservations: blocks that no trusted token stamps, and tokens that contradict the chain's time."""
    sure = {height for one in stamped if one.trusted for height in one.heights}
    unsure = [one for one in stamped if not one.trusted and not set(one.heights) <= sure]
    found = []
    if unsure:
        heights = sorted({height for one in unsure for height in one.heights} - sure)
        roots = sorted({f"{one.fingerprint()} of {one.authority}" for one in unsure})
        found.append(
            f"no trusted authority stamped the blocks {', '.join(map(str, heights))}: compare the SHA-256 of the root"
            f" certificate with the one that the authority publishes: {', '.join(roots)}"
        )
    for one in stamped:
        for height in one.heights:
            if one.latest_ms() < headers[height]["time_ms"] - error_ms:
                found.append(f"{one.authority} stamped block {height} at a time before the block's own")
    return found
