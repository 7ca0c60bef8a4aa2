#!/usr/bin/env python3
"""Recall of look-alikes per edit, beside plain PDQ. See scripts/bench-similar.

Usage: bench.py CLIPART LIST TOOLS WORK [SAMPLE [SEED [STRANGERS]]], or bench.py --list CLIPART LIST to write the list of near-duplicates.
"""

import pathlib
import random
import subprocess
import sys

import numpy as np
import pdqhash
from corpus import clip_art, flattened, near_duplicates, photograph
from edits import EDITS
from PIL import Image, ImageOps

# Of docs/fingerprint.md.
MOST_DISTANCE, LEAST_QUALITY = 47, 10
# Usual for PDQ: https://github.com/facebook/ThreatExchange/tree/main/pdq
PDQ_DISTANCE, PDQ_QUALITY = 31, 50
PHOTOGRAPHS = 400
LONGEST = 512


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


def local_features(tool, kind, paths, target):
    """Writes the features of each path, one line each."""
    given = "".join(f"{path}\n" for path in paths)
    with open(target, "w") as out:
        subprocess.run([tool, kind], input=given, stdout=out, text=True, check=True)
    return target


def searched(tool, published, queries, edited=None):
    """Tier 2, a node's search: of each query [(number, places, ours, theirs, seen)], how long one took, and with a file of
    the pictures that were edited whether each has a region with its own, held against it alone."""
    given = [tool, published, queries, *([edited] if edited else [])]
    told = subprocess.run(given, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    *rows, times = told
    found, alone = [], []
    for row in rows:
        hits = row.split()
        if edited:
            alone.append(hits.pop(0) == "+")
        hits = [hit.split(":") for hit in hits]
        corners = [[[int(n) for n in corner.split(",")] for corner in hit[2:4]] for hit in hits]
        found.append([(int(hit[0]), int(hit[1]), *both, hit[4]) for hit, both in zip(hits, corners)])
    return found, times, alone


def bound(found, count):
    """95 % upper bound of a rate: 3 / n where nothing was found, else Poisson's by its normal approximation."""
    most = 3.0 if found == 0 else found + 1.645 * found**0.5 + 1.35
    return most / count


def upright(image, rectangle, frame):
    """A region of a picture as 32 x 32 means, of mean 0 and length 1; None where it is plain."""
    scale = max(image.size) / frame
    box = [side * scale for side in rectangle]
    cells = np.asarray(image.convert("L").resize((32, 32), Image.BOX, box=fitting(box, image.size)), np.float32)
    cells = cells - cells.mean()
    length = float(np.linalg.norm(cells))
    return cells / length if length > 32 * 4 else None


def fitting(box, size):
    left, top = min(box[0], size[0] - 2), min(box[1], size[1] - 2)
    return left, top, min(max(box[2], left + 1), size[0]), min(max(box[3], top + 1), size[1])


def is_same_part(ours, theirs, hit):
    """Whether the pixels of both regions agree: both pictures show the same part, and the search is right."""
    _, _, own, other, seen = hit
    if seen == "Mirrored":
        ours = ImageOps.mirror(ours)
    one = upright(ours, own, min(400 * (2 if seen == "Fine" else 1), 4 * max(ours.size)))
    two = upright(theirs, other, min(400, 4 * max(theirs.size)))
    return one is not None and two is not None and float((one * two).sum()) >= 0.7


def unrelated(hits, paths, chosen):
    """Of searches with unedited pictures: (found, of these with the same pixels, pairs searched). Pairs count once."""
    pairs, same = set(), set()
    for at, found in zip(chosen, hits):
        for hit in found:
            pair = tuple(sorted((at, hit[0])))
            if hit[0] != at and pair not in pairs:
                pairs.add(pair)
                if is_same_part(flattened(paths[at]), flattened(paths[hit[0]]), hit):
                    same.add(pair)
    n = len(chosen)
    return pairs, same, n * len(paths) - n * (n + 1) // 2


def main(clipart, list_of, tools, work, sample=400, seed=1, strangers=2000):
    tools, work = pathlib.Path(tools), pathlib.Path(work)
    tool = tools / "fingerprints"
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
    published = local_features(tools / "features", "published", paths, work / "published.txt")

    others = random.Random(f"{seed} strangers").sample(range(len(paths)), min(int(strangers), len(paths)))
    queries = local_features(tools / "features", "query", [paths[at] for at in others], work / "strangers.txt")
    hits, times, _ = searched(tools / "region_search", published, queries)
    pairs, same, count = unrelated(hits, paths, others)
    print(f"tier 2, searches by {len(others)} unedited pictures among {times}")
    (work / "found-pairs.txt").write_text("".join(f"{paths[a]}\t{paths[b]}\t{(a, b) in same}\n" for a, b in sorted(pairs)))
    false = len(pairs) - len(same)
    print(f"unrelated pairs: {count}, named: {len(pairs)}, of these with the same pixels in both regions: {len(same)}")
    print(f"named without the same pixels: {false}, at most {bound(false, count):.1e} per pair (95 %)", flush=True)

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
    of, strange = {"tier 1": [], "tier 2": [], "either": [], "tier 2 of both alone": [], "plain PDQ": []}, {}
    edited_ones = work / "edited.txt"
    edited_ones.write_text("".join(f"{at}\n" for at in chosen))
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
        queries = local_features(tools / "features", "query", files, work / "edits.txt")
        named, times, alone = searched(tools / "region_search", published, queries, edited_ones)
        local = np.array([any(hit[0] == at for hit in found) for at, found in zip(chosen, named)])
        for at, found in zip(chosen, named):
            for hit in found:
                strange.setdefault(tuple(sorted((at, hit[0]))), set()).add(name)
        rows = [np.array(hits), local, local | np.array(hits), np.array(alone), np.diag(pdq(edited, plain)) <= PDQ_DISTANCE]
        for (kind, means), row in zip(of.items(), rows):
            means.append(np.mean(row))
        told = "   ".join(f"{kind} {means[-1]:.3f}" for kind, means in of.items())
        print(f"{name:<16} {told}", flush=True)
    told = "   ".join(f"{kind} {np.mean(means):.3f}" for kind, means in of.items())
    print(f"{'mean':<16} {told}")
    strange = {pair: names for pair, names in strange.items() if pair[0] != pair[1]}
    count = len(chosen) * (len(paths) - 1)
    print(f"tier 2, edited pictures with others: pairs {count}, in each of {len(EDITS)} edits, named: {len(strange)}")
    print(f"the last searches: {times}")


if __name__ == "__main__":
    if sys.argv[1] == "--list":
        write_list(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
