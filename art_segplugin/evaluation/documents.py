"""Dataclasses as JSON documents and back, by pydantic, which also publishes their schema."""

import json
import math
from collections.abc import Collection
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, core_schema

from art_segplugin.errors import InputError
from art_segplugin.files import printable, write_text

T = TypeVar("T")


class NullsAsNan:
    """Lets null stand for NaN in the floats of a dataclass that knows nothing of JSON."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """The dataclass, whose floats may be null."""
        floats = [name for name, kind in get_type_hints(source).items() if kind is float]

        def with_nan(values: Any) -> Any:
            if not isinstance(values, dict):
                return values
            empty = [name for name in floats if values.get(name, 0.0) is None]
            return values | dict.fromkeys(empty, float("nan"))

        return core_schema.no_info_before_validator_function(with_nan, handler(source))


_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


def _adapter(kind: Any) -> TypeAdapter[Any]:
    """How pydantic reads and writes a type; made once, which takes milliseconds."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def to_text(value: Any, context: Any = None) -> str:
    """A dataclass as JSON; a float that is not finite becomes null.

    Args:
        value: of dataclasses, texts, numbers, lists, tuples and dictionaries.
        context: what the serialisers of its fields need.
    """
    adapter = _adapter(type(value))
    try:
        return adapter.dump_json(value, indent=1, context=context).decode()
    except PydanticSerializationError:  # names of files need not be text
        plain = adapter.dump_python(value, mode="json", context=context)
        return json.dumps(_printable(plain), indent=1, ensure_ascii=False)


def _printable(tree: Any) -> Any:
    """The same, with texts that UTF-8 can hold, and null for floats that are not finite."""
    if isinstance(tree, dict):
        return {_printable(key): _printable(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_printable(value) for value in tree]
    if isinstance(tree, float) and not math.isfinite(tree):
        return None
    return printable(tree) if isinstance(tree, str) else tree


def to_plain(value: Any, fields: Collection[str] | None = None) -> Any:
    """The same as dictionaries, lists, texts, numbers and None; of some fields, None for all."""
    include = None if fields is None else set(fields)
    return json.loads(_adapter(type(value)).dump_json(value, include=include))


def from_text(kind: type[T], text: str, context: Any = None) -> T:
    """Build a `kind` from what `to_text` gave; null where a `scores.Number` belongs becomes NaN.

    Args:
        kind: a dataclass.
        text: what was read.
        context: what the validators of its fields need.

    Raises:
        InputError: something in it refused its value, with a sentence of its own.
        ValueError: a value is missing, too many, or of another type than annotated; says which in
            a few words.
    """
    try:
        built: T = _adapter(kind).validate_json(text, strict=True, extra="forbid", context=context)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        cause = first.get("ctx", {}).get("error")
        if isinstance(cause, InputError):
            raise cause from None
        where = ".".join(map(str, first["loc"]))
        raise ValueError(": ".join(filter(None, (where, first["msg"])))) from error
    return built


def from_plain(kind: type[T], values: Any) -> T:
    """The same from what `to_plain` gave."""
    return from_text(kind, json.dumps(values))


class Published:
    """A dataclass whose JSON schema is published."""

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """The JSON schema of its file."""
        return _adapter(cls).json_schema()


class Document(Published):
    """A dataclass that is a file of its own."""

    noun: ClassVar[str]
    """What it is, as messages say it."""

    def save(self, path: Path) -> None:
        """Write as JSON, with null where there is no number; whole or not at all."""
        write_text(path, to_text(self))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            InputError: the file is missing or is no such document.
        """
        try:
            return from_text(cls, path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{path} is not a {cls.noun} of art-segplugin ({error}).") from error
