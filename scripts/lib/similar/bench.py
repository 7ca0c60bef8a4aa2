#!/usr/bin/env python3
"""Recall of look-alikes per edit, beside plain PDQ. See scripts/bench-similar.

Usage: bench.py CLIPART LIST TOOLS WORK [SAMPLE [SEED]], or bench.py --list CLIPART LIST to write the list of near-duplicates.
"""

import pathlib
import random
import subprocess
import sys

import numpy as np
import pdqhash
from corpus import clip_art, flattened, near_duplicates, photograph
from edits import EDITS

# Of docs/fingerprint.md.
MOST_DISTANCE, LEAST_QUALITY = 47, 10
# Usual for PDQ: https://github.com/facebook/ThreatExchange/tree/main/pdq
PDQ_DISTANCE, PDQ_QUALITY = 31, 50
PHOTOGRAPHS = 400
LONGEST = 512
# Of pictures/src/regions.rs: places that agree.
LEAST_AGREEING = 18


def write_list(clipart, target):
    """The published list: what is left out of the corpus, and why."""
    root = pathlib.Path(clipart)
    rows = [f"{path.relative_to(root)}\t{why}\n" for path, why in near_duplicates(clip_art(root))]
    pathlib.Path(target).write_text("".join(rows))
    print(f"{len(rows)} pictures left out")


def words(text):
    """Bits of the tool: four integers of 64 bits."""
    return [int(text[at : at + 16], 16) for at in range(0, 64, 16)]


def fingerprints(tool, paths):
    """Of each path: [whole, trimmed] as arrays of words, [qualities]; None where there is none."""
    given = "".join(f"{path}\n" for path in paths)
    told = subprocess.run([tool], input=given, capture_output=True, text=True, check=True).stdout.splitlines()
    found = []
    for line in told:
        fields = line.split(" ")
        if fields[0] == "-":
            found.append(None)
            continue
        found.append(([words(fields[0]), words(fields[1])], [int(fields[2]), int(fields[3])]))
    assert len(found) == len(paths)
    return found


def transposed(word):
    bits = np.unpackbits(np.frombuffer(int(word).to_bytes(8, "big"), np.uint8)).reshape(8, 8)
    return int.from_bytes(np.packbits(bits.T).tobytes(), "big")


def variants(four):
    """docs/fingerprint.md, "Variants"."""
    full = 2**64 - 1
    for turn in (False, True):
        a, b, c, d = four
        if turn:
            a, b, c, d = transposed(a), transposed(c), transposed(b), transposed(d)
        for flipped in (False, True):
            for mirrored in (False, True):
                x = full if mirrored else 0
                y = full if flipped else 0
                yield [a, b ^ x, c ^ y, d ^ x ^ y]


def is_comparable(one, part):
    """docs/fingerprint.md, "Bits"."""
    enough = all(8 <= word.bit_count() <= 56 for word in one[0][part][1:])
    return enough and one[1][part] >= LEAST_QUALITY


def signs(rows):
    """Words as +1 and -1: distances are then products of matrices."""
    raw = np.array([[int(word).to_bytes(8, "big") for word in row] for row in rows])
    octets = np.frombuffer(raw.tobytes(), np.uint8).reshape(len(rows), 32)
    return np.unpackbits(octets, axis=1).astype(np.float32) * 2 - 1


def tier_1(queries, corpus):
    """Distances of queries (rows) to the corpus (columns): least over parts and variants; 256 where none compares."""
    least = np.full((len(queries), len(corpus)), 256, np.float32)
    for part in (0, 1):
        theirs = signs([one[0][part] for one in corpus])
        good = np.array([is_comparable(one, part) for one in corpus])
        ours = np.array([is_comparable(one, part) for one in queries])
        views = [list(variants(one[0][part])) for one in queries]
        for number in range(8):
            distance = (256 - signs([view[number] for view in views]) @ theirs.T) / 2
            distance[:, ~good] = 256
            distance[~ours] = 256
            least = np.minimum(least, distance)
    return least


def pdq(queries, corpus):
    """The same for plain PDQ."""
    distance = (256 - np.array([q[0] for q in queries]) @ np.array([c[0] for c in corpus]).T) / 2
    distance[np.array([q[1] < PDQ_QUALITY for q in queries])] = 256
    distance[:, np.array([c[1] < PDQ_QUALITY for c in corpus])] = 256
    return distance


def pdq_of(image):
    bits, quality = pdqhash.compute(np.asarray(image))
    return np.asarray(bits, np.float32) * 2 - 1, quality


