"""Recipes: one paper a file, each a choice of parts for the one loop in core.attack."""

from art_segplugin.attacks.fgsm import fgsm
from art_segplugin.attacks.pgd import pgd
from art_segplugin.attacks.registry import PRESETS, RECIPES, NamedAttack, named
from art_segplugin.attacks.segpgd import segfgsm, segpgd

__all__ = ["PRESETS", "RECIPES", "NamedAttack", "fgsm", "named", "pgd", "segfgsm", "segpgd"]
