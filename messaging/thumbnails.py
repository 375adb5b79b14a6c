"""Small pictures of large ones, made by Pillow in a process that does nothing else.

Pictures are hostile: a file of a few kilobytes can claim to be gigabytes of pixels, or keep a decoder at work
for hours. The size it claims is looked at before anything is decoded, only formats that browsers show are
tried, none takes longer than a while, and whatever goes wrong in there makes one picture without a thumbnail.
"""

import logging
import os
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, ImageOps

from messaging.files import unfinished

LONGEST_SIDE = 480  # pixels of a thumbnail: 240 on a screen of two
MOST_PIXELS = 50_000_000  # of the original: 200 MB while it is looked at; phones make 12 to 50 million
PATIENCE = 20.0  # seconds for one picture; the largest that are tried take two
FORMATS = ("PNG", "JPEG", "GIF", "WEBP")

logger = logging.getLogger(__name__)


def make_thumbnail(picture: Path, thumbnail: Path) -> tuple[int, int] | None:
    """Makes the thumbnail of a picture. Its width and height as shown, in pixels; None if it is no good.

    To be called in the main thread, which is where a timer's signal comes.
    """
    try:
        with warnings.catch_warnings(), _in_time(PATIENCE):
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _make(picture, thumbnail)
    except MemoryError:
        logger.warning("! picture %s needs too much memory", picture.name)
    except Exception as error:
        # Decoders raise whatever they like on damaged files: SyntaxError, struct.error, ZeroDivisionError.
        logger.warning("! picture %s can't be read: %s", picture.name, type(error).__name__)
    return None


class TakesTooLong(Exception):
    """A picture keeps its decoder at work, as a JPEG with a hundred thousand scans does."""


@contextmanager
def _in_time(seconds: float) -> Iterator[None]:
    """Raises TakesTooLong after so many seconds, as soon as the decoder wants more of the file."""

    def end(_number: int, _frame: object) -> None:
        raise TakesTooLong

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def _make(picture: Path, thumbnail: Path) -> tuple[int, int] | None:
    with Image.open(picture, formats=FORMATS) as image:
        width, height = image.size
        if width * height > MOST_PIXELS:
            logger.warning("! picture %s has %d x %d pixels, which is too many", picture.name, width, height)
            return None
        image.draft("RGB", (LONGEST_SIDE * 2, LONGEST_SIDE * 2))  # JPEG is decoded at an eighth, if that is enough
        orientation = image.getexif().get(0x0112, 1)  # Exif: Orientation
        shown = (height, width) if orientation in (5, 6, 7, 8) else (width, height)
        small = ImageOps.exif_transpose(image)
        small = small.convert("RGBA" if "A" in small.getbands() or "transparency" in small.info else "RGB")
        small.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        new = unfinished(thumbnail)
        small.save(new, "WEBP", quality=80)
        os.replace(new, thumbnail)  # noqa: PTH105  atomic, as its name says
        return shown
