"""Pictures scaled down to what a model can attack while someone watches."""

from art_segplugin.data.resampling import even, resized_labels, resized_picture
from art_segplugin.errors import InputError
from art_segplugin_gui.session.frames import ClassMap, Picture

SMALLEST = 16


def check_longest_side(longest_side: int | None) -> None:
    """Refuse a limit that leaves nothing to see.

    Raises:
        InputError: it is below SMALLEST.
    """
    if longest_side is not None and longest_side < SMALLEST:
        raise InputError(
            f"longest side is {longest_side}; give at least {SMALLEST} pixels, or none for no limit."
        )


def scaled_size(height: int, width: int, longest_side: int | None) -> tuple[int, int]:
    """Height and width in the same proportion, neither above `longest_side`; never larger."""
    if longest_side is None or max(height, width) <= longest_side:
        return height, width
    factor = longest_side / max(height, width)
    return max(round(height * factor), 1), max(round(width * factor), 1)


def scaled_down(image: Picture, longest_side: int | None) -> Picture:
    """Average a picture down; uint8 (h, w, 3), which nobody can write into."""
    rows, columns = scaled_size(image.shape[0], image.shape[1], longest_side)
    return frozen(resized_picture(image, rows, columns))


def scaled_labels(labels: ClassMap, longest_side: int | None) -> ClassMap:
    """Pick labels for a smaller picture; uint8 (h, w), which nobody can write into."""
    rows, columns = scaled_size(labels.shape[0], labels.shape[1], longest_side)
    return frozen(resized_labels(labels, rows, columns))


def even_sides(image: Picture) -> Picture:
    """Cut off an odd last row or column: video codecs cannot write it."""
    return frozen(even(image))


def frozen(array: Picture) -> Picture:
    """The same array, read-only from now on."""
    array.setflags(write=False)
    return array
