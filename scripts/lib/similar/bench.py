#!/usr/bin/env python3
"""Recall of look-alikes per edit, beside plain PDQ. See scripts/bench-similar.

Usage: bench.py CLIPART LISTS TOOLS WORK [SAMPLE [SEED [STRANGERS]]]; bench.py --tier-1 CLIPART LISTS TOOLS WORK [SAMPLE
[SEED]] for fingerprints alone; bench.py --list CLIPART LIST to write the list of near-duplicates.
"""

import concurrent.futures
import functools
import hashlib
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import time

import numpy as np
import pdqhash
from corpus import clip_art, flattened, near_duplicates, photograph
from edits import EDITS
from PIL import Image, ImageOps

# Of docs/fingerprint.md.
MOST_DISTANCE, LEAST_QUALITY = 47, 10
# Usual for PDQ: https://github.com/facebook/ThreatExchange/tree/main/pdq
PDQ_DISTANCE, PDQ_QUALITY = 31, 50
# In the folder of lists: the pictures that are left out, and the pairs that show one drawing, or a part of it, as
# somebody saw who looked at what a run named.
LEFT_OUT, SEEN = ("common-parts.txt", "near-duplicates.txt"), "seen-pairs.txt"
PHOTOGRAPHS = 400
LONGEST = 512
# Pictures of one job: what is kept of a run that is broken off.
AT_ONCE, SEARCHED_AT_ONCE = 250, 50
BEGAN = time.monotonic()


def progress(what):
    minutes, seconds = divmod(int(time.monotonic() - BEGAN), 60)
    print(f"{minutes:3}:{seconds:02} {what}", file=sys.stderr, flush=True)


class Kept:
    """Results of jobs in files, so that a run goes on where another one was broken off, or a smaller one ended. They are
    those of the same tools, scripts and list."""

    def __init__(self, work, of):
        digest = hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in of)).hexdigest()
        self.folder = work / f"kept-{digest[:16]}"
        self.folder.mkdir(parents=True, exist_ok=True)

    def all(self, jobs, make):
        """Results of make(job) in the order of the jobs, which are (name, ...); as many at a time as there are cores."""

        def one(job):
            path = self.folder / f"{job[0]}.json"
            if not path.exists():
                begun = path.with_suffix(".begun")
                begun.write_text(json.dumps(make(*job)))
                begun.rename(path)
            return json.loads(path.read_text())

        # Threads: nearly all time is the tools'.
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for job, result in zip(jobs, pool.map(one, jobs)):
                progress(job[0])
                yield result


def parts(items, most):
    return [items[start : start + most] for start in range(0, len(items), most)]


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


def local_features(tool, kind, paths):
    """The features of each path, one line each."""
    given = "".join(f"{path}\n" for path in paths)
    return subprocess.run([tool, kind], input=given, stdout=subprocess.PIPE, text=True, check=True).stdout


