"""Fingerprints of pictures, written from docs/fingerprint.md alone: pixels in, bits and quality out.

Pixels are a list of rows, each a list of (red, green, blue). Integers throughout.
"""

MOST_DISTANCE = 47
LEAST_QUALITY = 10
MOST_HITS = 32

COSINES = [int(word) for word in """
    16384 16379 16364 16340 16305 16261 16207 16143 16069 15986 15893 15791 15679
    15557 15426 15286 15137 14978 14811 14635 14449 14256 14053 13842 13623 13395
    13160 12916 12665 12406 12140 11866 11585 11297 11003 10702 10394 10080  9760
     9434  9102  8765  8423  8076  7723  7366  7005  6639  6270  5897  5520  5139
     4756  4370  3981  3590  3196  2801  2404  2006  1606  1205   804   402     0
""".split()]


def cosine(m):
    m %= 256
    if m > 128:
        m = 256 - m
    return -COSINES[128 - m] if m > 64 else COSINES[m]


def is_uniform(line):
    means = [sum(pixel[c] for pixel in line) // len(line) for c in range(3)]
    deviating = sum(1 for pixel in line if any(abs(pixel[c] - means[c]) > 24 for c in range(3)))
    return 64 * deviating <= len(line)


def trimmed(pixels):
    """(left, top, right, bottom), the last two exclusive."""
    whole = (0, 0, len(pixels[0]), len(pixels))
    present = whole
    for _ in range(8):
        left, top, right, bottom = present
        rows = [y for y in range(top, bottom) if not is_uniform(pixels[y][left:right])]
        columns = [x for x in range(left, right) if not is_uniform([pixels[y][x] for y in range(top, bottom)])]
        if not rows or not columns:
            return whole
        following = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
        if following == present:
            break
        present = following
    left, top, right, bottom = present
    return whole if min(right - left, bottom - top) < 16 else present


def shares(length):
    """For each of 64 cells: [(pixel, units)]."""
    cells = []
    for j in range(64):
        start, end = j * length, (j + 1) * length
        overlapped = range(start // 64, (end + 63) // 64)
        cells.append([(x, min(end, 64 * (x + 1)) - max(start, 64 * x)) for x in overlapped])
    return cells


def reduce(pixels, part):
    left, top, right, bottom = part
    width, height = right - left, bottom - top
    across = shares(width)
    lines = []
    for y in range(top, bottom):
        luma = [299 * r + 587 * g + 114 * b for r, g, b in pixels[y][left:right]]
        lines.append([sum(luma[x] * units for x, units in cell) for cell in across])
    area = width * height
    return [[sum(lines[y][j] * units for y, units in cell) // area for j in range(64)] for cell in shares(height)]


def quality(cells):
    total = sum(abs(cells[i][j] - cells[i][j + 1]) for i in range(64) for j in range(63))
    total += sum(abs(cells[i][j] - cells[i + 1][j]) for i in range(63) for j in range(64))
    return min(total // 806_400, 100)


def coefficients(cells):
    table = [[cosine(k * (2 * n + 1)) for n in range(64)] for k in range(1, 17)]
    half = [[sum(w * value for w, value in zip(weights, row)) for weights in table] for row in cells]
    return [[sum(w * half[i][v] for i, w in enumerate(weights)) for v in range(16)] for weights in table]


def words(coefficient):
    """Four integers of 64 bits. coefficient[u - 1][v - 1]."""
    result = []
    for u_odd, v_odd in [(0, 0), (0, 1), (1, 0), (1, 1)]:
        values = [coefficient[u - 1][v - 1] for u in range(1, 17) if u % 2 == u_odd
                  for v in range(1, 17) if v % 2 == v_odd]
        threshold = sorted(values)[31] if (u_odd, v_odd) == (0, 0) else 0
        word = 0
        for value in values:
            word = 2 * word + (value > threshold)
        result.append(word)
    return result


def fingerprint(pixels):
    """(whole bits, trimmed bits, whole quality, trimmed quality); bits are 32 bytes."""
    bits, qualities = [], []
    for part in [(0, 0, len(pixels[0]), len(pixels)), trimmed(pixels)]:
        cells = reduce(pixels, part)
        bits.append(b"".join(word.to_bytes(8, "big") for word in words(coefficients(cells))))
        qualities.append(quality(cells))
    return (*bits, *qualities)


def transposed(word):
    rows = f"{word:064b}"
    return int("".join(rows[8 * row + column] for column in range(8) for row in range(8)), 2)


def variant(bits, number):
    a, b, c, d = (int.from_bytes(bits[k:k + 8], "big") for k in (0, 8, 16, 24))
    if number & 4:
        a, b, c, d = transposed(a), transposed(c), transposed(b), transposed(d)
    every = 2 ** 64 - 1
    if number & 1:
        b, d = every - b, every - d
    if number & 2:
        c, d = every - c, every - d
    return b"".join(word.to_bytes(8, "big") for word in (a, b, c, d))


def is_comparable(fingerprint, part):
    words = [int.from_bytes(fingerprint[part][k : k + 8], "big") for k in (8, 16, 24)]
    return fingerprint[part + 2] >= LEAST_QUALITY and all(8 <= word.bit_count() <= 56 for word in words)


def distance(one, other):
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


def nearest(ours, theirs):
    """(distance, part, variant) of the nearest, part 0 being the whole; None if nothing can be compared."""
    found = [(distance(variant(ours[part], number), theirs[part]), part, number)
             for part in (0, 1) if is_comparable(ours, part) and is_comparable(theirs, part) for number in range(8)]
    return min(found, default=None)


def search(ours, earlier):
    """(searched, found, [(distance, number, part, variant)]) among a list of fingerprints."""
    hits = []
    for number, theirs in enumerate(earlier):
        near = nearest(ours, theirs)
        if near is not None and near[0] <= MOST_DISTANCE:
            hits.append((near[0], number, near[1], near[2]))
    hits.sort()
    return len(earlier), len(hits), hits[:MOST_HITS]


def sample(width, height, seed):
    """The picture of a test vector."""
    def below(n):
        nonlocal seed
        seed = (seed * 1_664_525 + 1_013_904_223) % 2 ** 32
        return seed // 65_536 % n

    pixels = [[(255, 255, 255)] * width for _ in range(height)]
    for _ in range(12):
        left, top = below(width), below(height)
        wide, high = below(width) // 2 + 1, below(height) // 2 + 1
        colour = (below(256), below(256), below(256))
        for y in range(top, min(top + high, height)):
            for x in range(left, min(left + wide, width)):
                pixels[y][x] = colour
    return pixels
