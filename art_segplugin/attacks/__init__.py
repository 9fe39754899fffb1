"""Attack factories: one paper a file, each a choice of parts for the one loop in core.attack.

A module with `SPECS` is all that an attack needs to be here; what type checkers read is
`__init__.pyi`, which `python tools/make_stubs.py` writes.
"""

from art_segplugin.attacks.registry import (
    ATTACKS,
    PRESETS,
    RECIPES,
    AttackSpec,
    NamedAttack,
    discover,
    named,
)

discover()
globals().update({spec.factory.__name__: spec.factory for spec in ATTACKS.values()})

from art_segplugin.attacks.temperature_pgd import SWEEP  # noqa: E402

__all__ = sorted(
    [
        "ATTACKS",
        "PRESETS",
        "RECIPES",
        "SWEEP",
        "AttackSpec",
        "NamedAttack",
        "named",
        *(spec.factory.__name__ for spec in ATTACKS.values()),
    ]
)
