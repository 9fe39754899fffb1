"""A session as a JSON file, and back."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from art_segplugin.errors import InputError
from art_segplugin.files import write_text
from art_segplugin_gui.session.state import (
    FADE_LIMIT,
    GOALS,
    LAYERS,
    REGIONS,
    Attack,
    Models,
    Source,
    State,
    View,
)

FORMAT = 1
SUFFIX = ".segstudio.json"


def save_state(path: Path, state: State) -> None:
    """Write a session, whole or not at all.

    Raises:
        InputError: the file cannot be written.
    """
    write_text(path, json.dumps(to_tree(state), indent=1))


def load_state(path: Path) -> State:
    """Read what `save_state` wrote.

    Raises:
        InputError: the file is missing, or holds something else.
    """
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"session {path} cannot be read ({error}); choose another file."
        ) from error
    return from_tree(tree, str(path))


def to_tree(state: State) -> dict[str, Any]:
    """A state as JSON can hold it."""
    tree = {
        "source": asdict(state.source),
        "models": asdict(state.models),
        "attack": {**_plain(state.attack), "options": dict(state.attack.options)},
        "view": {**_plain(state.view), "hidden": sorted(state.view.hidden)},
    }
    return {"format": FORMAT, **tree}


def from_tree(tree: Any, where: str = "the session") -> State:
    """A state from what `to_tree` gave.

    Raises:
        InputError: something is missing, of the wrong kind or out of range; it is named.
    """
    if not isinstance(tree, Mapping) or tree.get("format") != FORMAT:
        raise InputError(f"{where} is no session of this version; expected format {FORMAT}.")
    try:
        view = dict(tree["view"])
        pair = view.get("pair")
        state = State(
            _filled(Source(), tree["source"]),
            _filled(Models(), tree["models"]),
            _filled(Attack(), {**tree["attack"], "options": _options(tree["attack"])}),
            _filled(
                View(),
                {
                    **view,
                    "hidden": frozenset(map(int, view["hidden"])),
                    "pair": None if pair is None else (int(pair[0]), int(pair[1])),
                },
            ),
        )
        _check(state)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise InputError(f"{where} does not hold a whole session ({error}).") from error
    return state


def _plain(part: Attack | View) -> dict[str, Any]:
    return {field.name: getattr(part, field.name) for field in fields(part)}


def _options(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(tree["options"]))


def _filled(default: Any, values: Mapping[str, Any]) -> Any:
    """`default` with these values, each of which must be of the kind of the default's."""
    for name, value in values.items():
        usual = getattr(default, name)
        kinds = (int, float) if isinstance(usual, float) else type(usual)
        optional = usual is None or value is None
        if not optional and not isinstance(value, kinds):
            raise ValueError(f"{name} is {value!r}")
    return replace(default, **values)


def _check(state: State) -> None:
    for name, value, known in (
        ("layer", state.view.layer, LAYERS),
        ("goal", state.attack.goal, GOALS),
        ("region", state.attack.region, REGIONS),
    ):
        if value not in known:
            raise ValueError(f"{name} is {value!r}, expected one of {', '.join(known)}")
    for name, number, most in (
        ("opacity", state.view.opacity, 1.0),
        ("fade", state.view.fade, FADE_LIMIT),
    ):
        if not 0 <= number <= most:
            raise ValueError(f"{name} is {number}, expected 0 to {most}")
    if not isinstance(state.source.spec, str) or not isinstance(state.models.a, str):
        raise ValueError("source and model are to be named")
