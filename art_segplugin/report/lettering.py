"""Text in pictures: one font, and lines cut to the width that there is."""

from functools import lru_cache
from pathlib import Path

from PIL import ImageFont


@lru_cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib: the same picture on every machine.

    Args:
        size: height in pixels.
        bold: the bold one.
    """
    import matplotlib as mpl

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(mpl.get_data_path()) / "fonts" / "ttf" / name), size)


def shortened(text: str, width: float, size: int) -> str:
    """The text, or as much of its beginning as fits with an ellipsis.

    Args:
        text: one line.
        width: pixels that there are.
        size: of the font.
    """
    if font(size).getlength(text) <= width:
        return text
    while text and font(size).getlength(text + "…") > width:
        text = text[:-1]
    return text.rstrip() + "…"