class Searches:
    """Tier 2 as a node searches: the tools, and a file of the features of all pictures."""

    def __init__(self, tools, kept, paths):
        self.tools, self.kept, self.paths = tools, kept, paths
        jobs = [(f"published-{at}", part) for at, part in enumerate(parts(paths, AT_ONCE))]
        self.published = kept.folder / "published.txt"
        with open(self.published, "w") as out:
            for lines in kept.all(jobs, lambda _, part: local_features(tools / "features", "published", part)):
                out.write(lines)

    def memory(self):
        """What a node counts for all pictures."""
        given = [self.tools / "region_search", self.published]
        return subprocess.run(given, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()

    def by(self, name, files, edited=None):
        """Of each file [[number, places, ours, theirs, seen]], how long each search took in ms, and with the numbers of
        the pictures that were edited whether each has a region with its own, held against it alone."""
        queries = self.kept.folder / f"{name}.queries"
        queries.write_text(local_features(self.tools / "features", "query", files))
        given = [self.tools / "region_search", self.published, queries]
        if edited is not None:
            given.append(self.kept.folder / f"{name}.edited")
            given[-1].write_text("".join(f"{at}\n" for at in edited))
        told = subprocess.run(given, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
        for file in given[2:]:
            file.unlink()
        found, times, alone = [], [], []
        for row in told:
            ms, *hits = row.split()
            times.append(float(ms))
            if edited is not None:
                alone.append(hits.pop(0) == "+")
            hits = [hit.split(":") for hit in hits]
            corners = [[[int(n) for n in corner.split(",")] for corner in hit[2:4]] for hit in hits]
            found.append([[int(hit[0]), int(hit[1]), *both, hit[4]] for hit, both in zip(hits, corners)])
        return found, times, alone


def told_times(times):
    shares = [int(value) for value in np.percentile(times, (50, 99, 100))]
    return f"{len(times)} searches: median {shares[0]} ms of a core, p99 {shares[1]} ms, longest {shares[2]} ms"


def bound(found):
    """The most events that are expected where so few are found in 5 % of runs: Poisson's, exactly."""
    least, most = 0.0, found + 10.0 * (found + 1) ** 0.5
    for _ in range(60):
        middle = (least + most) / 2
        is_likely = sum(math.exp(n * math.log(middle) - middle - math.lgamma(n + 1)) for n in range(found + 1)) > 0.05
        least, most = (middle, most) if is_likely else (least, middle)
    return most


def told_bound(found, count):
    return f"{found / count:.1e}, at most {bound(found) / count:.1e} per pair (95 %)"


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
    if "," in seen:
        # A window, by its corners.
        ours, seen = ours.crop([int(side) for side in seen.split(",")]), "Plain"
    if seen == "Mirrored":
        ours = ImageOps.mirror(ours)
    one = upright(ours, own, min(400 * (2 if seen == "Fine" else 1), 4 * max(ours.size)))
    two = upright(theirs, other, min(400, 4 * max(theirs.size)))
    return one is not None and two is not None and float((one * two).sum()) >= 0.7


def folders(root, paths):
    """Of each picture its folder, of the package's first level: a folder holds sets of icons, flags, signs and cards,
    which are drawn from common parts. A photograph stands alone."""
    return [path.relative_to(root).parts[0] if path.is_relative_to(root) else path.name for path in paths]


def pairs_searched(chosen, folder_of):
    """How many pairs searches by the chosen pictures look at, each once: (within one folder, of two folders)."""
    count, within = len(chosen), {}
    for folder in folder_of:
        within[folder] = within.get(folder, 0) + 1
    own = {}
    for at in chosen:
        own[folder_of[at]] = own.get(folder_of[at], 0) + 1
    # With n chosen of N: n (N - 1) ordered pairs, of which those of two chosen ones are counted twice.
    same = sum(n * (within[folder] - 1) - n * (n - 1) // 2 for folder, n in own.items())
    return same, count * (len(folder_of) - 1) - count * (count - 1) // 2 - same


def named_pairs(hits, chosen):
    """Of searches with unedited pictures: what was found for each pair, once."""
    pairs = {}
    for at, found in zip(chosen, hits):
        for hit in found:
            if hit[0] != at:
                pairs.setdefault(tuple(sorted((at, hit[0]))), (at, hit))
    return pairs


def seen_pairs(lists, root, paths):
    """Pairs of the corpus that show one drawing, or a part of it: as named_pairs has them."""
    at = {str(path.relative_to(root)): at for at, path in enumerate(paths) if path.is_relative_to(root)}
    rows = [line.split("\t") for line in (pathlib.Path(lists) / SEEN).read_text().splitlines()]
    return {tuple(sorted((at[one], at[other]))) for one, other, _ in rows if one in at and other in at}


class Edits:
    """What edits make of pictures, and which tier finds them again."""

    def __init__(self, tools, kept, paths, corpus, seed):
        self.tools, self.kept, self.paths, self.corpus, self.seed = tools, kept, paths, corpus, seed

    @functools.lru_cache(4 * SEARCHED_AT_ONCE)
    def original(self, at):
        image = flattened(self.paths[at])
        image.thumbnail((LONGEST, LONGEST), 1)
        return image

    def as_wholes(self, job, name, chosen):
        """The edited pictures' files, and whether tier 1 and PDQ find each."""
        files, by_pdq = [], []
        for at in chosen:
            image = self.original(at)
            picture = EDITS[name](image, random.Random(f"{self.seed} {at} {name}"))
            files.append(self.kept.folder / f"{job}-{at}.png")
            picture.save(files[-1], compress_level=1)
            by_pdq.append(bool(pdq([pdq_of(picture)], [pdq_of(image)])[0, 0] <= PDQ_DISTANCE))
        whole = []
        for at, one in zip(chosen, fingerprints(self.tools / "fingerprints", files)):
            whole.append(bool(one is not None and tier_1([one], [self.corpus[at]])[0, 0] <= MOST_DISTANCE))
        return files, whole, by_pdq

    def by_tier_1(self, job, name, chosen):
        """Of tier 1 and of PDQ whether each picture was found."""
        files, whole, by_pdq = self.as_wholes(job, name, chosen)
        for file in files:
            file.unlink()
        return [whole, by_pdq]

    def of(self, searches, job, name, chosen):
        """Of each kind whether each picture was found; pairs with others that were named; times."""
        files, whole, by_pdq = self.as_wholes(job, name, chosen)
        named, times, alone = searches.by(job, files, chosen)
        for file in files:
            file.unlink()
        region = [any(hit[0] == at for hit in found) for at, found in zip(chosen, named)]
        either = [one or other for one, other in zip(whole, region)]
        pairs = [[at, hit[0], name] for at, found in zip(chosen, named) for hit in found if hit[0] != at]
        return [whole, region, either, alone, by_pdq], pairs, times


def compared(root, lists, tools, work):
    """The pictures that have a fingerprint to compare, these, and where results are kept."""
    work.mkdir(parents=True, exist_ok=True)
    lists = [pathlib.Path(lists) / name for name in LEFT_OUT]
    left_out = {line.split("\t")[0] for of in lists for line in of.read_text().splitlines()}
    paths = [path for path in clip_art(root) if str(path.relative_to(root)) not in left_out]
    for number in range(PHOTOGRAPHS):
        path = work / f"photograph-{number}.png"
        if not path.exists():
            photograph(number).save(path)
        paths.append(path)
    print(f"{len(paths)} pictures: clip art without {len(left_out)} of both lists, {PHOTOGRAPHS} generated photographs")
    used = [*sorted(pathlib.Path(__file__).parent.glob("*.py")), *lists]
    kept = Kept(work, used + [tools / name for name in ("features", "fingerprints", "region_search")])
    jobs = [(f"fingerprints-{at}", part) for at, part in enumerate(parts(paths, AT_ONCE))]
    prints = [one for some in kept.all(jobs, lambda _, part: fingerprints(tools / "fingerprints", part)) for one in some]
    pairs = [(path, one) for path, one in zip(paths, prints) if one and (is_comparable(one, 0) or is_comparable(one, 1))]
    print(f"{len(pairs)} of these have a fingerprint to compare", flush=True)
    return [path for path, _ in pairs], [one for _, one in pairs], kept


def shuffled(paths, seed):
    """The order is the seed's, so that a larger run begins with a smaller one's."""
    order = list(range(len(paths)))
    random.Random(seed).shuffle(order)
    return order


def jobs_of_edits(kind, seed, chosen):
    jobs = []
    for at, part in enumerate(parts(chosen, SEARCHED_AT_ONCE)):
        jobs += [(f"{kind}-{seed}-{at}-{len(part)}-{number}", name, part) for number, name in enumerate(EDITS)]
    return jobs


def print_recall(kinds, rows):
    rows["mean"] = [[np.mean(rows[name][at]) for name in EDITS] for at in range(len(kinds))]
    for name, row in rows.items():
        print(f"{name:<16} " + "   ".join(f"{kind} {np.mean(found):.3f}" for kind, found in zip(kinds, row)))


def tier_1_alone(clipart, lists, tools, work, sample=200, seed="1"):
    tools = pathlib.Path(tools)
    paths, corpus, kept = compared(pathlib.Path(clipart), lists, tools, pathlib.Path(work))
    chosen = shuffled(paths, seed)[: int(sample)]
    edits = Edits(tools, kept, paths, corpus, seed)
    kinds = ["tier 1", "plain PDQ"]
    rows = {name: [[] for _ in kinds] for name in EDITS}
    jobs = jobs_of_edits("whole", seed, chosen)
    for (_, name, _), found in zip(jobs, kept.all(jobs, edits.by_tier_1)):
        for row, more in zip(rows[name], found):
            row += more
    print_recall(kinds, rows)
    # Of each picture the mean over its edits: pictures were chosen by lot, edits weren't.
    means = np.mean([rows[name][0] for name in EDITS], axis=0)
    error = np.std(means, ddof=1) / len(means) ** 0.5
    mean = np.mean(means)
    print(f"tier 1, mean of {len(means)} pictures: {mean:.3f}, at least {mean - 1.645 * error:.3f} (95 %)")


def main(clipart, lists, tools, work, sample=150, seed="1", strangers=1500):
    tools, work, root = pathlib.Path(tools), pathlib.Path(work), pathlib.Path(clipart)
    paths, corpus, kept = compared(root, lists, tools, work)
    found, count = false_pairs(tier_1, corpus, MOST_DISTANCE)
    print(f"tier 1, unrelated pairs: {count}, within {MOST_DISTANCE} bits: {found}, {told_bound(found, count)}")
    searches = Searches(tools, kept, paths)
    print(f"tier 2, the index of {searches.memory()}", flush=True)

    order = shuffled(paths, seed)
    others, chosen = order[: int(strangers)], order[: int(sample)]
    jobs = [(f"unedited-{seed}-{at}-{len(part)}", part) for at, part in enumerate(parts(others, SEARCHED_AT_ONCE))]
    hits, times = [], []
    for found, took, _ in kept.all(jobs, lambda name, part: searches.by(name, [paths[at] for at in part])):
        hits, times = hits + found, times + took
    print(f"tier 2, by unedited pictures, {told_times(times)}")
    folder_of, pairs = folders(root, paths), named_pairs(hits, others)
    within, count = pairs_searched(others, folder_of)
    seen, searched = seen_pairs(lists, root, paths), set(others)
    rows = []
    for (a, b), (at, hit) in sorted(pairs.items()):
        is_same = is_same_part(flattened(paths[at]), flattened(paths[hit[0]]), hit)
        kind = "one folder" if folder_of[a] == folder_of[b] else "seen" if (a, b) in seen else "to be looked at"
        rows.append(f"{paths[a]}\t{paths[b]}\t{kind}\t{hit[1]}\t{hit[4]}\t{is_same}\n")
    (work / "found-pairs.txt").write_text("".join(rows))
    of_two = {pair for pair in pairs if folder_of[pair[0]] != folder_of[pair[1]]}
    print(f"tier 2, pairs within one folder, which share parts: {within}, named: {len(pairs) - len(of_two)}")
    alike = {pair for pair in seen if searched.intersection(pair) and folder_of[pair[0]] != folder_of[pair[1]]}
    print(f"tier 2, pairs of two folders that show one drawing ({SEEN}): {len(alike)}, named: {len(of_two & alike)}")
    wrong, count = len(of_two - alike), count - len(alike)
    print(f"tier 2, unrelated pairs: {count}, named: {wrong}, {told_bound(wrong, count)}", flush=True)

    edits = Edits(tools, kept, paths, corpus, seed)
    found, count = false_pairs(pdq, [pdq_of(edits.original(at)) for at in chosen], PDQ_DISTANCE)
    print(f"plain PDQ, unrelated pairs of the {len(chosen)} edited pictures: {count}, within {PDQ_DISTANCE} bits: {found}")
    kinds = ["tier 1", "tier 2", "either", "tier 2 of both alone", "plain PDQ"]
    rows, strange, times = {name: [[] for _ in kinds] for name in EDITS}, set(), []
    jobs = jobs_of_edits("edit", seed, chosen)
    for (_, name, _), (found, named, took) in zip(jobs, kept.all(jobs, functools.partial(edits.of, searches))):
        for row, more in zip(rows[name], found):
            row += more
        strange |= {tuple(sorted(pair[:2])) for pair in named}
        times += took
    print_recall(kinds, rows)
    count = len(chosen) * (len(paths) - 1)
    print(f"tier 2, edited pictures with others: pairs {count}, in each of {len(EDITS)} edits, named: {len(strange)}")
    print(f"tier 2, by edited pictures, {told_times(times)}", flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "--list":
        write_list(*sys.argv[2:])
    elif sys.argv[1] == "--tier-1":
        tier_1_alone(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
