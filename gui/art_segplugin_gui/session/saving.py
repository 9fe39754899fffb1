"""A session as a JSON file, and back."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from types import MappingProxyType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from art_segplugin.errors import InputError
from art_segplugin.files import write_text
from art_segplugin_gui.session.painted import Painted
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
EXPORTS = ("picture", "clip")
"""Kinds of a `repro.json`, which is another thing, see `evaluation.repro`."""
LARGEST = 2**31 - 1


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
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"session {path} cannot be read ({error}); choose another file."
        ) from error
    return from_tree(tree, str(path))


def to_tree(state: State) -> dict[str, Any]:
    """A state as JSON can hold it."""
    tree = {
        "source": asdict(state.source),
        "models": asdict(state.models),
        "attack": {
            **_plain(state.attack),
            "options": dict(state.attack.options),
            "painted": None if state.attack.painted is None else state.attack.painted.tree,
        },
        "view": {**_plain(state.view), "hidden": sorted(state.view.hidden)},
    }
    return {"format": FORMAT, **tree}


def from_tree(tree: Any, where: str = "the session") -> State:
    """A state from what `to_tree` gave.

    Raises:
        InputError: something is missing, of the wrong kind or out of range; it is named.
    """
    if isinstance(tree, Mapping) and tree.get("kind") in EXPORTS:
        raise InputError(f"{where} is an export and no session; run art-segplugin replay {where}")
    if not isinstance(tree, Mapping) or tree.get("format") != FORMAT:
        raise InputError(f"{where} is no session of this version; expected format {FORMAT}.")
    try:
        view = dict(tree["view"])
        pair = view.get("pair")
        state = State(
            _filled(Source(), tree["source"]),
            _filled(Models(), tree["models"]),
            _filled(
                Attack(),
                {
                    **tree["attack"],
                    "options": MappingProxyType(dict(tree["attack"]["options"])),
                    "painted": _painted(tree["attack"].get("painted")),
                },
            ),
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


def _painted(tree: Any) -> Painted | None:
    return None if tree is None else Painted.from_tree(tree)


def _filled(default: Any, values: Mapping[str, Any]) -> Any:
    """`default` with these values, each of which must be of its field's kind."""
    hints = get_type_hints(type(default))
    for name, value in values.items():
        if name not in hints:
            raise ValueError(f"{name} is unknown")
        if not _is_a(value, hints[name]):
            raise ValueError(f"{name} is {value!r}")
    return replace(default, **values)


def _is_a(value: Any, hint: Any) -> bool:
    """Whether a value is of an annotated kind; True and False are no numbers."""
    if isinstance(hint, UnionType):
        return any(_is_a(value, one) for one in get_args(hint))
    kind = get_origin(hint) or hint
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


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
    source, attack = state.source, state.attack
    for name, least, chosen in (
        ("index", 0, source.index),
        ("first", 0, source.first),
        ("last", source.first, source.last),
        ("longest_side", 8, source.longest_side),
        ("from_class", 0, attack.from_class),
        ("to_class", 0, attack.to_class),
        ("region_class", 0, attack.region_class),
        ("seed", 0, attack.seed),
    ):
        if chosen is not None and not least <= chosen <= LARGEST:
            raise ValueError(f"{name} is {chosen}, expected {least} to {LARGEST}")
