"""Trees of dataclasses as JSON and back, told by their annotations."""

import math
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def to_plain(value: Any) -> Any:
    """Dictionaries, lists, texts, numbers and None; a float that is not finite becomes None.

    JSON has no NaN: a file that holds one cannot be read by most programs.
    """
    if is_dataclass(value):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): to_plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def from_plain(kind: type[T], values: Any) -> T:
    """Build a `kind` from what `to_plain` gave; None where a float belongs becomes NaN.

    Args:
        kind: a dataclass of texts, numbers, lists, tuples, dictionaries and such dataclasses.
        values: what was read.

    Raises:
        TypeError: a value is missing, too many, or of another type than annotated.
    """
    built: T = _built(kind, values)
    return built


def _built(kind: Any, value: Any) -> Any:
    origin, parts = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        if not isinstance(value, dict) or not set(value) <= set(hints):
            raise TypeError(f"{value!r:.60} is no {getattr(kind, '__name__', kind)}")
        return kind(**{name: _built(hints[name], one) for name, one in value.items()})  # type: ignore[operator]
    if origin in (Union, UnionType):
        (wanted,) = (part for part in parts if part is not NoneType)
        return None if value is None else _built(wanted, value)
    if origin is list:
        return [_built(parts[0], one) for one in _checked(list, value)]
    if origin is tuple:
        kinds = parts[:1] * len(value) if parts[1:] == (...,) else parts
        return tuple(_built(*pair) for pair in zip(kinds, _checked(list, value), strict=True))
    if origin is dict:
        return {key: _built(parts[1], one) for key, one in _checked(dict, value).items()}
    if kind is float:
        return math.nan if value is None else float(_checked((int, float), value))
    return value if kind is Any else _checked(kind, value)


def _checked(kind: Any, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{value!r:.60} is of another type than expected")
    return value
