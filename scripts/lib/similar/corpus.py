#!/usr/bin/env python3
"""The pictures of the bench: Debian's openclipart-png without near-duplicates, and generated photographs."""

import pathlib
import re

import numpy as np
from PIL import Image

Image.MAX_IMAGE_PIXELS = None
MOST_PIXELS = 1 << 26
COLOURS = "black|white|grey|gray|red|green|blue|yellow|orange|purple|pink|brown|seagreen|silver|gold|bw"


def clip_art(folder):
    """Paths of the package's pictures, sorted."""
    return sorted(pathlib.Path(folder).rglob("*.png"))


def flattened(path):
    """RGB over white; None for a picture that is too large to be read."""
    with Image.open(path) as image:
        if image.width * image.height > MOST_PIXELS:
            return None
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, (255, 255, 255, 255)), image).convert("RGB")


def series(path):
    """What pictures of one series have in common in their names: digits and colours are left out."""
    stem = re.sub(rf"[0-9]+|(?<![a-z])({COLOURS})(?![a-z])", "", path.stem.lower())
    return path.parent.name, re.sub(r"[^a-z]+", "", stem)


def signature(image):
    """24 x 24 means of what isn't white at the sides, of mean 0 and length 1; zeros for a plain picture."""
    grey = np.asarray(image.convert("L"))
    rows, columns = np.where((grey < 240).any(axis=1))[0], np.where((grey < 240).any(axis=0))[0]
    if len(rows) < 16 or len(columns) < 16:
        return np.zeros((24, 24), np.float32)
    content = Image.fromarray(grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    cells = np.asarray(content.resize((24, 24), Image.BOX), np.float32)
    cells = cells - cells.mean()
    length = float(np.linalg.norm(cells))
    return cells / length if length > 24 * 2 else np.zeros((24, 24), np.float32)


def turned(cells):
    """A signature turned and mirrored in all eight ways."""
    for one in (cells, cells.T):
        for two in (one, one[::-1]):
            yield two
            yield two[:, ::-1]


def near_duplicates(paths, limit=0.80):
    """(removed, why) of each picture that resembles an earlier one: of its series, or by its pixels.

    This looks at pixels alone and knows no fingerprint: else the bench would leave out what it is to find.
    """
    signatures = []
    for path in paths:
        image = flattened(path)
        signatures.append(np.zeros((24, 24), np.float32) if image is None else signature(image))
    table = np.array([cells.ravel() for cells in signatures])
    kept, known, removed = [], {}, []
    for at, path in enumerate(paths):
        if not table[at].any():
            removed.append((path, "plain or too large"))
            continue
        if series(path) in known:
            removed.append((path, f"series of {known[series(path)].name}"))
            continue
        if kept:
            views = np.array([view.ravel() for view in turned(signatures[at])])
            likeness = (views @ table[kept].T).max(axis=0)
            nearest = int(likeness.argmax())
            if likeness[nearest] >= limit:
                removed.append((path, f"looks like {paths[kept[nearest]].name}"))
                continue
        known[series(path)] = path
        kept.append(at)
    return removed


def noise(random, size, cells):
    """Smooth noise: a grid of random numbers, interpolated."""
    grid = Image.fromarray(random.random((cells + 1, cells + 1)).astype(np.float32))
    return np.asarray(grid.resize((size, size), Image.BICUBIC))


def photograph(seed, size=512):
    """A picture with a photograph's textures: ground and sky, lit bodies, grain."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:size, 0:size] / size
    relief = sum(noise(random, size, 2**k) / 1.7**k for k in range(1, 8))
    relief = (relief - relief.min()) / np.ptp(relief)
    ends = random.random((4, 3))
    ground = relief[..., None] * ends[0] + (1 - relief[..., None]) * ends[1]
    horizon = random.uniform(0.2, 0.7) + 0.15 * (noise(random, size, 6)[0] - 0.5)
    sky = (1 - y)[..., None] * ends[2] + y[..., None] * ends[3]
    picture = np.where((y < horizon[None, :])[..., None], sky, ground)
    for _ in range(random.integers(3, 9)):
        cx, cy, rx, ry = random.random(), random.random(), random.uniform(0.05, 0.25), random.uniform(0.05, 0.25)
        turn = random.uniform(0, np.pi)
        u = ((x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)) / rx
        v = ((y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)) / ry
        power = random.uniform(1.2, 5)
        inside = np.abs(u) ** power + np.abs(v) ** power < 1
        light = np.clip(0.75 - 0.45 * u - 0.35 * v + 0.25 * (noise(random, size, 24) - 0.5), 0, 1.3)
        picture = np.where(inside[..., None], light[..., None] * random.random(3), picture)
    vignette = 1 - 0.5 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)
    picture = picture * vignette[..., None] + random.normal(0, 0.02, (size, size, 1))
    return Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8))
