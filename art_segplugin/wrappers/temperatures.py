"""Temperature-PGD with one temperature or several, for the faces."""

from collections.abc import Sequence
from typing import Any

from art_segplugin.attacks import temperature_pgd, temperature_sweep
from art_segplugin.core.iterate import Attack
from art_segplugin.errors import InputError

Temperature = float | Sequence[float]
"""One temperature; or several, of which the best answer of each image is kept."""


def at_temperature(temperature: Temperature, **options: Any) -> Attack:
    """`temperature_pgd` at one temperature, `temperature_sweep` over several.

    Args:
        temperature: a number; or a sequence, array or tensor of them.
        **options: the other parameters of both recipes, by name.

    Raises:
        InputError: a value outside its range.
    """
    values: Any = temperature.tolist() if hasattr(temperature, "tolist") else temperature
    if isinstance(values, list | tuple):
        return temperature_sweep(temperatures=values, **options)
    if not isinstance(values, int | float):
        raise InputError(
            f"temperature is {temperature!r}; give a number > 0, such as 0.2, or several."
        )
    return temperature_pgd(temperature=values, **options)
