"""Shrink what `make pictures` made to the pictures of the README."""

from pathlib import Path

from PIL import Image

WIDTH = 1200
PICTURES = {
    "demo-output/overlays/test-0-00002-segpgd-20.png": "demo.jpg",
    "demo-output/curves.png": "curves.png",
    "robust-output/overlays/test-0-00002-segpgd-20.png": "robust.jpg",
    "selfie-output/overlays/astronaut.png": "selfie.jpg",
}


def main() -> None:
    """Shrink the pictures to the width of the README."""
    target = Path("docs/images")
    target.mkdir(parents=True, exist_ok=True)
    for source, name in PICTURES.items():
        picture = Image.open(source).convert("RGB")
        height = round(picture.height * WIDTH / picture.width)
        picture = picture.resize((WIDTH, height), Image.Resampling.LANCZOS)
        picture.save(target / name, quality=88, optimize=True)


if __name__ == "__main__":
    main()
