"""Features of pictures, written from docs/regions.md alone: pixels in, bytes out.

Pixels are a list of rows, each a list of (red, green, blue). Integers throughout.
"""

MARGIN, SMALLEST, LEVELS, MOST = 17, 42, 8, 300
CIRCLE = [
    (0, -3), (1, -3), (2, -2), (3, -1), (3, 0), (3, 1), (2, 2), (1, 3),
    (0, 3), (-1, 3), (-2, 2), (-3, 1), (-3, 0), (-3, -1), (-2, -2), (-1, -3),
]  # fmt: skip
QUARTER = [1024, 1004, 946, 851, 724, 569, 392, 200, 0]


def cos(k):
    """1,024 times the cosine of 2 pi k / 32, rounded."""
    k %= 32
    if k > 16:
        k = 32 - k
    return QUARTER[k] if k <= 8 else -QUARTER[16 - k]


def sin(k):
    return cos(k + 24)


def shares(n, new):
    """For each of `new` values: the first of n values under it, the shares of that and the following, their total."""
    if new <= n:
        for j in range(new):
            first, last = j * n // new, ((j + 1) * n - 1) // new
            yield first, [min((j + 1) * n, (i + 1) * new) - max(j * n, i * new) for i in range(first, last + 1)], n
    else:
        for j in range(new):
            c = min(max((2 * j + 1) * n - new, 0), 2 * new * (n - 1))
            yield c // (2 * new), [2 * new - c % (2 * new), c % (2 * new)], 2 * new


def resized(grey, width, height):
    """"Another size"."""
    across = list(shares(len(grey[0]), width))
    half = [[256 * sum(v * s for v, s in zip(row[at:], part)) // total for at, part, total in across] for row in grey]
    out = []
    for at, part, total in shares(len(grey), height):
        rows = half[at : at + len(part)]
        sums = [sum(row[x] * s for row, s in zip(rows, part)) for x in range(width)]
        out.append([(value // total + 128) // 256 for value in sums])
    return out


def smoothed(grey):
    """Means of 5 x 5."""
    width, height = len(grey[0]), len(grey)
    row_sums = []
    for row in grey:
        wide = [row[0]] * 2 + row + [row[-1]] * 2
        row_sums.append([sum(wide[x : x + 5]) for x in range(width)])
    out = []
    for y in range(height):
        rows = [row_sums[min(max(y + dy, 0), height - 1)] for dy in range(-2, 3)]
        out.append([sum(column) // 25 for column in zip(*rows)])
    return out


def is_corner(grey, x, y):
    centre = grey[y][x]
    high, low = centre + 10, centre - 10
    # Nine of sixteen neighbours hold two of these four at least.
    four = [grey[y - 3][x], grey[y][x + 3], grey[y + 3][x], grey[y][x - 3]]
    if sum(v > high for v in four) < 2 and sum(v < low for v in four) < 2:
        return False
    ring = [grey[y + dy][x + dx] for dx, dy in CIRCLE]
    for marks in ([v > high for v in ring], [v < low for v in ring]):
        run = 0
        for mark in marks + marks[:8]:
            run = run + 1 if mark else 0
            if run == 9:
                return True
    return False


def sharpness(grey, cx, cy):
    a = b = c = 0
    for y in range(cy - 3, cy + 4):
        for x in range(cx - 3, cx + 4):
            g, k = grey[y][x + 1] - grey[y][x - 1], grey[y + 1][x] - grey[y - 1][x]
            a, b, c = a + g * g, b + k * k, c + g * k
    return 25 * (a * b - c * c) - (a + b) * (a + b)


def corners(grey, quota):
    width, height = len(grey[0]), len(grey)
    found = [
        (-sharpness(grey, x, y), y, x)
        for y in range(MARGIN, height - MARGIN)
        for x in range(MARGIN, width - MARGIN)
        if is_corner(grey, x, y)
    ]
    taken, occupied = [], set()
    for _, y, x in sorted(found):
        if len(taken) == quota:
            break
        if (x // 4, y // 4) not in occupied:
            occupied.add((x // 4, y // 4))
            taken.append((x, y))
    return taken


def pairs():
    """The 256 pairs of places, turned into each of the 32 directions."""
    state, numbers = 1, []
    for _ in range(256 * 4):
        total = 0
        for _ in range(3):
            state = (state * 1664525 + 1013904223) % 2**32
            total += state // 65536 % 9
        numbers.append(total - 12)
    places = list(zip(numbers[::2], numbers[1::2]))
    turned = []
    for k in range(32):
        turn = [((x * cos(k) - y * sin(k) + 512) // 1024, (x * sin(k) + y * cos(k) + 512) // 1024) for x, y in places]
        turned.append(list(zip(turn[::2], turn[1::2])))
    return turned


def direction(smooth, cx, cy):
    u = v = 0
    for dy in range(-13, 14):
        for dx in range(-13, 14):
            if dx * dx + dy * dy <= 169:
                value = smooth[cy + dy][cx + dx]
                u, v = u + dx * value, v + dy * value
    return max(range(32), key=lambda k: (u * cos(k) + v * sin(k), -k))


def features(pixels):
    """The bytes of a picture's features."""
    grey = [[(299 * r + 587 * g + 114 * b + 500) // 1000 for r, g, b in row] for row in pixels]
    width, height = len(grey[0]), len(grey)
    longer = max(width, height)
    side = min(400, 4 * longer)
    f, g = max(1, width * side // longer), max(1, height * side // longer)
    frame = resized(grey, f, g)
    sizes = [(f * 5**level // 6**level, g * 5**level // 6**level) for level in range(LEVELS)]
    total = max(1, sum(w * h for w, h in sizes))
    turned, found = pairs(), []
    for level, (w, h) in enumerate(sizes):
        if w < SMALLEST or h < SMALLEST:
            continue
        picture = resized(frame, w, h)
        smooth = smoothed(picture)
        for x, y in corners(picture, MOST * w * h // total + 1):
            k = direction(smooth, x, y)
            bits = 0
            for (ax, ay), (bx, by) in turned[k]:
                bits = bits << 1 | (smooth[y + ay][x + ax] < smooth[y + by][x + bx])
            place = (16 * x + 8) * f // w, (16 * y + 8) * g // h
            head = b"".join(at.to_bytes(2, "big") for at in place) + bytes([level << 5 | k])
            found.append(head + bits.to_bytes(32, "big"))
    return f.to_bytes(2, "big") + g.to_bytes(2, "big") + b"".join(found[:MOST])
