"""Make the pictures of the README from a finished `make demo`: `make pictures`."""

import sys
from pathlib import Path

from PIL import Image

WIDTH = 1200
PICTURES = {
    "overlays/test-0-00002-segpgd-20.png": "demo.jpg",
    "curves.png": "curves.png",
}


def main() -> None:
    """Shrink the pictures to the width of the README."""
    demo, target = Path(sys.argv[1]), Path("docs/images")
    target.mkdir(parents=True, exist_ok=True)
    for source, name in PICTURES.items():
        picture = Image.open(demo / source).convert("RGB")
        height = round(picture.height * WIDTH / picture.width)
        picture = picture.resize((WIDTH, height), Image.Resampling.LANCZOS)
        picture.save(target / name, quality=88, optimize=True)


if __name__ == "__main__":
    main()
