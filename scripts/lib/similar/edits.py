#!/usr/bin/env python3
"""The 17 edits of the bench: each takes a picture and a seeded random, and gives the edited picture."""

import io

from PIL import Image, ImageDraw, ImageOps

WHITE = (255, 255, 255)


def colour(random):
    return tuple(random.randrange(256) for _ in range(3))


def jpeg(image, _):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=30)
    file.seek(0)
    return Image.open(file).convert("RGB")


def scale(image, _):
    return image.resize((max(8, image.width // 2), max(8, image.height // 2)), Image.LANCZOS)


def stretch(image, _):
    return image.resize((int(image.width * 1.3), image.height), Image.BICUBIC)


def grey(image, _):
    return image.convert("L").convert("RGB")


def hue(image, random):
    hues, saturation, value = image.convert("HSV").split()
    turn = random.randrange(40, 216)
    hues = hues.point(lambda h: (h + turn) % 256)
    return Image.merge("HSV", (hues, saturation, value)).convert("RGB")


def white_border(image, _):
    return ImageOps.expand(image, max(image.size) // 10, WHITE)


def coloured_border(image, random):
    return ImageOps.expand(image, max(image.size) // 10, colour(random))


def flip(image, _):
    return ImageOps.mirror(image)


def turn_90(image, _):
    return image.transpose(Image.ROTATE_90)


def turn(degrees):
    return lambda image, _: image.rotate(degrees, Image.BICUBIC, expand=True, fillcolor=WHITE)


def crop(share):
    """Cuts this share off each direction, at a random place."""

    def edit(image, random):
        width, height = int(image.width * (1 - share)), int(image.height * (1 - share))
        left, top = random.randint(0, image.width - width), random.randint(0, image.height - height)
        return image.crop((left, top, left + width, top + height))

    return edit


def caption(image, random):
    """A dark band with words below the picture."""
    height = int(image.height * 0.15)
    out = Image.new("RGB", (image.width, image.height + height), tuple(random.randrange(60) for _ in range(3)))
    out.paste(image, (0, 0))
    place = (image.width * 0.05, image.height + height * 0.2)
    words = f"NEW ARRIVAL  {random.randrange(1000)}"
    ImageDraw.Draw(out).text(place, words, fill=WHITE, font_size=max(8, height // 2))
    return out


def logo(image, random):
    """A coloured disc with a word in a corner, a quarter of the shorter side."""
    out, side = image.copy(), min(image.size) * 0.25
    x, y = image.width - side * 1.1, image.height - side * 1.1
    draw = ImageDraw.Draw(out)
    draw.ellipse((x, y, x + side, y + side), fill=colour(random), outline=WHITE)
    draw.text((x + side * 0.2, y + side * 0.3), "SHOP", fill=WHITE, font_size=max(6, int(side * 0.25)))
    return out


def screenshot(image, random):
    """The picture in a shop's page on a telephone."""
    width, height = 720, 1280
    out = Image.new("RGB", (width, height), WHITE)
    draw = ImageDraw.Draw(out)
    draw.rectangle((0, 0, width, 90), fill=(random.randrange(256), random.randrange(120), random.randrange(120)))
    draw.text((20, 25), "shop.example", fill=WHITE, font_size=36)
    factor = min(width * 0.6 / image.width, 450 / image.height)
    small = image.resize((max(1, int(image.width * factor)), max(1, int(image.height * factor))), Image.LANCZOS)
    out.paste(small, ((width - small.width) // 2, 140))
    y = 180 + small.height
    draw.text((20, y), "Price 49.90", fill=(200, 20, 20), font_size=44)
    letters = "abcdefghijklmnopqrstuvwxyz    "
    for line in range(6):
        words = "".join(random.choice(letters) for _ in range(34))
        draw.text((20, y + 80 + line * 44), words, fill=(40, 40, 40), font_size=28)
    draw.rectangle((40, height - 120, width - 40, height - 40), fill=(255, 120, 0))
    draw.text((280, height - 105), "Buy now", fill=WHITE, font_size=40)
    return out


EDITS = {
    "JPEG q30": jpeg,
    "scale 1/2": scale,
    "stretch 1.3": stretch,
    "grey": grey,
    "hue": hue,
    "white border": white_border,
    "coloured border": coloured_border,
    "flip": flip,
    "rot 90": turn_90,
    "rot 5": turn(5),
    "rot 25": turn(25),
    "crop 5 %": crop(0.05),
    "crop 10 %": crop(0.10),
    "crop 25 %": crop(0.25),
    "caption": caption,
    "logo": logo,
    "screenshot": screenshot,
}