def false_pairs(measure, corpus, limit):
    """(candidates, pairs) among all unrelated pairs; each pair counts once."""
    found = pairs = 0
    for start in range(0, len(corpus), 512):
        rows = corpus[start : start + 512]
        near = measure(rows, corpus) <= limit
        for at in range(len(rows)):
            found += int(near[at, start + at + 1 :].sum())
            pairs += len(corpus) - start - at - 1
    return found, pairs


def agreeing(tool, paths, pairs):
    """Tier 2: of each pair of paths' numbers, how many places agree."""
    given = "".join(f"{path}\n" for path in paths) + "\n" + "".join(f"{a} {b}\n" for a, b in pairs)
    told = subprocess.run([tool], input=given, capture_output=True, text=True, check=True).stdout.split()
    assert len(told) == len(pairs)
    return np.array([int(count) for count in told])


def main(clipart, list_of, tools, work, sample=400, seed=1):
    tool, regions = pathlib.Path(tools) / "fingerprints", pathlib.Path(tools) / "regions"
    work = pathlib.Path(work)
    work.mkdir(parents=True, exist_ok=True)
    root = pathlib.Path(clipart)
    left_out = {line.split("\t")[0] for line in pathlib.Path(list_of).read_text().splitlines()}
    paths = [path for path in clip_art(root) if str(path.relative_to(root)) not in left_out]
    for number in range(PHOTOGRAPHS):
        path = work / f"photograph-{number}.png"
        if not path.exists():
            photograph(number).save(path)
        paths.append(path)
    print(f"{len(paths)} pictures: clip art without {len(left_out)} near-duplicates, {PHOTOGRAPHS} generated photographs")
    prints = fingerprints(tool, paths)
    pairs = [(path, one) for path, one in zip(paths, prints) if one and (is_comparable(one, 0) or is_comparable(one, 1))]
    paths, corpus = [path for path, _ in pairs], [one for _, one in pairs]
    found, count = false_pairs(tier_1, corpus, MOST_DISTANCE)
    print(f"unrelated pairs: {count}, look-alikes within {MOST_DISTANCE}: {found}, that is {found / count:.1e} per pair")

    chosen = random.Random(seed).sample(range(len(paths)), min(int(sample), len(paths)))
    originals = []
    for at in chosen:
        image = flattened(paths[at])
        image.thumbnail((LONGEST, LONGEST), 1)
        originals.append(image)
    plain = [pdq_of(image) for image in originals]
    found, count = false_pairs(pdq, plain, PDQ_DISTANCE)
    print(f"of the sample, plain PDQ: pairs {count}, within {PDQ_DISTANCE}: {found}")
    files = [work / f"edit-{number}.png" for number in range(len(chosen))]
    whole = [work / f"original-{number}.png" for number in range(len(chosen))]
    for image, file in zip(originals, whole):
        image.save(file, compress_level=1)
    pairs = [(a, b) for a in range(len(whole)) for b in range(a + 1, len(whole))]
    found = int((agreeing(regions, whole, pairs) >= LEAST_AGREEING).sum())
    print(f"of the sample, tier 2: pairs {len(pairs)}, with {LEAST_AGREEING} places or more: {found}")
    rows, ours_of, theirs_of, local_of = [], [], [], []
    for name, edit in EDITS.items():
        edited = []
        for at, image, file in zip(chosen, originals, files):
            picture = edit(image, random.Random(f"{seed} {at} {name}"))
            picture.save(file, compress_level=1)
            edited.append(pdq_of(picture))
        prints = fingerprints(tool, files)
        hits = []
        for at, one in zip(chosen, prints):
            hits.append(one is not None and tier_1([one], [corpus[at]])[0, 0] <= MOST_DISTANCE)
        theirs = np.diag(pdq(edited, plain)) <= PDQ_DISTANCE
        ours_of.append(np.mean(hits))
        theirs_of.append(np.mean(theirs))
        count = agreeing(regions, [*files, *whole], [(n, len(files) + n) for n in range(len(files))])
        local = count >= LEAST_AGREEING
        local_of.append(np.mean(local))
        rows.append(np.mean(local | np.array(hits)))
        told = f"tier 1 {ours_of[-1]:.3f}   tier 2 {local_of[-1]:.3f}   either {rows[-1]:.3f}"
        print(f"{name:<16} {told}   plain PDQ {theirs_of[-1]:.3f}", flush=True)
    told = f"tier 1 {np.mean(ours_of):.3f}   tier 2 {np.mean(local_of):.3f}   either {np.mean(rows):.3f}"
    print(f"{'mean':<16} {told}   plain PDQ {np.mean(theirs_of):.3f}")


if __name__ == "__main__":
    if sys.argv[1] == "--list":
        write_list(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
