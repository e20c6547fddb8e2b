"""Pictures to put somewhere: drawn, no two alike, PNG and JPEG in turn."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageOps

# How many pictures the post refers to.
POST_PICTURES = 5
SIZE = WIDTH, HEIGHT = 960, 720

COLOURS = {
    "Amber": ("#ffb300", "#7a3b00"),
    "Coral": ("#ff8a75", "#7b1e3a"),
    "Emerald": ("#7fe3a8", "#0b4a33"),
    "Indigo": ("#9fa8ff", "#1d1b5e"),
    "Jade": ("#a8e6cf", "#155e63"),
    "Plum": ("#e5a4e0", "#4a1450"),
    "Ruby": ("#ff9aa8", "#6b0f1e"),
    "Sand": ("#f3e2b3", "#6d5426"),
    "Teal": ("#8fdff0", "#0a4152"),
}


class Picture(NamedTuple):
    """An image file: its name in a storage, and what it is called."""

    title: str
    name: str
    content: bytes


def pictures() -> Iterator[Picture]:
    """Draw every scene in every colour."""
    for row, colour in enumerate(COLOURS):
        for column, scene in enumerate(SCENES):
            yield picture(colour, scene, "JPEG" if (row + column) % 2 else "PNG")


def picture(colour: str, scene: str, file_format: str) -> Picture:
    """Draw one."""
    light, dark = COLOURS[colour]
    sky = ImageOps.colorize(Image.linear_gradient("L").resize(SIZE), light, dark)
    SCENES[scene](ImageDraw.Draw(sky), light, dark)
    if file_format == "JPEG":  # a photograph has grain, a drawing has not
        sky = Image.blend(sky, _grain(), 0.1)
    file = io.BytesIO()
    sky.save(file, file_format)
    suffix = {"JPEG": "jpg", "PNG": "png"}[file_format]
    name = f"photos/{colour}-{scene}.{suffix}".lower()
    return Picture(f"{colour} {scene}", name, file.getvalue())


def is_image(content: bytes) -> bool:
    """Whether Pillow reads every pixel of it."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.load()
    except OSError:
        return False
    return True


@cache
def _grain() -> Image.Image:
    return Image.effect_noise(SIZE, 60).convert("RGB")


def _moon(draw: ImageDraw.ImageDraw, light: str, dark: str) -> None:
    draw.ellipse((360, 120, 680, 440), fill=light)
    draw.ellipse((450, 90, 740, 400), fill=dark)


def _hills(draw: ImageDraw.ImageDraw, light: str, dark: str) -> None:
    draw.ellipse((620, 90, 780, 250), fill=light)
    for peak, fill in ((260, light), (700, dark)):
        draw.polygon([(peak - 420, HEIGHT), (peak, 260), (peak + 420, HEIGHT)], fill=fill)


def _waves(draw: ImageDraw.ImageDraw, light: str, dark: str) -> None:
    for row in range(4):
        crest = [
            (x, 300 + 110 * row + 40 * math.sin(x / 90 + row)) for x in range(0, WIDTH + 1, 12)
        ]
        fill = dark if row % 2 else light
        draw.polygon([*crest, (WIDTH, HEIGHT), (0, HEIGHT)], fill=fill)


def _city(draw: ImageDraw.ImageDraw, light: str, dark: str) -> None:
    for house in range(9):
        left, top = 20 + 104 * house, 240 + 47 * (house * 5 % 8)
        draw.rectangle((left, top, left + 88, HEIGHT), fill=dark)
        for y in range(top + 24, HEIGHT - 30, 56):
            draw.rectangle((left + 20, y, left + 40, y + 26), fill=light)


SCENES = {"moon": _moon, "hills": _hills, "waves": _waves, "city": _city}
