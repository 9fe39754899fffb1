"""Put checkpoints of finished trainings among the shipped ones, in half precision: half the size.

python tools/ship_weights.py runs/robust/best.safetensors=small-scenes-segpgd ...
"""

import sys
from pathlib import Path

import torch

from art_segplugin.models import load_checkpoint, save_checkpoint

WEIGHTS = Path("art_segplugin/models/weights")
LARGEST = 20e6  # bytes of all together


def main() -> None:
    """Convert each source and check what all of them weigh."""
    for pair in sys.argv[1:]:
        source, _, name = pair.partition("=")
        model = load_checkpoint(source)
        assert model.info is not None
        before = {key: value.clone() for key, value in model.model.state_dict().items()}
        model.model.half()
        save_checkpoint(WEIGHTS / f"{name}.safetensors", model, model.info)
        again = load_checkpoint(WEIGHTS / f"{name}.safetensors").model.state_dict()
        floats = [key for key, value in before.items() if value.is_floating_point()]
        change = max(
            float((again[key] - before[key]).norm() / before[key].norm().clamp_min(1e-12))
            for key in floats
        )
        if not all(torch.isfinite(again[key]).all() for key in floats):
            raise SystemExit(f"{name}: half precision cannot hold the weights")
        print(f"{name}: largest relative change of a tensor {change:.1e}")
    total = sum(path.stat().st_size for path in WEIGHTS.glob("*.safetensors"))
    print(f"{total / 1e6:.1f} MB of {LARGEST / 1e6:.0f} MB")
    if total > LARGEST:
        raise SystemExit("too much to ship")


if __name__ == "__main__":
    main()
