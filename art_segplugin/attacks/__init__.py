"""Recipes: one paper a file, each a choice of parts for the one loop in core.attack."""

from art_segplugin.attacks.apgd import apgd
from art_segplugin.attacks.fgsm import fgsm
from art_segplugin.attacks.pgd import pgd
from art_segplugin.attacks.registry import PRESETS, RECIPES, NamedAttack, named
from art_segplugin.attacks.segpgd import segfgsm, segpgd
from art_segplugin.attacks.temperature_pgd import SWEEP, temperature_pgd, temperature_sweep

__all__ = [
    "PRESETS",
    "RECIPES",
    "SWEEP",
    "NamedAttack",
    "apgd",
    "fgsm",
    "named",
    "pgd",
    "segfgsm",
    "segpgd",
    "temperature_pgd",
    "temperature_sweep",
]
